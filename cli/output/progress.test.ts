import assert from "node:assert/strict"
import { test } from "node:test"
import { cutToWidth, textWidth } from "./columns.ts"
import { createPace, paceFields, type Pace } from "./pace.ts"
import { progressLine } from "./progress.ts"

const MiB = 2 ** 20

const HALF: Pace = {
  elapsedMs: 15_000,
  bytes: 60 * MiB,
  bytesTotal: 120 * MiB,
  share: 0.5,
  bytesPerSecond: 4 * MiB,
  secondsLeft: 15,
}

function lineAt(
  columns: number,
  pace: Pace = HALF,
  current = "notes/漢字漢字漢字漢字漢字漢字漢字.md",
): string {
  return progressLine("backup", { files: 1200, current }, pace, { columns, cut: cutToWidth })
}

test("progressLine() shows percent, bytes, rate and time left, and is never as wide as the terminal", () => {
  assert.match(
    lineAt(120),
    /^backup {2}\[#{10} {10}\] {3}50 % {2}60\.0 MiB of 120\.0 MiB {2}4\.00 MiB\/s {2}0:15 left {2}1,200 files {2}notes/,
  )
  assert.match(lineAt(80), /50 % {2}60\.0 MiB of 120\.0 MiB {2}4\.00 MiB\/s {2}0:15 left/)
  assert.equal(lineAt(40), " 50 %  60.0 MiB of 120.0 MiB  0:15 left")
  assert.equal(lineAt(20), " 50 %  0:15 left")
  for (let columns = 1; columns < 200; columns++) {
    for (const current of ["a", "漢字".repeat(99), "\x1b[2J\n".repeat(30)]) {
      const line = lineAt(columns, HALF, current)
      assert.ok(textWidth(line) < columns, `${columns}: ${line}`)
      // eslint-disable-next-line no-control-regex
      assert.doesNotMatch(line, /[\x00-\x1f]/)
    }
  }
})

test("progressLine() shows no percent and no files while they are unknown", () => {
  const start: Pace = {
    elapsedMs: 65_000,
    bytes: MiB,
    bytesTotal: undefined,
    share: undefined,
    bytesPerSecond: 0,
    secondsLeft: undefined,
  }
  assert.equal(progressLine("backup", {}, start, { columns: 80, cut: cutToWidth }), "backup  1.00 MiB  1:05")
})

test("createPace() never goes backwards, and returns a rate and the time left", () => {
  let now = 0
  const pace = createPace(() => now)
  assert.equal(pace({ bytes: 0, bytesTotal: undefined }).share, undefined)
  now = 2000
  const first = pace({ bytes: 20 * MiB, bytesTotal: 40 * MiB })
  assert.deepEqual([first.share, first.bytesPerSecond, first.secondsLeft], [0.5, 10 * MiB, 2])
  // a file that failed takes its bytes back, and the total was too low
  const second = pace({ bytes: 10 * MiB, bytesTotal: 80 * MiB })
  assert.deepEqual([second.bytes, second.share], [20 * MiB, 0.5])
  // more than was expected
  now = 3000
  const third = pace({ bytes: 90 * MiB, bytesTotal: 80 * MiB })
  assert.deepEqual([third.bytesTotal, third.share, third.secondsLeft], [90 * MiB, 1, 0])
  assert.deepEqual(paceFields(third), {
    seconds_elapsed: 3,
    seconds_remaining: 0,
    percent_done: 1,
    total_bytes: 90 * MiB,
  })
})

test("createPace() forgets old rates", () => {
  let now = 0
  const pace = createPace(() => now)
  let bytes = 1000 * MiB
  for (let second = 1; second <= 30; second++) {
    now = second * 1000
    bytes += MiB
    pace({ bytes, bytesTotal: 2000 * MiB })
  }
  assert.equal(Math.round(pace({ bytes, bytesTotal: 2000 * MiB }).bytesPerSecond / MiB), 1)
})
