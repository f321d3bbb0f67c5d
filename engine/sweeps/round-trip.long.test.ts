import { randomBytes } from "node:crypto"
import { test } from "node:test"
import { roundTrips } from "../testing/round-trip.ts"

test("backup() and restore() reproduce 20,000 random trees and their edits to the last bit", async (t) => {
  const seed = process.env["HOLDFAST_SEED"] ?? randomBytes(4).toString("hex")
  t.diagnostic(`HOLDFAST_SEED=${seed}`)
  const counts = await roundTrips(t, { seed, trees: 20_000, largeEvery: 100 })
  t.diagnostic(JSON.stringify(counts))
})
