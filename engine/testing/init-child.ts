/**
 * Creates repositories in its own process, for tests of several simultaneous `init`s. It answers
 * each `Order` of its parent with an `Answer`.
 */
import * as path from "node:path"
import { findHome } from "../home/home.ts"
import { isEngineError } from "../base/errors.ts"
import { createRepository } from "../session/create-repository.ts"
import { openStore, type StoreEnvironment } from "../store/open-store.ts"

export interface Order {
  readonly location: string
  readonly home: string
  /** Wall-clock time at which all processes start. */
  readonly startMs: number
  readonly environment: StoreEnvironment
}

export type Answer = { readonly id: string } | { readonly code: string; readonly message: string }

async function make({ location, home, startMs, environment }: Order): Promise<Answer> {
  const store = await openStore(location, {}, environment)
  const root = findHome({ HOLDFAST_HOME: path.resolve(home) })
  const secrets = [{ kind: "key" as const, bytes: new Uint8Array(32).fill(7) }]
  while (Date.now() < startMs); // a timer would be a millisecond late
  try {
    const { repository, id } = await createRepository({ store, home: root, secrets })
    repository.close()
    return { id }
  } catch (error) {
    if (!isEngineError(error)) throw error
    return { code: error.code, message: error.message }
  }
}

process.on("message", (order: Order) => {
  void make(order).then((answer) => process.send?.(answer))
})
process.once("disconnect", () => process.exit())
process.send?.("ready")
