/**
 * A repository with every kind of object, small enough to damage each object in turn: two devices,
 * three snapshots, a file with a chunk list, a pack whose directory is only in the pack, one whose
 * directory is in an entry, and an index segment.
 */
import * as fs from "node:fs"
import * as path from "node:path"
import type { TestContext } from "node:test"
import { pictureOf, type Picture } from "../../fixtures/picture.ts"
import { seededRandom } from "../../fixtures/random.ts"
import type { Bytes } from "../base/bytes.ts"
import type { Digest, ObjectName } from "../base/ids.ts"
import { digestOf } from "../crypto/digest.ts"
import { sealingKeyOfEpoch, sealObject } from "../crypto/sealed-object.ts"
import { segmentName } from "../format/names.ts"
import { encodeDirectory } from "../format/pack.ts"
import { KIND_SEGMENT } from "../format/sealed-header.ts"
import { encodeSegment } from "../format/segment.ts"
import type { Repository } from "../index.ts"
import { publish } from "../session/publish.ts"
import { backupPlace, save, type BackupPlace } from "./backup-place.ts"

export interface SmallRepository extends BackupPlace {
  /** The second device's; `repository` is the first device's. */
  readonly second: Repository
  /** Oldest first, with their content. */
  readonly saved: readonly { readonly id: string; readonly picture: Picture }[]
}

export async function smallRepository(t: TestContext): Promise<SmallRepository> {
  const place = await backupPlace(t)
  const source = path.join(place.folder, "notes")
  const random = seededRandom("a small repository")
  fs.mkdirSync(path.join(source, "deep/er"), { recursive: true })
  for (let i = 0; i < 12; i++)
    fs.writeFileSync(path.join(source, `deep/note-${i}.md`), `# note ${i}\n`.repeat(i * 9 + 1))
  fs.writeFileSync(path.join(source, "large"), random.bytes(3_000_000))
  fs.writeFileSync(path.join(source, "empty"), "")
  fs.linkSync(path.join(source, "deep/note-1.md"), path.join(source, "same.md"))
  fs.symlinkSync("deep/note-2.md", path.join(source, "link"))
  const saved: { id: string; picture: Picture }[] = []
  const keep = async (repository: Repository): Promise<void> => {
    const { at } = await save(repository, source)
    saved.push({ id: at, picture: pictureOf(source) })
  }
  await keep(place.repository)
  fs.appendFileSync(path.join(source, "deep/note-3.md"), "a line more\n")
  fs.rmSync(path.join(source, "deep/note-4.md"))
  await keep(place.repository)
  await putSegment(place.repository)
  const second = await place.open(place.newHome())
  fs.writeFileSync(path.join(source, "deep/er/second.md"), "by the second device\n".repeat(20))
  await keep(second)
  return { ...place, second, saved }
}

/** Writes a segment that covers all packs again. */
async function putSegment(repository: Repository): Promise<void> {
  const { index, random, store, clock } = repository
  const { keys } = repository.session
  const packs = [...index.packs()].map((record) => ({
    record,
    directory: encodeDirectory(index.framesOfPack(record.name)),
  }))
  const sealed = sealObject(
    sealingKeyOfEpoch(keys, keys.epoch, "a segment"),
    KIND_SEGMENT,
    random.bytes(24),
    encodeSegment({ packs, supersedes: [] }),
  )
  const digest: Digest = digestOf(sealed)
  await store.put(segmentName(digest), sealed)
  await publish(repository, {
    type: "partial",
    timeNs: clock.now(),
    series: "notes",
    packs: [],
    newSegments: [digest],
  })
}

/** Changes objects in the store while `run` runs. Undefined removes an object. */
export async function withObjects<T>(
  objects: Map<ObjectName, Bytes>,
  changes: ReadonlyMap<ObjectName, Bytes | undefined>,
  run: () => Promise<T>,
): Promise<T> {
  const before = new Map(objects)
  try {
    for (const [name, bytes] of changes) {
      if (bytes === undefined) objects.delete(name)
      else objects.set(name, bytes)
    }
    return await run()
  } finally {
    objects.clear()
    for (const [name, bytes] of before) objects.set(name, bytes)
  }
}
