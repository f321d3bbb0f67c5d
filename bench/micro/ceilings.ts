/** The maximum speed of this machine on one core, measured by programs that do nothing else. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Stage } from "./stages.ts"

/** MB a processor second of `openssl speed` for one algorithm and block size; undefined without openssl. */
export function opensslSpeed(algorithm: string, blockBytes: number): number | undefined {
  const args = ["speed", "-mr", "-seconds", "1", "-bytes", String(blockBytes), "-evp", algorithm]
  const { stdout, status } = spawnSync("openssl", args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  })
  const found = /^\+F:\d+:[^:]+:([\d.]+)/m.exec(stdout ?? "")
  return status === 0 && found !== null ? Number(found[1]) / 1e6 : undefined
}

/**
 * MB/s of the zstd program over blocks of 1 MiB: [compress, decompress]. It knows wall time only, so the
 * best of several short runs counts; NaN without the program.
 */
export function zstdSpeed(data: Uint8Array, level: number): [number, number] {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-micro-"))
  try {
    const file = join(folder, "data")
    writeFileSync(file, data)
    const runs = Array.from({ length: 4 }, () => {
      const { stdout, stderr } = spawnSync("zstd", [`-b${level}`, "-i1", "-B1MiB", file], {
        encoding: "utf8",
      })
      return [...`${stdout ?? ""}${stderr ?? ""}`.matchAll(/([\d.]+) MB\/s/g)].map((found) =>
        Number(found[1]),
      )
    })
    const best = (fromEnd: number): number => Math.max(...runs.map((speeds) => speeds.at(-fromEnd) ?? NaN))
    return [best(2), best(1)]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export function copyStage(data: Uint8Array): Stage {
  const target = new Uint8Array(data.length)
  return { name: "copy in memory", bytes: data.length, run: () => target.set(data) }
}
