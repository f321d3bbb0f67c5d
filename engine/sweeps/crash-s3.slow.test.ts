/** Every call of two backups fails once, in each of four ways, on real S3 servers. */
import { after, test } from "node:test"
import { REAL_S3_SERVERS, startS3Server } from "../../fixtures/s3-servers.ts"
import { openStore } from "../store/open-store.ts"
import { CRASH_FAULTS, crashSweep } from "../testing/crash-sweep.ts"

for (const kind of REAL_S3_SERVERS) {
  const server = await startS3Server(kind)
  after(() => server.close())
  let places = 0

  for (const fault of CRASH_FAULTS) {
    test(`backup() over ${kind} that is ${fault} at any call loses no snapshot and needs no help`, async (t) => {
      const { endpoint, bucket, region, credentials } = server
      // A new prefix is an empty store.
      const empty = async () =>
        await openStore(`s3:${endpoint}/${bucket}/crash-${places++}`, { region, credentials }, {})
      await crashSweep(t, { fault, empty })
    })
  }
}
