/** Only a few; `state-flips.slow.test.ts` flips more. */
import { test } from "node:test"
import { flipStateBits } from "../testing/state-flips.ts"

test("a flipped bit in the state database affects no snapshot and no restore", async (t) => {
  await flipStateBits(t, 6)
})
