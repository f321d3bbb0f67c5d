/** What this machine can do at most on one core, told by programs that do nothing else. */
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Stage } from "./stages.ts"

/** MB/s of `openssl speed` for one algorithm and block size; undefined without openssl. */
export function opensslSpeed(algorithm: string, blockBytes: number): number | undefined {
  const args = ["speed", "-mr", "-elapsed", "-seconds", "1", "-bytes", String(blockBytes), "-evp", algorithm]
  const { stdout, status } = spawnSync("openssl", args, {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "ignore"],
  })
  const found = /^\+F:\d+:[^:]+:([\d.]+)/m.exec(stdout ?? "")
  return status === 0 && found !== null ? Number(found[1]) / 1e6 : undefined
}

/** MB/s of the zstd program over blocks of 1 MiB: [compress, decompress]. */
export function zstdSpeed(data: Uint8Array, level: number): [number | undefined, number | undefined] {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-micro-"))
  try {
    const file = join(folder, "data")
    writeFileSync(file, data)
    const args = [`-b${level}`, "-i1", "-B1MiB", file]
    const { stdout, stderr } = spawnSync("zstd", args, { encoding: "utf8" })
    const speeds = [...`${stdout ?? ""}${stderr ?? ""}`.matchAll(/([\d.]+) MB\/s/g)].map((found) =>
      Number(found[1]),
    )
    return [speeds.at(-2), speeds.at(-1)]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export function copyStage(data: Uint8Array): Stage {
  const target = new Uint8Array(data.length)
  return { name: "copy in memory", bytes: data.length, run: () => target.set(data) }
}
