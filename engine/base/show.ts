/**
 * Formats text, sizes and times for people, in the engine's messages and on the command line. Pure,
 * and without imports: `help` and a mistyped flag load only this file of the engine.
 */
/**
 * Controls, line separators and characters that change the text direction. They affect a terminal
 * or mislead a reader.
 */
const UNPRINTABLE =
  // eslint-disable-next-line no-control-regex
  /[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff]|[\u{e0000}-\u{e007f}]/gu

/**
 * Formats stored or foreign text in one line: each unprintable character becomes \xNN, \uNNNN or \u{NNNNN}.
 */
export function showText(text: string): string {
  return text.replace(UNPRINTABLE, escaped)
}

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0
  const digits = code.toString(16)
  if (code < 0x80) return `\\x${digits.padStart(2, "0")}`
  return code < 0x10000 ? `\\u${digits.padStart(4, "0")}` : `\\u{${digits}}`
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]

/** "0 B", "1.5 KiB", "23.4 MiB". */
export function showBytes(bytes: number): string {
  let unit = 0
  let value = bytes
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : value.toFixed(value < 9.995 ? 2 : 1)} ${UNITS[unit] ?? "B"}`
}

/** "12,000". Without Intl: its first use costs 24 ms, a tenth of an idle run. */
export function showNumber(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",")
}

/** "1 file", "12,000 files". */
export function showCount(count: number, one: string, many: string = `${one}s`): string {
  return `${showNumber(count)} ${count === 1 ? one : many}`
}

/** Local time to the second: "2026-11-23 15:04:05". Programs get UTC, with its Z. */
export function showTime(ns: bigint): string {
  const date = new Date(Number(ns / 1_000_000n))
  if (Number.isNaN(date.getTime())) return "an unknown time"
  const two = (value: number): string => String(value).padStart(2, "0")
  return `${showDay(date)} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
}

/** The local day: "2026-11-23". */
export function showDay(date: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0")
  return `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
}

/** Formats a word of a command to copy: quoted if a shell would split or expand it. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
