/** 3,000 kills of processes that back up or restore; takes half an hour. */
import { test } from "node:test"
import { killAtEveryCall, killAtRandom, killRestores } from "../testing/kill-sweep.ts"

test("backup() killed 1,000 times before and after its store calls loses nothing", async (t) => {
  await killAtEveryCall(t, 1_000)
})

test("backup() killed 1,500 times at random moments loses nothing", async (t) => {
  await killAtRandom(t, 1_500)
})

test("restore() killed 500 times at random moments completes when repeated", async (t) => {
  await killRestores(t, 500)
})
