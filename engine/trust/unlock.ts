/**
 * From a secret to a keyslot: the objects under `keys/` are fetched, those made for another repository
 * are passed over, and the secret is tried on those of its kind. spec/keys.md.
 */
import { forEachBounded } from "../base/concurrency.ts"
import { isEngineError } from "../base/errors.ts"
import type { RepositoryId } from "../base/ids.ts"
import { openKeyslots } from "../crypto/keyslots.ts"
import type { OpenedSlot, StoredSlot } from "../crypto/keyslots.ts"
import { decodeKeyslot } from "../format/keyslot.ts"
import { keyslotName, KEYSLOTS_PREFIX, parseName } from "../format/names.ts"
import type { Store } from "../store/store.ts"
import { slotSecret } from "./secret.ts"
import type { Secret } from "./secret.ts"

/** Whoever can write to the store can put slots there, and each passphrase slot costs a derivation. */
const SLOTS_MAX = 256
const GETS_AT_ONCE = 8

/** The slot that opens; "wrong-key" when none does. `record` is the object `repository`. */
export async function unlock(
  store: Store,
  repository: { readonly id: RepositoryId; readonly record: Uint8Array },
  secret: Secret,
): Promise<OpenedSlot> {
  const wanted = await slotSecret(secret)
  const slots = (await fetchKeyslots(store)).filter((slot) => isOf(slot, repository.id))
  return await openKeyslots(slots, wanted, repository.record)
}

async function fetchKeyslots(store: Store): Promise<StoredSlot[]> {
  const names = []
  for await (const { name } of store.list(KEYSLOTS_PREFIX)) {
    const parsed = parseName(name)
    if (parsed?.type === "keyslot" && names.length < SLOTS_MAX) names.push(parsed.digest)
  }
  const slots: StoredSlot[] = []
  await forEachBounded(names, GETS_AT_ONCE, async (id) => {
    try {
      slots.push({ id, bytes: await store.get(keyslotName(id)) })
    } catch (error) {
      if (!isEngineError(error) || error.kind !== "not-found") throw error // removed since the listing
    }
  })
  return slots.toSorted((a, b) => (a.id < b.id ? -1 : 1))
}

/** A damaged slot is kept: that it is damaged must be told when nothing else opens. */
function isOf(slot: StoredSlot, repository: RepositoryId): boolean {
  try {
    return decodeKeyslot(slot.bytes, keyslotName(slot.id)).repository === repository
  } catch (error) {
    if (isEngineError(error, "format-too-new")) return false
    if (isEngineError(error)) return true
    throw error
  }
}
