/** What this program calls itself in what it writes. The number comes from package.json. */
import manifest from "../../package.json" with { type: "json" }

export const PROGRAM: string = `holdfast ${manifest.version}`
