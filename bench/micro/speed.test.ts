import assert from "node:assert/strict"
import { test } from "node:test"
import { seededRandom } from "../corpora/random.ts"
import { chained } from "./speed.ts"
import { cutClasses, cutStage, idStage, sealStages, zstdStages } from "./stages.ts"

test("chained() is the speed of one thread over all stages", () => {
  assert.equal(chained([100, 100]), 50)
  assert.equal(chained([200, 200, 100]), 50)
})

test("every stage runs over its data more than once", () => {
  const data = new Uint8Array(seededRandom("stages").bytes(2 ** 21 + 5))
  const cuts = cutClasses.map((fileClass) => cutStage(data, fileClass))
  for (const stage of [...cuts, idStage(data, 4_096), ...zstdStages(data, "noise"), ...sealStages(data)]) {
    stage.run()
    stage.run()
    assert.equal(stage.bytes, data.length)
  }
})
