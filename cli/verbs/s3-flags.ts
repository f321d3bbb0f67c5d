/**
 * Flags for S3 that can have no effect: at a folder, and `--endpoint` beside a location that has its own. Whoever gives
 * one expects another place than the one that would be used.
 */
import { parseAddress, parseEndpoint } from "../../engine/index.ts"
import type { Call } from "./call.ts"
import { UsageError } from "../output/exit-codes.ts"

const S3_FLAGS = ["endpoint", "region", "credentials", "addressing", "ca-file"]
/** Of `copy`; the flags without "to-" serve both places. */
const MIRROR_FLAGS = ["endpoint", "region", "credentials"]

/** @param mirror `copy` sends to it */
export function refuseS3Flags({ options }: Call, location: string, mirror?: string): void {
  for (const flag of S3_FLAGS) {
    const value = options.text(flag)
    const own = mirror !== undefined && MIRROR_FLAGS.includes(flag) ? options.text(`to-${flag}`) : undefined
    if (value !== undefined) {
      const places = mirror === undefined || own !== undefined ? [location] : [location, mirror]
      const reasons = places.map((place) => whyUnused(place, flag, value))
      if (!reasons.includes(undefined)) throw new UsageError(`--${flag} ${reasons.join("; it ")}`)
    }
    if (own === undefined || mirror === undefined) continue
    const reason = whyUnused(mirror, flag, own)
    if (reason !== undefined) throw new UsageError(`--to-${flag} ${reason}`)
  }
}

/** Undefined if it has an effect there, or names what the location names. */
function whyUnused(place: string, flag: string, value: string): string | undefined {
  const address = parseAddress(place)
  if (address.kind === "local") return `is for S3, and ${place} is a folder`
  if (flag !== "endpoint" || address.endpoint === undefined || address.endpoint === parseEndpoint(value))
    return undefined
  return `has no effect: ${place} has its own endpoint`
}
