/** What `holdfast version` prints. It does not load the engine. */
import { VERSION } from "../../engine/base/version.ts"

/** The format that this version writes; spec/README.md. */
const FORMAT = 0

export function versionText(json: boolean): string {
  const { node } = process.versions
  const { platform, arch } = process
  if (!json) return `holdfast ${VERSION} (format ${FORMAT}, Node ${node}, ${platform} ${arch})`
  return JSON.stringify({ message_type: "version", version: VERSION, format: FORMAT, node, platform, arch })
}
