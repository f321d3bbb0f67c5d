/** `holdfast dump`: prints one file's bytes, or a folder as an archive. */
import { createWriteStream } from "node:fs"
import { resolve } from "node:path"
import { finished } from "node:stream/promises"
import { dump as dumpEntry, rawPathFromText, refuseOwnPlace, type DumpRequest } from "../../engine/index.ts"
import type { Command } from "../verbs/call.ts"
import { withRepository } from "./connection.ts"
import { EXIT, UsageError } from "../output/exit-codes.ts"
import { namedSnapshot } from "./filter.ts"
import { isTerminal } from "../output/terminal.ts"

export const dump: Command = async (call) =>
  await withRepository(call, { write: false }, async (repository) => {
    const { snapshot, path } = await namedSnapshot(call, repository, call.args[0] ?? "latest", call.args[1])
    // one of the flag's choices
    const archive = call.options.text("archive") as DumpRequest["archive"]
    const file = call.options.text("target")
    if (archive !== undefined && file === undefined && isTerminal(1)) {
      throw new UsageError(
        "an archive is not printed on a terminal. Use --target FILE, or a pipe such as | tar t",
      )
    }
    if (file === undefined) {
      await dumpEntry(repository, snapshot, path, { out: process.stdout, archive })
      await written(process.stdout)
      return EXIT.done
    }
    refuseOwnPlace(repository, rawPathFromText(resolve(file)))
    const out = createWriteStream(file, { flags: "wx", mode: 0o600 })
    await dumpEntry(repository, snapshot, path, { out, archive })
    out.end()
    await finished(out)
    return EXIT.done
  })

/** Waits for a slow reader; a closed one counts as done. */
async function written(out: NodeJS.WriteStream): Promise<void> {
  if (!out.writable) return
  await new Promise<void>((resolve) => out.write("", () => resolve()))
}
