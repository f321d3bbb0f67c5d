/**
 * Standard output as the server's own. On it travels the protocol, where a single foreign line ends a session: from
 * here on, whatever else writes to `process.stdout`, `console.log` included, goes to standard error.
 */
import { Writable } from "node:stream"

/** @returns the only way to the real standard output */
export function ownOutput(): Writable {
  const { stdout, stderr } = process
  const write = stdout.write.bind(stdout)
  const own = new Writable({
    decodeStrings: false,
    write: (chunk: Buffer | string, _encoding, done) => void write(chunk, done),
  })
  // a client that died: the server ends itself, an error nobody listens to would end it at once
  stdout.on("error", (error) => void own.destroy(error))
  stdout.write = stderr.write.bind(stderr)
  return own
}
