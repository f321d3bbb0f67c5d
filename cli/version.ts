/** What `holdfast version` says. The number comes from package.json; the bundler puts it in. */
import manifest from "../package.json" with { type: "json" }

export const VERSION: string = manifest.version

/** The format that this version writes; spec/README.md. */
const FORMAT = 0

export function versionLine(): string {
  return `holdfast ${VERSION} (format ${FORMAT}, Node ${process.versions.node}, ${process.platform} ${process.arch})`
}

export function versionFacts(): Record<string, string | number> {
  return {
    version: VERSION,
    format: FORMAT,
    node: process.versions.node,
    platform: process.platform,
    arch: process.arch,
  }
}
