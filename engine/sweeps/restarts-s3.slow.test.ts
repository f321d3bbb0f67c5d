/** Real servers die and restart twenty times during an upload of 2 GiB. */
import { test } from "node:test"
import { REAL_S3_SERVERS } from "../../fixtures/s3-servers.ts"
import { uploadThroughRestarts } from "../testing/restarts.ts"

for (const kind of REAL_S3_SERVERS) {
  test(`backup() of 2 GiB completes on ${kind} through twenty restarts, and sends little again`, async (t) => {
    await uploadThroughRestarts(t, { kind, bytes: 2 * 2 ** 30, restarts: 20 })
  })
}
