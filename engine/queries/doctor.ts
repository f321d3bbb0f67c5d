/** `doctor`: reports problems of this device and of the store, and how to fix them. Changes nothing. */
import * as fs from "node:fs"
import { type Clock, monotonicMs } from "../base/ports.ts"
import { createZstd } from "../chunks/zstd.ts"
import { openNative } from "../system/native.ts"
import type { Home } from "../home/home.ts"
import { devicesIn, knownRepositories } from "../home/last-repository.ts"
import { look } from "../session/look.ts"
import type { Repository } from "../session/repository.ts"
import { cacheInfo } from "./caches.ts"
import {
  failureFindings,
  type Failure,
  type Finding,
  good,
  guarded,
  inactiveDevice,
  noRecoveryWords,
  unfinished,
  unknownRepository,
} from "./finding.ts"
import { storeAbilities } from "./store-abilities.ts"

const FREE_BYTES_MIN = 256 * 1024 * 1024
const CACHE_BYTES_MANY = 4 * 1024 ** 3
const CLOCK_AHEAD_NS_MAX = 300n * 1_000_000_000n
const SLOW_MS = 3_000
const YEAR_2025_NS = 1_735_689_600n * 1_000_000_000n

export interface DoctorRequest {
  /** Test the store, which writes and removes a few objects. Otherwise report what `init` found. */
  readonly probe?: boolean
  /** Why there is no repository to examine. */
  readonly failure?: Failure | undefined
}

/**
 * Examines the program, the home if there is one, and the repository if there is one (one LIST). An
 * error in one examination becomes a finding, and the others still run.
 */
export async function doctor(
  home: Home | undefined,
  repository?: Repository,
  { probe = false, failure }: DoctorRequest = {},
): Promise<Finding[]> {
  const found = [
    ...(await guarded("program", program)),
    ...(await guarded("file metadata", nativeCalls)),
    ...(await guarded("compression", compression)),
    ...(home === undefined ? [] : await examineHome(home)),
  ]
  if (repository !== undefined) found.push(...(await examine(repository, probe)))
  else if (failure !== undefined) found.push(...(await failureFindings(home, failure)))
  else if (home !== undefined) found.push(...(await guarded("repository", () => noRepository(home))))
  return found
}

async function examineHome(home: Home): Promise<Finding[]> {
  return [
    ...(await guarded("home", () => homeFolder(home))),
    ...(await guarded("home", () => freeSpace("home", home.identityRoot))),
    ...(await guarded("cache", () => caches(home))),
  ]
}

function noRepository(home: Home): Finding[] {
  return knownRepositories(home).length > 0 ? [] : [unknownRepository(devicesIn(home).length, "warning")]
}

function program(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
  const isOld = major < 22 || (major === 22 && minor < 18)
  if (!isOld) return good("program", `Node ${process.versions.node} on ${process.platform} ${process.arch}`)
  return {
    level: "bad",
    subject: "program",
    message: `Node ${process.versions.node} is too old`,
    advice: "use Node 22.18 or later",
  }
}

function nativeCalls(): Finding {
  if (openNative()?.readsAttributes === true)
    return good("file metadata", "exact times and extended attributes are saved and restored")
  return {
    level: "warning",
    subject: "file metadata",
    message: "extended attributes are not saved on this system; times are restored to about a microsecond",
    advice:
      process.platform === "linux" ? "install the optional package koffi" : "this system is not supported",
  }
}

function compression(): Finding {
  const { implementation } = createZstd()
  if (implementation === "zstd-napi") return good("compression", "zstd, native")
  return {
    level: "warning",
    subject: "compression",
    message: "zstd from Node, which is slower",
    advice: "install the optional package zstd-napi",
  }
}

function homeFolder({ identityRoot, cacheRoot }: Home): Finding {
  const subject = "home"
  for (const folder of new Set([identityRoot, cacheRoot])) {
    const stat = fs.statSync(folder, { throwIfNoEntry: false })
    if (stat === undefined) continue // created when needed
    if (process.platform !== "win32" && (stat.mode & 0o022) !== 0) {
      return {
        level: "bad",
        subject,
        message: `${folder}: other users can write to it and replace this device's keys`,
        advice: `run: chmod go-w ${folder}`,
      }
    }
    try {
      fs.accessSync(folder, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK)
    } catch {
      return {
        level: "bad",
        subject,
        message: `${folder}: cannot be read and written`,
        advice: "change its owner to this user, or set HOLDFAST_HOME",
      }
    }
  }
  return good(subject, identityRoot)
}

