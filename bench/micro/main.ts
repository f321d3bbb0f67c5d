/**
 * `npm run bench:micro`: every pure stage in MB/s on one core, with the machine's ceiling for the same work. Then
 * the speed of one thread if a first backup had only these stages, and with `--from FILE` (a result of the large
 * harness) the speed of the whole pipeline per processor second.
 */
import { readFileSync } from "node:fs"
import { parseArgs } from "node:util"
import { seededRandom } from "../corpora/random.ts"
import { textMaker } from "../corpora/text.ts"
import { median, own, rowsOf } from "../harness/rows.ts"
import type { BenchResult } from "../harness/sample.ts"
import { copyStage, opensslSpeed, zstdSpeed } from "./ceilings.ts"
import { chained, speedOf } from "./speed.ts"
import { cutClasses, cutStage, idStage, sealStages, zstdStages, type Stage } from "./stages.ts"

const dataBytes = 32 * 2 ** 20

function line(name: string, speed: number, ceiling?: number): void {
  const share =
    ceiling === undefined || Number.isNaN(ceiling) ? "–" : `${((100 * speed) / ceiling).toFixed(0)} %`
  console.log(`| ${name} | ${speed.toFixed(0)} | ${ceiling?.toFixed(0) ?? "–"} | ${share} |`)
}

function time(stage: Stage, ceiling?: number): number {
  const speed = speedOf(stage)
  line(stage.name, speed, ceiling)
  return speed
}

function stagesTable(): { write: number; read: number } {
  const random = seededRandom("micro")
  const text = new Uint8Array(Buffer.from(textMaker(random).prose(dataBytes), "latin1")).subarray(
    0,
    dataBytes,
  )
  const noise = new Uint8Array(random.bytes(dataBytes))
  console.log("| stage, one core | MB/s | ceiling MB/s | share |\n|---|---:|---:|---:|")
  time(copyStage(text))
  const [cut = NaN] = cutClasses.map((fileClass) => time(cutStage(text, fileClass)))
  const [id = NaN] = [4_096, 16_384, 65_536].map((size) =>
    time(idStage(text, size), opensslSpeed("sha256", size)),
  )
  const [compressCeiling, decompressCeiling] = zstdSpeed(text, 3)
  const [compress, decompress] = zstdStages(text, "text")
  const packing = time(compress, compressCeiling)
  const unpacking = time(decompress, decompressCeiling)
  for (const stage of zstdStages(noise, "random bytes")) time(stage)
  const aes = opensslSpeed("aes-256-gcm", 2 ** 20)
  const [seal, open] = sealStages(noise)
  const sealing = time(seal, aes)
  const opening = time(open, aes)
  return {
    write: chained([cut, id, packing, unpacking, sealing, opening]),
    read: chained([id, unpacking, opening]),
  }
}

/** Source bytes a processor second of the whole program, per scenario. */
function pipeline(file: string, parts: { write: number; read: number }): void {
  const result = JSON.parse(readFileSync(file, "utf8")) as BenchResult
  console.log(
    "\n| whole pipeline, MB a CPU second | reached | sum of the parts | share |\n|---|---:|---:|---:|",
  )
  for (const scenario of result.scenarios) {
    for (const [work, part] of [
      ["first", parts.write],
      ["restore", parts.read],
    ] as const) {
      const row = rowsOf(scenario).find(({ key }) => key === `${work}.cpu`)
      const seconds = median(row?.values.get(own) ?? [])
      // a first backup is only comparable where the first state is the whole source
      if (Number.isNaN(seconds) || rowsOf(scenario).some(({ key }) => key === "new.bytes")) continue
      line(`${scenario.title}, ${work}`, scenario.sourceBytes / seconds / 1e6, part)
    }
  }
}

const { values } = parseArgs({ options: { from: { type: "string" } } })
const parts = stagesTable()
line("all stages of a first backup, text", parts.write)
line("all stages of a restore, text", parts.read)
if (values.from !== undefined) pipeline(values.from, parts)
