/**
 * pins.json: the newest state that this device has accepted. It refuses anything older (rule R1).
 * It isn't a cache: after a loss, a rollback in the meantime can't be detected.
 */
import type { DeviceId, Digest } from "../base/ids.ts"
import { withFileLock } from "./file-lock.ts"
import type { RepositoryHome } from "./home.ts"
import { damaged, parseJsonFile } from "./json-file.ts"
import { readPrivateFile, writePrivateFile } from "./private-files.ts"

const VERSION = 1
const LOCK_TIMEOUT_MS = 10_000

export interface PinnedHead {
  readonly device: DeviceId
  readonly sequence: number
  readonly digest: Digest
}

export interface Pins {
  /** One per device, sorted by device. */
  readonly heads: readonly PinnedHead[]
  readonly trust: { readonly number: number; readonly digest: Digest } | null
  /** Newest entry of the linear log `log/gc`. */
  readonly gc: { readonly number: number; readonly digest: Digest } | null
  /** Last time the log was listed, in nanoseconds since 1970. */
  readonly lastLookNs: bigint | null
  /** Log objects with an alarm that a person has accepted. They are independent of the pins. */
  readonly accepted: readonly string[]
}

export const NO_PINS: Pins = {
  heads: [],
  trust: null,
  gc: null,
  lastLookNs: null,
  accepted: [],
}

export function readPins(home: RepositoryHome): Pins {
  const text = readPrivateFile(home.pinsPath)
  return text === undefined ? NO_PINS : decodePins(text, home.pinsPath)
}

/**
 * Reads, changes and durably writes the pins. Concurrent runs on this device take turns, so
 * `change` must start from the given pins.
 */
export function updatePins(home: RepositoryHome, change: (pins: Pins) => Pins): Pins {
  return withFileLock(`${home.locksFolder}/pins.lock`, LOCK_TIMEOUT_MS, () => {
    const pins = change(readPins(home))
    writePrivateFile(home.pinsPath, encodePins(pins))
    return pins
  })
}

function encodePins({ heads, trust, gc, lastLookNs, accepted }: Pins): string {
  const sorted = heads.toSorted((a, b) => (a.device < b.device ? -1 : 1))
  const content = {
    version: VERSION,
    heads: sorted,
    trust,
    gc,
    lastLookNs: lastLookNs?.toString() ?? null,
    ...(accepted.length === 0 ? {} : { accepted: accepted.toSorted() }),
  }
  return `${JSON.stringify(content, null, 2)}\n`
}

function decodePins(text: string, file: string): Pins {
  const fields = parseJsonFile(text, file)
  if (fields.integer("version") !== VERSION)
    throw damaged(file, `version ${fields.integer("version")}, expected ${VERSION}`)
  const numbered = (field: "trust" | "gc"): Pins["trust"] => {
    const pin = fields.object(field)
    return pin === undefined
      ? null
      : { number: pin.integer("number"), digest: pin.hex("digest", 32) as Digest }
  }
  return {
    heads: fields.list("heads").map((head) => ({
      device: head.hex("device", 16) as DeviceId,
      sequence: head.integer("sequence"),
      digest: head.hex("digest", 32) as Digest,
    })),
    trust: numbered("trust"),
    gc: numbered("gc"),
    lastLookNs: fields.isNull("lastLookNs") ? null : fields.decimal("lastLookNs"),
    accepted: fields.texts("accepted"),
  }
}