function freeSpace(subject: string, folder: string): Finding[] {
  let at = folder
  while (!fs.existsSync(at) && at.includes("/", 1)) at = at.slice(0, at.lastIndexOf("/"))
  try {
    const { bavail, bsize } = fs.statfsSync(at)
    const free = bavail * bsize
    if (free >= FREE_BYTES_MIN) return []
    return [
      {
        level: "warning",
        subject,
        message: `${folder}: only ${Math.floor(free / 1024 ** 2)} MiB are free`,
        advice: "free some space on that disk",
      },
    ]
  } catch {
    return [] // not every file system reports it
  }
}

function caches(home: Home): Finding {
  const found = cacheInfo(home)
  const bytes = found.reduce((sum, cache) => sum + cache.bytes, 0)
  const message = `${(bytes / 1024 ** 2).toFixed(1)} MiB for ${found.length} ${found.length === 1 ? "repository" : "repositories"}`
  if (bytes < CACHE_BYTES_MANY) return good("cache", message)
  return {
    level: "warning",
    subject: "cache",
    message,
    advice: "run `holdfast cache --clear` to delete what can be rebuilt",
  }
}

async function examine(repository: Repository, probe: boolean): Promise<Finding[]> {
  const reached = await reach(repository)
  const isReached = reached.every(({ subject, level }) => subject !== "store" || level !== "bad")
  return [
    ...reached,
    ...(await guarded("snapshots", () => log(repository))),
    ...(await guarded("device", () => device(repository))),
    ...(await guarded("keys", () => keys(repository))),
    ...(await guarded("clock", () => clock(repository))),
    ...(await guarded("unfinished backup", () => pending(repository))),
    ...(await guarded("store", () => freeSpaceOf(repository))),
    ...(await guarded("store", () => storeAbilities(repository, probe && isReached))),
  ]
}

/** Times the look and keeps it in the home: later examinations need no request. */
async function reach(repository: Repository): Promise<readonly Finding[]> {
  const subject = "store"
  const { location } = repository
  return await guarded(subject, async () => {
    const startMs = monotonicMs()
    const { problems } = await look(repository, { tolerant: true })
    const ms = monotonicMs() - startMs
    const advice = "run `holdfast check`"
    if (problems.length > 0)
      return problems.map(({ message }) => ({ level: "bad" as const, subject, message, advice }))
    if (ms < SLOW_MS) return good(subject, `${location} answers in ${Math.max(1, Math.round(ms))} ms`)
    return { level: "warning", subject, message: `${location} took ${(ms / 1000).toFixed(1)} s to answer` }
  })
}

function log({ log: table }: Repository): Finding[] {
  const snapshots = table.snapshots({}).length
  if (snapshots > 0) return [good("snapshots", `${snapshots} in ${table.series().length} series`)]
  return [
    {
      level: "warning",
      subject: "snapshots",
      message: "no snapshots yet",
      advice: "run `holdfast backup FOLDER`",
    },
  ]
}

function device({ session: { device: own, trust } }: Repository): Finding {
  const subject = "device"
  if (own === undefined) {
    return {
      level: "warning",
      subject,
      message: "this device is not enrolled; it can only read, with the secret",
      advice: "run `holdfast connect` to enrol it",
    }
  }
  const status = trust.state.devices.find(({ id }) => id === own.id)?.status
  if (status === "active") return good(subject, `enrolled as ${own.id.slice(0, 8)}; it needs no secret`)
  return inactiveDevice(status)
}

function keys({ session: { trust } }: Repository): Finding {
  const { slots } = trust.state
  if (slots.some(({ kind }) => kind === "recovery"))
    return good("keys", `${slots.length} secrets open the repository, including recovery words`)
  return noRecoveryWords()
}

function clock({ clock: time, log: table }: Pick<Repository, "clock" | "log"> & { clock: Clock }): Finding {
  const subject = "clock"
  const now = time.now()
  const newest = table.snapshots({}).at(-1)?.timeNs ?? 0n
  const advice = "set this machine's clock. No data is at risk, but times and `latest` are wrong"
  if (now < YEAR_2025_NS) return { level: "bad", subject, message: "the year is in the past", advice }
  if (newest > now + CLOCK_AHEAD_NS_MAX)
    return {
      level: "warning",
      subject,
      message: "the newest snapshot is dated in the future",
      advice,
    }
  return good(subject, "plausible")
}

function pending({ journal }: Repository): Finding[] {
  const packs = journal.pending().length
  return packs === 0 ? [] : [unfinished(packs)]
}

function freeSpaceOf({ store: { folder } }: Repository): Finding[] {
  return folder === undefined ? [] : freeSpace("store", folder)
}
