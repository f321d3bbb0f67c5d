/**
 * The child process of a capture: copies one database after another and sends each outcome. A process of its own,
 * since SQLite's locks belong to a process, and a damaged database must not take the backup with it. It ends with its
 * parent. An entry of the build.
 */
import { copyDatabase } from "./copy-database.ts"
import type { FromChild, ToChild } from "./run-child.ts"

function send(message: FromChild): void {
  process.send?.(message)
}

process.on("disconnect", () => process.exit(1)) // the backup was killed
process.on("message", (message: ToChild) => {
  void copyAll(message)
})

async function copyAll({ requests }: ToChild): Promise<void> {
  for (const [position, request] of requests.entries()) {
    send({ position, outcome: await copyDatabase(request) })
  }
  process.removeAllListeners("disconnect")
  process.disconnect()
}
