/**
 * The progress line at the bottom of a terminal. It is drawn at most ten times a second, never wider than the
 * terminal, and removed when the work ends. Without a terminal it does nothing.
 */
import type { WriteStream } from "node:tty"
import { monotonicMs } from "../../engine/base/ports.ts"
import { showText } from "../../engine/base/show.ts"
import { cutToWidth } from "./columns.ts"
import { showBytes, showCount, showNumber } from "./format.ts"
import { createPace, type Pace } from "./pace.ts"

export interface ProgressState {
  readonly files?: number
  readonly bytes?: number
  readonly bytesTotal?: number | undefined
  /** The unit that is counted instead of bytes. */
  readonly unit?: "snapshots"
  readonly current?: string | undefined
}

export interface Progress {
  update(state: ProgressState): void
  /** Removes the line before other output; the next update draws it again. */
  wipe(): void
  /** The line is on a terminal. */
  readonly isShown: boolean
}

const REDRAW_MS = 100
const BAR_CELLS = 20
/** The gap between two parts. */
const GAP = "  "
/** A shorter part of a name is useless. */
const CURRENT_CELLS_MIN = 8

export function progressBar(label: string, terminal: WriteStream | undefined): Progress {
  if (terminal === undefined) return { update: () => {}, wipe: () => {}, isShown: false }
  let pace = createPace(monotonicMs)
  let unit: ProgressState["unit"]
  /** A second count follows the first: its share would seem to go backwards. */
  let isSecond = false
  let drawn = -Infinity
  return {
    isShown: true,
    update(state) {
      const now = monotonicMs()
      if (now - drawn < REDRAW_MS) return
      const { bytes = 0, bytesTotal } = state
      if (state.unit !== unit) {
        isSecond = drawn !== -Infinity
        pace = createPace(monotonicMs)
      }
      drawn = now
      unit = state.unit
      const { share, ...rest } = pace({ bytes, bytesTotal })
      const line = progressLine(
        label,
        state,
        { ...rest, share: isSecond ? undefined : share },
        {
          columns: terminal.columns || 80,
          cut: cutToWidth,
        },
      )
      terminal.write(`\r\x1b[2K${line}`)
    },
    wipe() {
      if (drawn !== -Infinity) terminal.write("\r\x1b[2K")
      drawn = -Infinity
    },
  }
}

export interface LineHow {
  readonly columns: number
  /** Cuts a text to this many cells. */
  readonly cut: (text: string, width: number) => string
}

/**
 * "backup  [#####     ]  25 %  30.0 MiB of 120.0 MiB  8.00 MiB/s  0:11 left  120 files  notes/a.md". A narrow
 * terminal gets the most important parts. The last column stays free, because a character there would break the
 * line.
 */
export function progressLine(
  label: string,
  { files = 0, unit, current }: ProgressState,
  pace: Pace,
  { columns, cut }: LineHow,
): string {
  const { share, bytes, bytesTotal, bytesPerSecond, secondsLeft, elapsedMs } = pace
  const full = Math.floor((share ?? 0) * BAR_CELLS)
  const show = unit === undefined ? showBytes : showNumber
  const amount = `${bytesTotal === undefined ? show(bytes) : `${show(bytes)} of ${show(bytesTotal)}`}${unit === undefined ? "" : ` ${unit}`}`
  /** In the order of the line, each with its rank: 0 is kept longest. */
  const parts: readonly (readonly [number, string | undefined])[] = [
    [4, label],
    [5, share === undefined ? undefined : `[${"#".repeat(full)}${" ".repeat(BAR_CELLS - full)}]`],
    [0, share === undefined ? undefined : `${String(Math.floor(share * 100)).padStart(3)} %`],
    [1, bytes === 0 && bytesTotal === undefined ? undefined : amount],
    [
      3,
      bytesPerSecond === 0 || unit !== undefined ? undefined : `${showBytes(Math.round(bytesPerSecond))}/s`,
    ],
    [2, secondsLeft === undefined ? clock(elapsedMs / 1000) : `${clock(secondsLeft)} left`],
    [6, files === 0 ? undefined : showCount(files, "file")],
  ]
  const width = Math.max(0, columns - 1)
  const kept = new Set<number>()
  let used = -GAP.length
  for (const [rank, text] of parts.toSorted(([a], [b]) => a - b)) {
    if (text === undefined || used + GAP.length + text.length > width) continue
    kept.add(rank)
    used += GAP.length + text.length
  }
  const line = parts.flatMap(([rank, text]) => (text !== undefined && kept.has(rank) ? [text] : []))
  const room = width - used - GAP.length
  const name = current === undefined || room < CURRENT_CELLS_MIN ? "" : cut(showText(current), room)
  return [...line, ...(name === "" ? [] : [name])].join(GAP)
}

/** "0:04", "12:05", "2:10:00". */
function clock(seconds: number): string {
  const whole = Math.floor(seconds)
  const two = (value: number): string => String(value).padStart(2, "0")
  const minutes = Math.floor(whole / 60)
  return minutes < 60
    ? `${minutes}:${two(whole % 60)}`
    : `${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(whole % 60)}`
}
