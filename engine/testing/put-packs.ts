/** Packs and snapshots that list them, without files, for tests of what the log makes known. */
import { createZstd } from "../chunks/zstd.ts"
import { sealingKeyOfEpoch } from "../crypto/sealed-object.ts"
import { packName } from "../format/names.ts"
import { CODEC_STORED, FRAME_DATA } from "../format/sealed-header.ts"
import { publish, type Published } from "../session/publish.ts"
import type { Repository } from "../session/repository.ts"
import { coverPacks } from "../backup/cover.ts"
import { type SealedPack, sealPack } from "../packs/seal-pack.ts"
import { exampleId } from "./example-packs.ts"
import { emptyDraft } from "./shared-place.ts"

/** Stores a pack of `chunks` chunks, with ids derived from the label. */
export async function putPack(repository: Repository, label: string, chunks: number): Promise<SealedPack> {
  const ids = new Uint8Array(
    Buffer.concat(Array.from({ length: chunks }, (_, i) => exampleId(`${label} ${i}`))),
  )
  const lengths = new Uint32Array(chunks).fill(3)
  const bytes = new Uint8Array(3 * chunks)
  const block = { kind: FRAME_DATA, codec: CODEC_STORED, rawLength: bytes.length, ids, lengths, bytes }
  const sealing = sealingKeyOfEpoch(repository.session.keys, 1, "a pack")
  const pack = sealPack([block], false, { sealing, random: repository.random, zstd: createZstd() })
  await repository.store.put(packName(pack.record.name), pack.bytes)
  repository.index.addPack(pack.record, pack.frames)
  return pack
}

/** Publishes a snapshot with these packs, covered as in a backup. */
export async function publishPacks(
  repository: Repository,
  packs: readonly SealedPack[],
  series = "notes",
): Promise<Published> {
  const pending = packs.map(({ record, directory }) => ({ series, record, directory }))
  const draft = emptyDraft(series, { timeNs: repository.clock.now() })
  return await publish(repository, { ...draft, ...(await coverPacks(pending, repository)) })
}
