/** What `holdfast version` says. The number comes from package.json; the bundler puts it in. */
import manifest from "../../package.json" with { type: "json" }

export const VERSION: string = manifest.version

/** The format that this version writes; spec/README.md. */
const FORMAT = 0

export function versionText(json: boolean): string {
  const { node } = process.versions
  const { platform, arch } = process
  if (!json) return `holdfast ${VERSION} (format ${FORMAT}, Node ${node}, ${platform} ${arch})`
  return JSON.stringify({ message_type: "version", version: VERSION, format: FORMAT, node, platform, arch })
}
