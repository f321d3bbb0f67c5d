/**
 * Names of users and groups, so that a snapshot can be read on a machine with other numbers. Read
 * from /etc/passwd and /etc/group once, when first asked; users that come from a directory service
 * have no name here, and their number is kept all the same. spec/files.md.
 */
import { readFileSync } from "node:fs"

export interface Owners {
  /** "" when the number is unknown. */
  userName(uid: number): string
  groupName(gid: number): string
}

export function openOwners(folder = "/etc"): Owners {
  let users: ReadonlyMap<number, string> | undefined
  let groups: ReadonlyMap<number, string> | undefined
  return {
    userName: (uid) => (users ??= readNames(`${folder}/passwd`)).get(uid) ?? "",
    groupName: (gid) => (groups ??= readNames(`${folder}/group`)).get(gid) ?? "",
  }
}

function readNames(file: string): Map<number, string> {
  const names = new Map<number, string>()
  for (const line of readText(file).split("\n")) {
    const [name, , id] = line.split(":")
    if (name === undefined || id === undefined || !/^[0-9]{1,10}$/.test(id)) continue
    // the first line of a number wins, as in getpwuid
    if (!names.has(Number(id))) names.set(Number(id), name)
  }
  return names
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return ""
  }
}
