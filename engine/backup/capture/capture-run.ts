/** Captures the databases of one run: from the run's parts to the capture's request, and back. */
import type { RawPath } from "../../base/ids.ts"
import { SIDE_FILES } from "../../base/sqlite.ts"
import type { Repository } from "../../session/repository.ts"
import type { Run } from "../run.ts"
import { capture } from "./capture.ts"

export async function captureRun(repository: Repository, run: Run): Promise<{ run: Run; close: () => void }> {
  const { request, source, base, tally } = run
  const known =
    base === undefined ? undefined : repository.captureRecords(source.series, source.key).read(base.snapshot)
  const captured = await capture({
    files: source.files,
    scope: source.scope,
    emptyTables: request.capture?.emptyTables ?? [],
    known,
    cacheRoot: repository.home.cacheRoot,
    nowNs: repository.clock.now(),
    notice: tally.notice,
    readRaw: tally.readRaw,
    unsaved: (path, message) => {
      tally.unread(path, message)
      // what is beside it was not looked at, and does not count as removed
      for (const end of SIDE_FILES) source.unseen.add((path + end) as RawPath)
    },
  })
  return {
    run: { ...run, source: { ...source, files: captured.files }, captureRecords: captured.records },
    close: () => captured.close(),
  }
}
