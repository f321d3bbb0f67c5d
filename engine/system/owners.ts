/**
 * Names of users and groups, so a snapshot can be read on a machine with other numbers. /etc/passwd
 * and /etc/group are read once, at the first use. Users of a directory service have no name here,
 * but their number is stored. spec/files.md.
 */
import { readFileSync } from "node:fs"

export interface Owners {
  /** "" if the number is unknown. */
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
