import { test } from "node:test"
import { alsoAsOrdinaryUser } from "../testing/ordinary-user.ts"
import { roundTrips } from "../testing/round-trip.ts"

test("backup() and restore() reproduce 60 random trees and their edits to the last bit", async (t) => {
  const counts = await roundTrips(t, {
    seed: process.env["HOLDFAST_SEED"] ?? "fast",
    trees: 60,
    largeEvery: 30,
  })
  t.diagnostic(JSON.stringify(counts))
})

alsoAsOrdinaryUser(import.meta.url)
