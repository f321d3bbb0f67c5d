/** What a person or a configuration holds to open a repository with; never in arguments or logs. */
import type { SlotSecret } from "../crypto/keyslots.ts"
import { entropyOf } from "../crypto/words.ts"

export type Secret =
  | { readonly kind: "passphrase"; readonly text: string }
  /** 32 raw bytes. */
  | { readonly kind: "key"; readonly bytes: Uint8Array }
  /** 24 words, as typed. */
  | { readonly kind: "recovery"; readonly words: string }

/** Throws `invalid`, code "recovery-words", for what are not the words of any repository. */
export async function slotSecret(secret: Secret): Promise<SlotSecret> {
  if (secret.kind !== "recovery") return secret
  return { kind: "recovery", bytes: await entropyOf(secret.words) }
}
