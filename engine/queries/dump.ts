/** `dump`: writes a file's bytes, or a folder as a tar or zip archive, to a stream. */
import type { Writable } from "node:stream"
import { corrupt, EngineError } from "../base/errors.ts"
import { CHUNK_ID_BYTES, type ChunkId, type RawPath } from "../base/ids.ts"
import { baseName, isWithin, showPath } from "../base/paths.ts"
import type { Entry } from "../format/listing-entry.ts"
import { walkChunkList } from "../listing/chunk-list.ts"
import { noEntry } from "../listing/look-up.ts"
import { walkListing } from "../listing/walk.ts"
import type { SnapshotRecord } from "../log/view.ts"
import type { Repository } from "../session/repository.ts"
import { dumpZip } from "./dump-zip.ts"
import { type NodeReader, openNodeReader } from "./node-reader.ts"
import { contentBytes, TAR_END, tarHeader, type TarMember, tarPadding } from "./tar-header.ts"

/** Requested at once, so about eight blocks are fetched in parallel. */
const BATCH_BYTES = 8 * 1024 * 1024
const BATCH_CHUNKS = 4096

export interface DumpRequest {
  /** Isn't ended. If its reader goes away, the dump stops without an error. */
  readonly out: Writable
  /** Required for a folder. */
  readonly archive?: "tar" | "zip" | undefined
}

/**
 * Writes a file's content, or a folder as a tar or zip archive.
 * @throws not-found "no-entry"; invalid "dump-folder" or "dump-type"; corrupt for damage: what was written until
 * then is right, but incomplete
 */
export async function dump(
  repository: Repository,
  snapshot: SnapshotRecord,
  path: RawPath,
  { out, archive }: DumpRequest,
): Promise<void> {
  const nodes = openNodeReader(repository)
  const all = walkListing(snapshot.root, nodes.listing(snapshot.series), { within: path })
  const output = openOutput(out)
  try {
    const first = await all.next()
    const entry = first.done === true ? undefined : first.value
    if (entry === undefined || (entry.path !== path && !snapshot.single)) throw noEntry(snapshot, path)
    const dumping: Dumping = { repository, nodes, output }
    if (archive === "tar") return await dumpTar(dumping, entry, all)
    if (archive === "zip") return await zipped(dumping, entry, all)
    if (entry.type !== "file") throw notAFile(entry)
    for await (const bytes of contentOf(repository, nodes, entry)) if (!(await output.write(bytes))) return
  } finally {
    output.close()
    await all.return(undefined)
  }
}

interface Dumping {
  readonly repository: Repository
  readonly nodes: NodeReader
  readonly output: Output
}

async function zipped(
  { repository, nodes, output }: Dumping,
  top: Entry,
  rest: AsyncIterable<Entry>,
): Promise<void> {
  const nameOf = namesBelow(top)
  await dumpZip({
    entries: startingWith(top, rest),
    nameOf: (entry) => {
      if (entry === top && top.type === "directory") return ""
      return nameOf(entry.path) + (entry.type === "directory" ? "/" : "")
    },
    contentOf: (entry) => (entry.type === "file" ? contentOf(repository, nodes, entry) : NOTHING),
    write: (bytes) => output.write(bytes),
  })
}

const NOTHING: AsyncIterable<Uint8Array> = (async function* () {})()

async function* startingWith(top: Entry, rest: AsyncIterable<Entry>): AsyncGenerator<Entry> {
  yield top
  yield* rest
}

/** Names are relative to the requested folder, as in a restore. */
function namesBelow(top: Entry): (path: RawPath) => RawPath {
  return (path) => {
    if (top.type !== "directory") return baseName(path)
    return (top.path === "" ? path : path.slice(top.path.length + 1)) as RawPath
  }
}

async function dumpTar(
  { repository, nodes, output }: Dumping,
  top: Entry,
  rest: AsyncIterable<Entry>,
): Promise<void> {
  const isFolder = top.type === "directory"
  const nameOf = namesBelow(top)
  const put = async (entry: Entry): Promise<boolean> => {
    const linkTo =
      entry.hardLink !== null && isFolder && isWithin(entry.hardLink, top.path)
        ? nameOf(entry.hardLink)
        : undefined
    const name =
      entry === top && isFolder ? "./" : nameOf(entry.path) + (entry.type === "directory" ? "/" : "")
    const member: TarMember = { name, entry, linkTo }
    if (!(await output.write(tarHeader(member)))) return false
    const length = contentBytes(member)
    if (length === 0) return true
    for await (const bytes of contentOf(repository, nodes, entry))
      if (!(await output.write(bytes))) return false
    return await output.write(tarPadding(length))
  }
  if (!(await put(top))) return
  for await (const entry of rest) if (!(await put(entry))) return
  await output.write(TAR_END)
}

/**
 * Yields the bytes of a file in pieces.
 * @throws corrupt "file-size" unless they are exactly `entry.size` bytes
 */
async function* contentOf(
  repository: Repository,
  nodes: NodeReader,
  entry: Entry,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const batch of batchesOf(repository, idsOf(nodes, entry))) {
    for (const chunk of await nodes.reader.read("data", batch)) {
      bytes += chunk.length
      if (bytes > entry.size) break
      yield chunk
    }
  }
  if (bytes !== entry.size) {
    throw corrupt(
      "file-size",
      showPath(entry.path),
      `its chunks do not add up to the ${entry.size} bytes recorded in the snapshot`,
    )
  }
}

async function* idsOf(nodes: NodeReader, { content }: Entry): AsyncGenerator<Uint8Array> {
  if (content === null) return
  if (content.chunks !== undefined) yield content.chunks
  else for await (const run of walkChunkList(content.list, nodes.chunkLists)) yield run.ids
}

async function* batchesOf({ index }: Repository, runs: AsyncIterable<Uint8Array>): AsyncGenerator<ChunkId[]> {
  let batch: ChunkId[] = []
  let bytes = 0
  for await (const ids of runs) {
    for (let at = 0; at < ids.length; at += CHUNK_ID_BYTES) {
      const id = ids.subarray(at, at + CHUNK_ID_BYTES) as ChunkId
      batch.push(id)
      bytes += index.locate(id)?.length ?? 0
      if (bytes < BATCH_BYTES && batch.length < BATCH_CHUNKS) continue
      yield batch
      batch = []
      bytes = 0
    }
  }
  if (batch.length > 0) yield batch
}

interface Output {
  /** Returns false if the reader has gone away. */
  write(bytes: Uint8Array): Promise<boolean>
  close(): void
}

/** Each write resolves when its bytes are consumed. */
function openOutput(out: Writable): Output {
  let failure: NodeJS.ErrnoException | undefined
  const onError = (error: Error): void => void (failure ??= error)
  out.on("error", onError)
  return {
    async write(bytes) {
      if (bytes.length > 0 && failure === undefined && !out.destroyed) {
        // The bytes may be a view of a reused block, so they are consumed before this resolves.
        await new Promise<void>((resolve) => out.write(bytes, () => resolve()))
      }
      if (failure !== undefined && failure.code !== "EPIPE") throw failure
      return failure === undefined && !out.destroyed
    },
    close: () => void out.off("error", onError),
  }
}

function notAFile({ path, type }: Entry): EngineError {
  if (type === "directory") {
    return new EngineError(
      "invalid",
      "dump-folder",
      `${path === "" ? "the snapshot" : showPath(path)} is a folder: use --archive tar or --archive zip`,
    )
  }
  return new EngineError("invalid", "dump-type", `${showPath(path)} is a ${type}, not a file`)
}
