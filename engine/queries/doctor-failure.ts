/** `doctor` where the repository can't be opened: why not, and what is known all the same. */
import { EngineError, isEngineError } from "../base/errors.ts"
import { readDeviceFile } from "../home/device-file.ts"
import { repositoryPaths, type Home } from "../home/home.ts"
import { knownRepositories } from "../home/last-repository.ts"
import { readPins } from "../home/pins.ts"
import { errnoOf } from "../store/folder/local-errors.ts"
import type { Store } from "../store/store.ts"
import { readRepositoryObject } from "../session/foreign.ts"
import type { Finding } from "./finding.ts"

export interface Failure {
  /** Of finding the home, of the location, or of opening the repository. */
  readonly error: unknown
  /** The same in words. */
  readonly message: string
  /** When it got that far. */
  readonly store?: Store | undefined
}

/** Runs one examination; what it meets becomes a finding, and the others go on. Bugs are thrown. */
export async function guarded(
  subject: string,
  run: () => Finding | readonly Finding[] | Promise<Finding | readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return [await run()].flat()
  } catch (error) {
    if (!isEngineError(error) && errnoOf(error) === "") throw error
    return [{ level: "bad", subject, message: (error as Error).message }]
  }
}

export async function failureFindings(
  home: Home | undefined,
  { error, message, store }: Failure,
): Promise<Finding[]> {
  const first: Finding = { level: "bad", subject: subjectOf(error), message }
  const found = [first]
  // a store that has just failed is not asked again, with all its retries
  if (store !== undefined && first.subject !== "store") found.push(...(await storeFindings(store)))
  if (home !== undefined) found.push(...(await knownFindings(home)))
  return found.filter((one, i) => found.findIndex((each) => each.message === one.message) === i)
}

function subjectOf(error: unknown): string {
  if (!(error instanceof EngineError)) return "home"
  if (["wrong-key", "no-secret"].includes(error.code)) return "secret"
  if (/^(home|device|pins|state)-/.test(error.code)) return "home"
  return error.kind === "unavailable" || error.kind === "denied" ? "store" : "repository"
}

async function storeFindings(store: Store): Promise<readonly Finding[]> {
  return await guarded("store", async () => {
    const isThere = (await readRepositoryObject(store)) !== undefined
    const message = isThere
      ? `${store.location} answers and has a repository`
      : `${store.location} has no repository`
    return { level: isThere ? "good" : "bad", subject: "store", message }
  })
}

/** Of every repository that this device has seen. */
async function knownFindings(home: Home): Promise<Finding[]> {
  const found: Finding[] = []
  const seen = await guarded("home", () => {
    for (const { location, repository } of knownRepositories(home)) {
      found.push({
        level: "good",
        subject: "known",
        message: `repository ${repository.slice(0, 8)} at ${location}`,
      })
    }
    return []
  })
  const ids = new Set(found.length === 0 ? [] : knownRepositories(home).map(({ repository }) => repository))
  for (const id of ids) {
    const folder = repositoryPaths(home, id)
    found.push(
      ...(await guarded("device", () => {
        const device = readDeviceFile(folder)
        if (device === undefined) return []
        const message = `enrolled as ${device.device.slice(0, 8)} in repository ${id.slice(0, 8)}`
        return { level: "good", subject: "device", message }
      })),
      ...(await guarded("home", () => {
        readPins(folder)
        return []
      })),
    )
  }
  return [...seen, ...found]
}
