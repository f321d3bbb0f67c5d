/**
 * What lies in a place where a repository is looked for or is to be made: another tool's repository,
 * or a person's files. A store lists only names that it could have written, so a local folder is
 * looked at directly. See spec/stores.md.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import type { ObjectName } from "../../base/ids.ts"
import { isEngineError } from "../../base/errors.ts"
import { LOCAL_TEMPORARY_PREFIX } from "./local-folder.ts"
import { isObjectName } from "../object-name.ts"
import type { Store } from "../store.ts"

export type ForeignTool = "restic or rustic" | "borg" | "kopia"

/** What file managers and file systems leave in every folder. */
const LITTER =
  /^(\.DS_Store|\.Trash.*|\.fseventsd|\.Spotlight-V100|\._.*|lost\+found|@eaDir|Thumbs\.db|desktop\.ini)$/

export function isLitter(name: string): boolean {
  return LITTER.test(name)
}

/** Whose repository this is, when it is one that we know the looks of. */
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

/** Names in a local folder that no repository of ours has; none for other stores. */
export function strangersIn(store: Store): string[] {
  return (foldersOf(store) ?? []).flatMap((name) => {
    if (isLeftover(name)) return []
    if (!OUR_FOLDERS.has(name)) return [name]
    const found = strangerBelow(path.join(store.location, name))
    return found === undefined ? [] : [`${name}/${found}`]
  })
}

/** The first thing in one of our folders that can't be an object, which a listing passes over. */
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
    return [] // a file, or gone
  }
}

function isLeftover(name: string): boolean {
  return LITTER.test(name) || name.startsWith(LOCAL_TEMPORARY_PREFIX)
}

/** Undefined when the store is not a folder, or the folder is missing. */
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
