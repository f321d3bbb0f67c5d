/**
 * The fault server in its own process, with latency only, so its cost doesn't count as the
 * client's. It ends with the test that started it.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import type { TestContext } from "node:test"
import { fileURLToPath } from "node:url"
import { startS3FaultServer, type S3FaultServer } from "./s3-fault-server.ts"

export type Served = Pick<S3FaultServer, "endpoint" | "bucket" | "region" | "credentials">

export async function startServerProcess(t: TestContext, latencyMs: number): Promise<Served> {
  const child = fork(fileURLToPath(import.meta.url), [String(latencyMs)], { execArgv: ["--import", "tsx"] })
  t.after(() => void child.kill("SIGKILL"))
  const [served] = (await once(child, "message")) as [Served]
  return served
}

if (import.meta.main) {
  const { endpoint, bucket, region, credentials } = await startS3FaultServer({
    latencyMs: Number(process.argv[2]),
  })
  process.send?.({ endpoint, bucket, region, credentials })
  process.once("disconnect", () => process.exit())
}
