/** 30,000 files of a kilobyte or two: icons and one-function modules, in the folders they are published in. */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Corpus } from "./corpus.ts"
import { settle, unpackPackage } from "./packages.ts"

const packages = [
  "simple-icons@16.0.0",
  "date-fns@3.6.0",
  "rxjs@7.8.1",
  "remixicon@4.0.0",
  "core-js@3.37.0",
  "bootstrap-icons@1.11.0",
  "ionicons@7.4.0",
  "@ant-design/icons-svg@4.4.2",
  "lucide-static@0.400.0",
]
const fileCount = 30_000
const fileBytesMax = 600_000

export const smallFiles: Corpus = {
  name: "small-files",
  about: "30,000 small files of nine npm packages (icons, one-function modules)",
  revision: 3,
  states: ["first"],
  async build(folder, context) {
    const whole = join(folder, "..", `small-files-${process.pid}`)
    let kept = 0
    for (const spec of packages) {
      unpackPackage(spec, whole, context)
      const names = readdirSync(whole, { recursive: true, encoding: "utf8" }).toSorted()
      for (const name of names) {
        const stat = statSync(join(whole, name))
        if (!stat.isFile() || stat.size > fileBytesMax || kept === fileCount) continue
        const place = join(folder, spec.replaceAll(/[@/]+/g, "-").replace(/^-/, ""), name)
        mkdirSync(dirname(place), { recursive: true })
        renameSync(join(whole, name), place)
        kept++
      }
      rmSync(whole, { recursive: true, force: true })
    }
    if (kept !== fileCount) throw new Error(`the packages gave ${kept} small files, expected ${fileCount}`)
    settle(folder, 1_700_000_000)
  },
}
