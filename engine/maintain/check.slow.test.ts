/** Thousands of random damages in packs: always found, never restored. */
import assert from "node:assert/strict"
import { randomInt } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import { test } from "node:test"
import { pictureOf, differences } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import { check } from "../index.ts"
import { restoreTo } from "../testing/backup-place.ts"
import { smallRepository } from "../testing/small-repository.ts"

const FLIPS = 2_000
/** A restore after every damage would take most of the time. */
const RESTORE_EVERY = 8

test(`check() finds each of ${FLIPS} random flips in packs, and no restore writes a wrong byte`, async (t) => {
  const seed = String(randomInt(2 ** 32))
  t.diagnostic(`seed ${seed}`)
  const random = seededRandom(seed)
  const place = await smallRepository(t)
  const saved = place.saved[2] ?? assert.fail()
  const packs = [...place.objects].filter(([name]) => name.startsWith("packs/"))
  for (let flip = 0; flip < FLIPS; flip++) {
    // Half of them in small packs, which a draw by size would rarely hit.
    const [name, bytes] = random.pick(packs)
    const bit = random.below(bytes.length * 8)
    const what = `seed ${seed}, flip ${flip}: bit ${bit} of ${name}`
    const mask = 1 << (bit & 7)
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ mask
    const { errors } = await check(place.second, { readData: true })
    assert.deepEqual(
      errors.map(({ object }) => object),
      [name],
      what,
    )
    if (flip % RESTORE_EVERY === 0) {
      const target = path.join(place.folder, "restored")
      const result = await restoreTo(place.second, saved.id, target)
      const failed = new Set<string>(result.errors.map(({ path: each }) => each))
      const wrong = differences(saved.picture, pictureOf(target)).filter(({ right }) => right !== undefined)
      const lostListing = result.errors.some(({ message }) => message.startsWith("the listing"))
      if (!lostListing) assert.deepEqual(wrong, [], what)
      for (const { right, left } of wrong) {
        const isFile = right?.startsWith("file") === true
        if (isFile) assert.equal(right?.split(", is ")[0], left?.split(", is ")[0], what)
      }
      const isHit = errors[0]?.snapshots.some((id) => id === saved.id) === true
      assert.equal(failed.size > 0, isHit, what)
      fs.rmSync(target, { recursive: true, force: true })
    }
    bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ mask
  }
})
