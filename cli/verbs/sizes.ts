/** Sizes and times as people type them. */
import type { Subset } from "../../engine/index.ts"
import { UsageError } from "../output/exit-codes.ts"

const FACTORS: Readonly<Record<string, number>> = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }

/** "500", "500k", "1.5M", "2GiB": bytes, in powers of 1,024. */
export function parseSize(text: string, flag: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?$/i.exec(text.trim())
  const factor = FACTORS[match?.[2]?.toLowerCase() ?? "none"]
  if (match?.[1] === undefined || factor === undefined) {
    throw new UsageError(`--${flag} needs a size such as 500k, 20M or 2G, not "${text}"`)
  }
  return Math.floor(Number(match[1]) * factor)
}

/** "500M" of new bytes, or "$2.50" in all. */
export function parseBudget(text: string): { bytes?: number; dollars?: number } {
  const dollars = /^(?:\$\s*(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)\s*(?:\$|usd))$/i.exec(text.trim())
  return dollars === null
    ? { bytes: parseSize(text, "budget") }
    : { dollars: Number(dollars[1] ?? dollars[2]) }
}

/** "5%", "1/5" or "500M", as restic has them. */
export function parseSubset(text: string, flag: string): Subset {
  const [, number, part, of] = /^(?:(\d+(?:\.\d+)?)%|(\d+)\/(\d+))$/.exec(text.trim()) ?? []
  const refused = new UsageError(`--${flag} needs a part such as 5%, 1/5 or 500M, not "${text}"`)
  if (number !== undefined) {
    const share = Number(number) / 100
    if (share <= 0 || share > 1) throw refused
    return { share }
  }
  if (part !== undefined) {
    const subset = { part: Number(part), of: Number(of) }
    if (subset.part < 1 || subset.part > subset.of) throw refused
    return subset
  }
  // a number alone is more often a forgotten % than a count of bytes
  if (!/^\d+(\.\d+)?\s*[kmgt]/i.test(text.trim())) throw refused
  const bytes = parseSize(text, flag)
  if (bytes < 1) throw refused
  return { bytes }
}

const UNITS_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

/** "30m", "2h" or "1d": milliseconds. */
export function parseDuration(text: string, flag: string): number {
  const [, number, unit = ""] = /^(\d{1,6}(?:\.\d+)?)\s*([mhd])/.exec(text.trim()) ?? []
  const ms = Number(number) * (UNITS_MS[unit] ?? Number.NaN)
  if (!/^[\d.]+\s*(m|min|minutes?|h|hours?|d|days?)$/.test(text.trim()) || !(ms > 0))
    throw new UsageError(`--${flag} needs a duration such as 30m, 2h or 1d, not "${text}"`)
  return ms
}

const TIME = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/

/** `Date.parse` takes 2026-02-30 for the second of March. */
function isDay(day: string): boolean {
  const date = new Date(`${day}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day)
}

/** An ISO time, or "2026-11-23 10:00:00" in local time: nanoseconds since 1970. */
export function parseTime(text: string, flag: string): bigint {
  const ms = Date.parse(text.replace(" ", "T"))
  if (!TIME.test(text) || Number.isNaN(ms) || !isDay(text.slice(0, 10))) {
    throw new UsageError(`--${flag} needs a time such as 2026-11-23T10:00:00Z, not "${text}"`)
  }
  const fraction = /\.(\d{1,9})/.exec(text)?.[1]?.padEnd(9, "0") ?? "0"
  return BigInt(Math.floor(ms / 1000)) * 1_000_000_000n + BigInt(fraction)
}

/** As `parseTime`, but a day alone is its first or last moment in local time. */
export function parseMoment(text: string, flag: string, of: "start" | "end"): bigint {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return parseTime(text, flag)
  return parseTime(`${text}T${of === "start" ? "00:00:00" : "23:59:59.999999999"}`, flag)
}
