/** The main job on real S3 servers. */
import { after, test } from "node:test"
import { REAL_S3_SERVERS, startS3Server } from "../../fixtures/s3-servers.ts"
import { openStore } from "../store/open-store.ts"
import { mainJob } from "../testing/main-job.ts"

for (const kind of REAL_S3_SERVERS) {
  const server = await startS3Server(kind)
  after(() => server.close())

  test(`backup() and restore() do the main job on ${kind}`, async (t) => {
    const { endpoint, bucket, region, credentials } = server
    const store = await openStore(`s3:${endpoint}/${bucket}/main job`, { region, credentials }, {})
    await mainJob(t, store, { entries: 300, fileBytesMax: 20_000_000 })
  })
}
