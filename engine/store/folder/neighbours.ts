/**
 * Finds foreign content in the place of a repository, existing or new: another tool's repository, or a
 * person's files. A store lists only names of objects, so a local folder is read directly. See
 * spec/stores.md.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import type { ObjectName } from "../../base/ids.ts"
import { isEngineError } from "../../base/errors.ts"
import { LOCAL_TEMPORARY_PREFIX } from "./local-folder.ts"
import { isObjectName } from "../object-name.ts"
import type { Store } from "../store.ts"

export type ForeignTool = "restic or rustic" | "borg" | "kopia"

/** Files that file managers and file systems create in every folder. */
const LITTER =
  /^(\.DS_Store|\.Trash.*|\.fseventsd|\.Spotlight-V100|\._.*|lost\+found|@eaDir|Thumbs\.db|desktop\.ini)$/

export function isLitter(name: string): boolean {
  return LITTER.test(name)
}

/** @returns the tool that the repository belongs to, if it is recognised */
export async function foreignRepository(store: Store): Promise<ForeignTool | undefined> {
  const names = foldersOf(store)
  if (names?.some((name) => name === "kopia.repository.f" || name === "kopia.repository") === true)
    return "kopia"
  const config = await configOf(store)
  if (config === undefined) return undefined
  if (/^\[repository\]/m.test(config)) return "borg"
  for await (const { name } of store.list("keys/"))
    if (/^keys\/[0-9a-f]{64}$/.test(name)) return "restic or rustic"
  return undefined
}

const OUR_FOLDERS = new Set(["repository", "keys", "log", "bundles", "packs", "index"])

/** @returns names in a local folder that a repository does not have; none for other stores */
export function strangersIn(store: Store): string[] {
  return (foldersOf(store) ?? []).flatMap((name) => {
    if (isLeftover(name)) return []
    if (!OUR_FOLDERS.has(name)) return [name]
    const found = strangerBelow(path.join(store.location, name))
    return found === undefined ? [] : [`${name}/${found}`]
  })
}

/** @returns the first entry of a repository's folder that can't be an object; a listing skips it */
function strangerBelow(folder: string): string | undefined {
  for (const entry of entriesOf(folder)) {
    if (isLeftover(entry.name)) continue
    if (!isObjectName(entry.name)) return entry.name
    const found = entry.isDirectory() ? strangerBelow(path.join(folder, entry.name)) : undefined
    if (found !== undefined) return `${entry.name}/${found}`
  }
  return undefined
}

function entriesOf(folder: string): fs.Dirent[] {
  try {
    return fs.readdirSync(folder, { withFileTypes: true })
  } catch {
    return [] // it is a file, or was removed
  }
}

function isLeftover(name: string): boolean {
  return LITTER.test(name) || name.startsWith(LOCAL_TEMPORARY_PREFIX)
}

/** @returns undefined if the store is not a folder, or the folder is missing */
function foldersOf({ folder }: Store): string[] | undefined {
  if (folder === undefined) return undefined
  try {
    return fs.readdirSync(folder)
  } catch {
    return undefined
  }
}

async function configOf(store: Store): Promise<string | undefined> {
  try {
    return Buffer.from(await store.get("config" as ObjectName)).toString("latin1")
  } catch (error) {
    if (isEngineError(error, "object-not-found") || isEngineError(error, "no-store")) return undefined
    if (isEngineError(error) && error.kind === "corrupt") return undefined
    throw error
  }
}
