/** Opens S3 stores on fault servers, for tests of the S3 store and its users. */
import { after } from "node:test"
import type { RetryPorts } from "../store/wrappers/retrying-store.ts"
import { openS3Store, type S3StoreSettings } from "../store/s3/s3-store.ts"
import type { Store } from "../store/store.ts"
import { startS3FaultServer, type S3FaultServer, type S3FaultServerOptions } from "./s3-fault-server.ts"

const servers: S3FaultServer[] = []
after(() => Promise.all(servers.map((server) => server.close())))

/** Opens a store on its own server. Both are closed when the tests of this file end. */
export async function openOnFaultServer(
  options: S3FaultServerOptions = {},
  settings: Partial<S3StoreSettings> = {},
): Promise<{ server: S3FaultServer; store: Store }> {
  const server = await startServer(options)
  return { server, store: await openS3Store({ ...settingsOf(server), ...settings }) }
}

export function settingsOf({ bucket, endpoint, region, credentials }: S3FaultServer): S3StoreSettings {
  return { bucket, prefix: "a prefix/x", endpoint, region, credentials, addressing: "path" }
}

/** Retries without waiting. */
export const noSleep: RetryPorts = { sleep: async () => {}, random: () => 0.5 }

export async function startServer(options: S3FaultServerOptions = {}): Promise<S3FaultServer> {
  const server = await startS3FaultServer(options)
  servers.push(server)
  return server
}
