/**
 * The child process of a capture: looks at files, copies one database after another, and sends each answer. A process
 * of its own, since SQLite's locks belong to a process and are lost when that process closes the file, and a damaged
 * database must not take the backup with it. It ends with its parent. An entry of the build.
 */
import { copyDatabase, isSqliteFile } from "./copy-database.ts"
import type { FromChild, ToChild } from "./run-child.ts"

function send(position: number, answer: FromChild["answer"]): void {
  process.send?.({ position, answer } satisfies FromChild)
}

process.on("disconnect", () => process.exit(0)) // the work is done, or the backup was killed
process.on("message", (message: ToChild) => {
  if ("look" in message) message.look.forEach((path, position) => send(position, isSqliteFile(path)))
  else void copyAll(message.copy)
})

async function copyAll(requests: Extract<ToChild, { copy: unknown }>["copy"]): Promise<void> {
  for (const [position, request] of requests.entries()) send(position, await copyDatabase(request))
}
