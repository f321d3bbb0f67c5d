/**
 * Findings: what `status` and `doctor` report, with advice. Also the findings of `doctor` without a
 * repository: why it can't be opened, and what is known anyway.
 */
import { EngineError, isEngineError } from "../base/errors.ts"
import { showCount } from "../base/show.ts"
import { readDeviceFile } from "../home/device-file.ts"
import { type Home, repositoryPaths } from "../home/home.ts"
import { knownRepositories } from "../home/last-repository.ts"
import { readPins } from "../home/pins.ts"
import { readRepositoryObject } from "../session/repository-object.ts"
import { errnoOf } from "../base/errno.ts"
import type { Store } from "../store/store.ts"

export interface Finding {
  readonly level: "good" | "warning" | "bad"
  readonly subject: string
  readonly message: string
  /** What to do. */
  readonly advice?: string | undefined
}

export function good(subject: string, message: string): Finding {
  return { level: "good", subject, message }
}

/** Reports packs uploaded by a run that didn't finish. */
export function unfinished(packs: number): Finding {
  const message = `${showCount(packs, "uploaded pack")} in no snapshot yet`
  const advice = "run the backup again to use them"
  return { level: "warning", subject: "unfinished backup", message, advice }
}

/** Reports that this device knows no repository, or that it has keys but has lost the location. */
export function unknownRepository(devices: number, level: "warning" | "bad"): Finding {
  const subject = "repository"
  if (devices > 0) {
    const message = `this device has keys for ${devices === 1 ? "a repository" : `${devices} repositories`} whose location is lost`
    return { level: "bad", subject, message, advice: "run `holdfast connect LOCATION`" }
  }
  const advice =
    "run `holdfast init LOCATION` to create one, or `holdfast connect LOCATION` to use an existing one"
  return { level, subject, message: "this device knows no repository", advice }
}

/** @param status undefined for a device that the repository doesn't know */
export function inactiveDevice(status: string | undefined): Finding {
  const message = `this device is ${status ?? "unknown to the repository"}`
  const advice = "run `holdfast connect` with a secret to enrol it again"
  return { level: "bad", subject: "device", message, advice }
}

export function noRecoveryWords(): Finding {
  const message = "no recovery words open the repository"
  const advice = "run `holdfast key add --recovery` and write the words on paper"
  return { level: "warning", subject: "keys", message, advice }
}

export interface Failure {
  /** From finding the home, checking the location, or opening the repository. */
  readonly error: unknown
  /** The error in words. */
  readonly message: string
  /** The store, if it could be opened. */
  readonly store?: Store | undefined
}

/** Runs one examination. Its errors become a finding, so the others still run. Bugs are thrown. */
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

/** Examines every repository that this device knows. */
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
