/** Few here; `state-flips.slow.test.ts` has more. */
import { test } from "node:test"
import { flipStateBits } from "../testing/state-flips.ts"

test("a flipped bit in the state database reaches no snapshot and no restore", async (t) => {
  await flipStateBits(t, 6)
})
