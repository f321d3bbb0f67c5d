/** 300 kills of processes that back up or restore. */
import { test } from "node:test"
import { killAtEveryCall, killAtRandom, killManyPacks, killRestores } from "../testing/kill-sweep.ts"

test("backup() killed before and after every store call loses nothing and leaves no lock", async (t) => {
  await killAtEveryCall(t, 100)
})

test("backup() killed at random moments loses nothing and leaves no lock", async (t) => {
  await killAtRandom(t, 150)
})

test("backup() of many packs completes after repeated kills and sends little twice", killManyPacks)

test("restore() killed at random moments completes when repeated", async (t) => {
  await killRestores(t, 50)
})
