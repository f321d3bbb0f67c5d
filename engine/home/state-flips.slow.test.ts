import { test } from "node:test"
import { flipStateBits } from "../testing/state-flips.ts"

test("flipped bits in the state database affect no snapshot and no restore", async (t) => {
  await flipStateBits(t, Number(process.env["HOLDFAST_FLIPS"] ?? 60))
})
