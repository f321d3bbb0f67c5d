/** Numbers and times as a person reads them; tables are in columns.ts. */

export { showBytes, showCount, showNumber, showTime } from "../../engine/base/show.ts"

/** "$12.50", "$0.0031", "$0": at least two significant digits. */
export function showDollars(dollars: number): string {
  if (dollars === 0) return "$0"
  if (dollars >= 1) return `$${dollars.toFixed(2)}`
  return dollars < 0.0001 ? "< $0.0001" : `$${dollars.toFixed(dollars < 0.01 ? 4 : 3)}`
}

/** "0.42 s", "12.3 s", "3:05 min", "2:10:00 h". */
export function showDuration(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`
  const whole = Math.round(seconds)
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60]
  const [hours = 0, minutes = 0, rest = 0] = parts
  const two = (value: number): string => String(value).padStart(2, "0")
  return hours === 0 ? `${minutes}:${two(rest)} min` : `${hours}:${two(minutes)}:${two(rest)} h`
}

/** UTC with nanoseconds in RFC 3339: "2026-11-23T15:04:05.123456789Z". */
export function isoTime(ns: bigint): string {
  const seconds = ns >= 0n ? ns / 1_000_000_000n : (ns - 999_999_999n) / 1_000_000_000n
  const rest = ns - seconds * 1_000_000_000n
  const whole = new Date(Number(seconds) * 1000)
  if (Number.isNaN(whole.getTime())) return `@${seconds}.${String(rest).padStart(9, "0")}`
  return whole.toISOString().replace(/\.\d+Z$/, `.${String(rest).padStart(9, "0")}Z`)
}

/** Splits text into lines of at most `width` characters, at spaces. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = []
  let line = ""
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === "" ? word : `${line} ${word}`
    }
  }
  if (line !== "") lines.push(line)
  return lines
}
