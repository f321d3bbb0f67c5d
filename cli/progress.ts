/**
 * One line at the bottom of a terminal that says how far the work is. Drawn at most ten times a
 * second, cut to the terminal's width, and wiped when the work ends. Elsewhere it does nothing.
 */
import type { WriteStream } from "node:tty"
import { showBytes, showCount, showDuration } from "./format.ts"

export interface ProgressState {
  readonly files?: number
  readonly bytes?: number
  readonly bytesTotal?: number | undefined
  readonly current?: string | undefined
}

export interface Progress {
  update(state: ProgressState): void
  /** Removes the line, so that something else can be printed; the next update draws it again. */
  wipe(): void
}

const REDRAW_MS = 100
const BAR_CELLS = 20

export function progressBar(label: string, terminal: WriteStream | undefined): Progress {
  if (terminal === undefined) return { update: () => {}, wipe: () => {} }
  const started = performance.now()
  let drawn = -Infinity
  return {
    update(state) {
      const now = performance.now()
      if (now - drawn < REDRAW_MS) return
      drawn = now
      const width = (terminal.columns || 80) - 1
      terminal.write(`\r\x1b[2K${progressLine(label, state, now - started).slice(0, width)}`)
    },
    wipe() {
      if (drawn !== -Infinity) terminal.write("\r\x1b[2K")
      drawn = -Infinity
    },
  }
}

/** "backup  [#####               ]  25 %  120 files  30.0 MiB of 120.0 MiB  0:04  notes/a.md". */
function progressLine(label: string, state: ProgressState, elapsedMs: number): string {
  const parts = [label]
  const { bytes, bytesTotal } = state
  if (bytes !== undefined && bytesTotal !== undefined && bytesTotal > 0) {
    const share = Math.min(1, bytes / bytesTotal)
    const full = Math.round(share * BAR_CELLS)
    parts.push(
      `[${"#".repeat(full)}${" ".repeat(BAR_CELLS - full)}]`,
      `${String(Math.floor(share * 100)).padStart(3)} %`,
    )
  }
  if (state.files !== undefined) parts.push(showCount(state.files, "file"))
  if (bytes !== undefined) {
    parts.push(
      bytesTotal === undefined ? showBytes(bytes) : `${showBytes(bytes)} of ${showBytes(bytesTotal)}`,
    )
  }
  parts.push(showDuration(elapsedMs))
  if (state.current !== undefined) parts.push(state.current)
  return parts.join("  ")
}
