/**
 * Builds and parses the names of the objects in a store; no other file does. A name contains an
 * object's digest and nothing of its content. spec/names.md.
 */
import { assert } from "../base/errors.ts"
import type { DeviceId, Digest, ObjectName } from "../base/ids.ts"

export type ParsedName =
  | { readonly type: "repository" }
  | { readonly type: "keyslot"; readonly digest: Digest }
  | { readonly type: "trust"; readonly number: number; readonly digest: Digest }
  | { readonly type: "entry"; readonly device: DeviceId; readonly sequence: number; readonly digest: Digest }
  | { readonly type: "gc"; readonly number: number; readonly digest: Digest }
  | { readonly type: "mirror"; readonly number: number; readonly digest: Digest }
  | { readonly type: "bundle"; readonly digest: Digest }
  | { readonly type: "pack"; readonly digest: Digest }
  | { readonly type: "segment"; readonly digest: Digest }

/** Never change: ten digits keep the order of names equal to the order of numbers. */
const NUMBER_DIGITS = 10
export const NAME_NUMBER_MAX = 9_999_999_999

export const REPOSITORY_NAME: ObjectName = "repository" as ObjectName
export const KEYSLOTS_PREFIX = "keys/"
export const LOG_PREFIX = "log/"
const TRUST_PREFIX = "log/trust/"
/** Prefix of a repository's first trust entry. Each concurrent `init` writes one. */
export const FIRST_TRUST_PREFIX: string = `${TRUST_PREFIX}${digits(1)}-`
const GC_PREFIX = "log/gc/"
export const MIRROR_PREFIX = "log/mirror/"
const BUNDLES_PREFIX = "bundles/"
const PACKS_PREFIX = "packs/"
export const SEGMENTS_PREFIX = "index/"

export function keyslotName(digest: Digest): ObjectName {
  return `${KEYSLOTS_PREFIX}${digest}` as ObjectName
}

export function trustName(number: number, digest: Digest): ObjectName {
  return `${TRUST_PREFIX}${digits(number)}-${digest}` as ObjectName
}

export function entryName(device: DeviceId, sequence: number, digest: Digest): ObjectName {
  return `${chainPrefix(device)}${digits(sequence)}-${digest}` as ObjectName
}

export function gcName(number: number, digest: Digest): ObjectName {
  return `${GC_PREFIX}${digits(number)}-${digest}` as ObjectName
}

export function mirrorName(number: number, digest: Digest): ObjectName {
  return `${MIRROR_PREFIX}${digits(number)}-${digest}` as ObjectName
}

export function bundleName(digest: Digest): ObjectName {
  return `${BUNDLES_PREFIX}${digest}` as ObjectName
}

export function packName(digest: Digest): ObjectName {
  return `${PACKS_PREFIX}${digest.slice(0, 2)}/${digest}` as ObjectName
}

export function segmentName(digest: Digest): ObjectName {
  return `${SEGMENTS_PREFIX}${digest}` as ObjectName
}

/** Returns the prefix of every entry in a device's chain. */
export function chainPrefix(device: DeviceId): string {
  return `${LOG_PREFIX}${device}/`
}

/** Returns the parsed name, or undefined for a foreign object in the same store. */
export function parseName(name: string): ParsedName | undefined {
  if (name === REPOSITORY_NAME) return { type: "repository" }
  const parts = name.split("/")
  const last = parts.pop() as string
  const folder = parts.join("/")
  if (folder === "keys") return withDigest("keyslot", last)
  if (folder === "bundles") return withDigest("bundle", last)
  if (folder === "index") return withDigest("segment", last)
  if (folder === `packs/${last.slice(0, 2)}`) return withDigest("pack", last)
  if (parts.length === 2 && parts[0] === "log") return parseLogName(parts[1] as string, last)
  return undefined
}

function withDigest(type: "keyslot" | "bundle" | "segment" | "pack", hex: string): ParsedName | undefined {
  return /^[0-9a-f]{64}$/.test(hex) ? { type, digest: hex as Digest } : undefined
}

function parseLogName(chain: string, last: string): ParsedName | undefined {
  const match = /^([0-9]{10})-([0-9a-f]{64})$/.exec(last)
  if (match === null) return undefined
  const number = Number(match[1])
  const digest = match[2] as Digest
  if (number === 0) return undefined // counts start at one
  if (chain === "trust" || chain === "gc" || chain === "mirror") return { type: chain, number, digest }
  if (!/^[0-9a-f]{32}$/.test(chain)) return undefined
  return { type: "entry", device: chain as DeviceId, sequence: number, digest }
}

function digits(number: number): string {
  assert(
    Number.isInteger(number) && number >= 1 && number <= NAME_NUMBER_MAX,
    `${number} in an object's name`,
  )
  return String(number).padStart(NUMBER_DIGITS, "0")
}
