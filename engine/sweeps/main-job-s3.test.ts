/** The main job over the S3 adapter, the meter and the retries, on a server that verifies signatures. */
import { test } from "node:test"
import { openStore } from "../store/open-store.ts"
import { mainJob } from "../testing/main-job.ts"
import { noSleep, startServer } from "../testing/s3-fault-store.ts"

test("backup() and restore() do the main job on an S3 server", async (t) => {
  const server = await startServer()
  const { endpoint, bucket, region, credentials } = server
  const store = await openStore(
    `s3:${endpoint}/${bucket}/a/prefix`,
    { region, credentials, retryPorts: noSleep },
    {},
  )
  await mainJob(t, store, { entries: 60, fileBytesMax: 200_000 })
})

test("backup() and restore() do the main job while one request in seven fails", async (t) => {
  const faults = ["500", "503", "reset", "lost-reply", "torn-body", "duplicate", "portal"] as const
  let turn = 0
  const server = await startServer({
    plan: ({ number }) => (number % 7 === 6 ? faults[turn++ % faults.length] : undefined),
  })
  const { endpoint, bucket, region, credentials } = server
  const store = await openStore(`s3:${endpoint}/${bucket}`, { region, credentials, retryPorts: noSleep }, {})
  await mainJob(t, store, { entries: 40, fileBytesMax: 200_000 })
})
