/**
 * Encodes tar headers (POSIX.1-2001 pax) for `dump`. Names are bytes here, and the packages handle
 * only text: a name that isn't UTF-8 is written unchanged, under `hdrcharset=BINARY`. Pure.
 */
import { concatBytes, type Bytes } from "../base/bytes.ts"
import type { RawPath } from "../base/ids.ts"
import type { Entry } from "../format/listing-entry.ts"

const BLOCK = 512
const NAME_BYTES = 100
const OWNER_BYTES = 31
const OCTAL_7 = 0o7777777
const OCTAL_11 = 0o77777777777
const NS = 1_000_000_000n

/** Two blocks of zeros end an archive. */
export const TAR_END: Bytes = new Uint8Array(2 * BLOCK)

export interface TarMember {
  /** The name in the archive. Folders end with a slash. */
  readonly name: string
  readonly entry: Entry
  /** The member that this one is a hard link to. */
  readonly linkTo: RawPath | undefined
}

/** Returns everything before the content, with a pax header if the plain one isn't enough. */
export function tarHeader(member: TarMember): Bytes {
  const { name, entry, linkTo } = member
  const link = linkTo ?? entry.linkTarget ?? ""
  const seconds = floorSeconds(entry.mtimeNs)
  const size = contentBytes(member)
  const records = paxRecords(member, link, size)
  const fits = seconds >= 0n && seconds <= BigInt(OCTAL_11)
  const plain = block({
    name: name.slice(0, NAME_BYTES),
    mode: entry.mode,
    uid: Math.min(entry.uid, OCTAL_7),
    gid: Math.min(entry.gid, OCTAL_7),
    size: Math.min(size, OCTAL_11),
    seconds: fits ? Number(seconds) : 0,
    type: typeFlag(member),
    link: link.slice(0, NAME_BYTES),
    user: textOf(entry.user).slice(0, OWNER_BYTES),
    group: textOf(entry.group).slice(0, OWNER_BYTES),
    device: entry.device,
  })
  if (records.length === 0) return plain
  const pax = latin1(records.join(""))
  const head = block({ ...NOTHING, name: "PaxHeader", mode: 0o644, size: pax.length, type: "x" })
  return concatBytes([head, pax, tarPadding(pax.length), plain])
}

/** Bytes of content after the header. */
export function contentBytes({ entry, linkTo }: TarMember): number {
  return entry.type === "file" && linkTo === undefined ? entry.size : 0
}

export function tarPadding(length: number): Bytes {
  return new Uint8Array((BLOCK - (length % BLOCK)) % BLOCK)
}

function typeFlag({ entry, linkTo }: TarMember): string {
  if (linkTo !== undefined) return "1"
  switch (entry.type) {
    case "file":
      return "0"
    case "symlink":
      return "2"
    case "character-device":
      return "3"
    case "block-device":
      return "4"
    case "directory":
      return "5"
    case "fifo":
      return "6"
  }
}

/** All strings here have one character per byte. */
function paxRecords({ name, entry, linkTo }: TarMember, link: string, size: number): string[] {
  const fields: [string, string][] = []
  if (name.length > NAME_BYTES) fields.push(["path", name])
  if (link.length > NAME_BYTES) fields.push(["linkpath", link])
  if (size > OCTAL_11) fields.push(["size", String(size)])
  if (entry.uid > OCTAL_7) fields.push(["uid", String(entry.uid)])
  if (entry.gid > OCTAL_7) fields.push(["gid", String(entry.gid)])
  if (textOf(entry.user).length > OWNER_BYTES) fields.push(["uname", textOf(entry.user)])
  if (textOf(entry.group).length > OWNER_BYTES) fields.push(["gname", textOf(entry.group)])
  const seconds = floorSeconds(entry.mtimeNs)
  if (entry.mtimeNs % NS !== 0n || seconds < 0n || seconds > BigInt(OCTAL_11))
    fields.push(["mtime", decimalSeconds(entry.mtimeNs)])
  if (linkTo === undefined) {
    for (const xattr of entry.xattrs) {
      if (!xattr.name.includes("="))
        fields.push([`SCHILY.xattr.${xattr.name}`, Buffer.from(xattr.value).toString("latin1")])
    }
  }
  const texts = fields.filter(([key]) => key === "path" || key === "linkpath").map(([, value]) => value)
  const isBinary = texts.some((text) => !isUtf8(text))
  return [...(isBinary ? [["hdrcharset", "BINARY"] as const] : []), ...fields].map(([key, value]) =>
    paxRecord(key, value),
  )
}

/** Returns "length key=value\n". The length includes its own digits. */
function paxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`
  let length = rest.length + 1
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length
  return `${length}${rest}`
}

function decimalSeconds(ns: bigint): string {
  const sign = ns < 0n ? "-" : ""
  const size = ns < 0n ? -ns : ns
  const fraction = String(size % NS)
    .padStart(9, "0")
    .replace(/0+$/, "")
  return `${sign}${size / NS}${fraction === "" ? "" : `.${fraction}`}`
}

function floorSeconds(ns: bigint): bigint {
  return ns >= 0n ? ns / NS : -((-ns + NS - 1n) / NS)
}

interface Fields {
  readonly name: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly seconds: number
  readonly type: string
  readonly link: string
  readonly user: string
  readonly group: string
  readonly device: Entry["device"]
}

const NOTHING: Fields = {
  name: "",
  mode: 0,
  uid: 0,
  gid: 0,
  size: 0,
  seconds: 0,
  type: "0",
  link: "",
  user: "",
  group: "",
  device: null,
}

function block(fields: Fields): Bytes {
  const bytes = new Uint8Array(BLOCK)
  const put = (offset: number, text: string): void => bytes.set(latin1(text), offset)
  const octal = (offset: number, digits: number, value: number): void =>
    put(offset, value.toString(8).padStart(digits, "0"))
  put(0, fields.name)
  octal(100, 7, fields.mode)
  octal(108, 7, fields.uid)
  octal(116, 7, fields.gid)
  octal(124, 11, fields.size)
  octal(136, 11, fields.seconds)
  put(148, "        ") // the checksum counts itself as spaces
  put(156, fields.type)
  put(157, fields.link)
  put(257, "ustar\x0000")
  put(265, fields.user)
  put(297, fields.group)
  octal(329, 7, Math.min(fields.device?.major ?? 0, OCTAL_7))
  octal(337, 7, Math.min(fields.device?.minor ?? 0, OCTAL_7))
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `)
  return bytes
}

function latin1(text: string): Bytes {
  return new Uint8Array(Buffer.from(text, "latin1"))
}

function textOf(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1")
}

function isUtf8(raw: string): boolean {
  const bytes = Buffer.from(raw, "latin1")
  return Buffer.from(bytes.toString("utf8"), "utf8").equals(bytes)
}
