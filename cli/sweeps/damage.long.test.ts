import { randomBytes } from "node:crypto"
import { test } from "node:test"
import { damageSweep } from "../testing/damage-sweep.ts"

test("2,000 times an object is flipped, cut, swapped or removed: check names it, restore is right or fails", (t) => {
  damageSweep(t, { seed: process.env["HOLDFAST_SEED"] ?? randomBytes(4).toString("hex"), count: 2000 })
})
