/**
 * `agent accept SNAPSHOT`: a person says that a suspected wipe was meant. The answer is a signed snapshot of the
 * series that names the flagged one, so it holds on every device; `latest` and the wipe alarm then take it as good.
 */
import { findSnapshot, type Digest } from "../../../engine/index.ts"
import { AgentProblem } from "../problem.ts"
import type { SyncNow } from "../results.ts"
import { backupOnce } from "./backup-once.ts"
import type { RunContext } from "./context.ts"
import { syncNow, takeRunLock } from "./queue.ts"

/** @throws AgentProblem if the snapshot needs no acceptance; not-found "no-snapshot" */
export async function acceptSnapshot(context: RunContext, address: string): Promise<SyncNow> {
  const lock = await takeRunLock(context.setup)
  try {
    await context.settle?.()
    const accepts = await flaggedSnapshot(context, address)
    return syncNow(await backupOnce(context, { triggers: ["accept"], accepts }))
  } finally {
    lock.release()
  }
}

async function flaggedSnapshot({ setup }: RunContext, address: string): Promise<Digest> {
  const repository = await setup.openRepository()
  try {
    const { snapshot } = await findSnapshot(repository, address, { series: setup.series })
    const { flag, shortId } = snapshot
    if (flag === "suspected-wipe") return snapshot.id
    const why = flag === null ? "is not flagged" : "is the undo of a restore"
    throw new AgentProblem(
      "not-flagged",
      `snapshot ${shortId} ${why}; there is nothing to accept`,
      "holdfast agent status lists the newest snapshots and their flags",
    )
  } finally {
    repository.close()
  }
}
