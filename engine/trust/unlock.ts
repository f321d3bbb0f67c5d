/**
 * Opens a keyslot with a secret. Only slots that the trust state lists, of the secret's kind, are fetched:
 * anybody who can write to the store can put others under `keys/`, and each passphrase slot costs a key
 * derivation. spec/keys.md.
 */
import { forEachBounded } from "../base/concurrency.ts"
import { corrupt, isEngineError } from "../base/errors.ts"
import type { Digest } from "../base/ids.ts"
import { type OpenedSlot, openKeyslots, type SlotSecret, type StoredSlot } from "../crypto/keyslots.ts"
import { entropyOf } from "../crypto/words.ts"
import { keyslotName } from "../format/names.ts"
import type { TrustSlot } from "../format/trust-entry.ts"
import type { Store } from "../store/store.ts"

/** What a person or a configuration gives to open a repository. Never in arguments or logs. */
export type Secret =
  | { readonly kind: "passphrase"; readonly text: string }
  /** 32 raw bytes. */
  | { readonly kind: "key"; readonly bytes: Uint8Array }
  /** 24 words, as typed. */
  | { readonly kind: "recovery"; readonly words: string }

const GETS_AT_ONCE = 8

/** Throws invalid "recovery-words" for words that no repository can have. */
export async function slotSecret(secret: Secret): Promise<SlotSecret> {
  if (secret.kind !== "recovery") return secret
  return { kind: "recovery", bytes: await entropyOf(secret.words) }
}

/**
 * The listed slot that the secret opens.
 * @param repository `record` is the object `repository`; `slots` are those of the trust state
 * @throws denied "wrong-key" if none opens; corrupt if one that might have opened is damaged or missing
 */
export async function unlock(
  store: Store,
  repository: { readonly record: Uint8Array; readonly slots: readonly TrustSlot[] },
  secret: Secret,
): Promise<OpenedSlot> {
  const wanted = await slotSecret(secret)
  const ids = repository.slots.filter((slot) => slot.kind === wanted.kind).map((slot) => slot.id)
  const { slots, missing } = await fetchKeyslots(store, ids)
  try {
    return await openKeyslots(slots, wanted, repository.record)
  } catch (error) {
    if (missing === undefined || !isEngineError(error, "wrong-key")) throw error
    throw corrupt(
      "object-missing",
      keyslotName(missing),
      "missing from the store; the secret may belong to it",
    )
  }
}

async function fetchKeyslots(
  store: Store,
  ids: readonly Digest[],
): Promise<{ slots: StoredSlot[]; missing: Digest | undefined }> {
  const slots: StoredSlot[] = []
  let missing: Digest | undefined
  await forEachBounded(ids, GETS_AT_ONCE, async (id) => {
    try {
      slots.push({ id, bytes: await store.get(keyslotName(id)) })
    } catch (error) {
      if (!isEngineError(error, "object-not-found")) throw error
      missing = id
    }
  })
  return { slots, missing }
}
