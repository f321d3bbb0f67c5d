/** The peers in the order of the tables' columns. */
import { borg } from "./borg.ts"
import { holdfast } from "./holdfast.ts"
import { kopia } from "./kopia.ts"
import type { Peer } from "./peer.ts"
import { restic } from "./restic.ts"
import { rustic } from "./rustic.ts"

export const peers: readonly Peer[] = [holdfast, restic, kopia, rustic, borg]
