/**
 * The files that the host seeds into a new workspace. One that is equal to its template was never written by the
 * agent, so it counts as absent: it may be replaced without a question, and for the wipe alarm it is no memory.
 * OpenClaw has them in `docs/reference/templates/` of its package, with front matter that it leaves out.
 */
import { existsSync, lstatSync, readFileSync, realpathSync } from "node:fs"
import { delimiter, dirname, join } from "node:path"

/** Whether a file of the workspace is the host's template now. `path` is relative to the workspace. */
export type IsTemplate = (path: string, size: number) => boolean

export interface TemplateRequest {
  readonly workspace: string
  readonly profile: string
  readonly environment: Readonly<Record<string, string | undefined>>
  /** The root of the host's package, where the plugin knows it. */
  readonly hostPackage?: string | undefined
}

const NONE: IsTemplate = () => false

/** Looks for the package at the first question. Without it, no file is a template. */
export function openTemplates(request: TemplateRequest): IsTemplate {
  if (!request.profile.startsWith("openclaw-")) return NONE
  let folder: string | undefined
  let isSearched = false
  return (path, size) => {
    if (path.includes("/") || !path.endsWith(".md")) return false
    if (!isSearched) folder = templateFolder(request)
    isSearched = true
    if (folder === undefined) return false
    const template = templateText(join(folder, path))
    if (template === undefined || template.length !== size) return false
    return readOrNothing(join(request.workspace, path))?.equals(template) === true
  }
}

function templateFolder({ hostPackage, environment }: TemplateRequest): string | undefined {
  const start = hostPackage ?? executable(environment)
  const root = hostPackage ?? (start === undefined ? undefined : packageAbove(start))
  if (root === undefined) return undefined
  const folder = join(root, "docs", "reference", "templates")
  return existsSync(folder) ? folder : undefined
}

function executable(environment: TemplateRequest["environment"]): string | undefined {
  for (const folder of (environment["PATH"] ?? "").split(delimiter)) {
    if (folder === "") continue
    try {
      return realpathSync(join(folder, "openclaw"))
    } catch {
      // not in this folder
    }
  }
  return undefined
}

function packageAbove(file: string): string | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const text = readOrNothing(join(folder, "package.json"))?.toString("utf8")
    if (text !== undefined && /"name":\s*"openclaw"/.test(text)) return folder
    if (folder === dirname(folder)) return undefined
  }
}

/** Without front matter and the empty lines behind it. */
function templateText(file: string): Buffer | undefined {
  const text = readOrNothing(file)?.toString("utf8")
  if (text === undefined) return undefined
  const body = text.replace(/^---\r?\n[\s\S]*?\r?\n---[^\S\n]*\r?(?:\n|$)/, "").replace(/^(?:\r?\n)+/, "")
  return Buffer.from(body, "utf8")
}

/** Templates have a few KiB. */
const BYTES_MAX = 256 * 1024

function readOrNothing(file: string): Buffer | undefined {
  try {
    const stat = lstatSync(file)
    return stat.isFile() && stat.size <= BYTES_MAX ? readFileSync(file) : undefined
  } catch {
    return undefined
  }
}
