/** Published versions of one thing that replace each other in place, with one backup a version. */
import { execFileSync } from "node:child_process"
import { rmSync } from "node:fs"
import { join } from "node:path"
import type { Corpus } from "./corpus.ts"
import { unpackPackage } from "./packages.ts"

function versionsOf(name: string, about: string, specs: readonly string[]): Corpus {
  return {
    name,
    about,
    revision: 1,
    states: specs.map((_, index) => (index === 0 ? "first" : "later")),
    async build(folder, context) {
      for (const [index, spec] of specs.entries()) {
        unpackPackage(spec, join(folder, String(index)), context, index)
      }
    },
    async enter(index, { source, built }) {
      const place = join(source, "package")
      rmSync(place, { recursive: true, force: true })
      execFileSync("cp", ["-a", join(built, String(index)), place])
    },
  }
}

export const versions: Corpus = versionsOf(
  "versions",
  "typescript 5.0 to 5.9, each replacing the one before",
  [
    "typescript@5.0.4",
    "typescript@5.1.6",
    "typescript@5.2.2",
    "typescript@5.3.3",
    "typescript@5.4.5",
    "typescript@5.5.4",
    "typescript@5.6.3",
    "typescript@5.7.3",
    "typescript@5.8.3",
    "typescript@5.9.3",
  ],
)

/** One big JSON file, a few entries of which change from version to version. */
export const jsonEdited: Corpus = versionsOf(
  "json-edited",
  "ten versions of @mdn/browser-compat-data, one big JSON file with small edits",
  ["5.5.0", "5.5.5", "5.5.10", "5.5.15", "5.5.20", "5.5.25", "5.5.30", "5.5.35", "5.5.40", "5.5.45"].map(
    (version) => `@mdn/browser-compat-data@${version}`,
  ),
)
