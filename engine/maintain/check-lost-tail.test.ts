/**
 * No object lists the newest entries of a chain. Devices that saw them remember them and report the
 * loss.
 */
import assert from "node:assert/strict"
import { join } from "node:path"
import { test } from "node:test"
import type { DeviceId, ObjectName } from "../base/ids.ts"
import { isEngineError } from "../base/errors.ts"
import { parseName } from "../format/names.ts"
import { check, snapshots } from "../index.ts"
import { save } from "../testing/backup-place.ts"
import { smallRepository, withObjects, type SmallRepository } from "../testing/small-repository.ts"

/** Returns the names of each device's entries, oldest first. */
function chainsOf({ objects }: SmallRepository): Map<DeviceId, ObjectName[]> {
  const chains = new Map<DeviceId, ObjectName[]>()
  for (const name of [...objects.keys()].toSorted()) {
    const parsed = parseName(name)
    if (parsed?.type === "entry") chains.set(parsed.device, [...(chains.get(parsed.device) ?? []), name])
  }
  return chains
}

test("check() by each device that saw them reports the loss of a device's newest entries, however many", async (t) => {
  const place = await smallRepository(t)
  const [author, second] = [place.home, place.second.home]
  // One that has only looked, with a secret, and isn't a device.
  const onlooker = place.newHome()
  await snapshots(await place.open(onlooker, place.store(), false))
  await snapshots(place.repository)
  const chains = chainsOf(place)
  assert.equal(chains.size, 2)
  let told = 0
  for (const chain of chains.values()) {
    for (let lost = 1; lost <= chain.length; lost++) {
      const names = chain.slice(-lost)
      for (const [who, home] of Object.entries({ author, second, onlooker })) {
        const what = `${who}, ${lost} of ${chain.length} entries`
        await withObjects(place.objects, new Map(names.map((name) => [name, undefined])), async () => {
          const repository = await place.open(home, place.store(), false)
          const { errors } = await check(repository)
          const newest = names.at(-1) ?? assert.fail()
          const error = errors.find(({ object }) => object === newest)
          const end = new RegExp(` ends at entry ${chain.length - lost}\\b`)
          assert.match(error?.message ?? "", end, `${what}: ${JSON.stringify(errors)}`)
          told++
        })
      }
    }
  }
  assert.ok(told >= 9, `${told} cases`)
  for (const home of [author, second, onlooker])
    assert.deepEqual((await check(await place.open(home, place.store(), false))).errors, [])
})

test("backup() by a device that saw the lost entries is refused", async (t) => {
  const place = await smallRepository(t)
  const newest = [...chainsOf(place).values()].map((chain) => chain.at(-1) ?? assert.fail())
  await snapshots(place.repository)
  for (const name of newest) {
    await withObjects(place.objects, new Map([[name, undefined]]), async () => {
      const repository = await place.open(place.home)
      await assert.rejects(
        save(repository, join(place.folder, "notes"), { forceSnapshot: true }),
        (error) => isEngineError(error) && error.kind === "untrusted" && error.message.startsWith(name),
        name,
      )
      assert.ok(!place.objects.has(name))
    })
  }
})
