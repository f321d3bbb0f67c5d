/** `dump`: one file's bytes, or a folder as a tar or zip archive, to a stream, and nothing else. */
import type { Writable } from "node:stream"
import { EngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { baseName, isWithin, showPath } from "../base/paths.ts"
import type { Entry } from "../format/listing-entry.ts"
import { noEntry } from "../listing/look-up.ts"
import { walkListing } from "../listing/walk.ts"
import type { Repository } from "../session/repository.ts"
import type { SnapshotRecord } from "../log/view.ts"
import { contentOf } from "./content-reader.ts"
import { dumpZip } from "./dump-zip.ts"
import { openNodeReader, type NodeReader } from "./node-reader.ts"
import { contentBytes, TAR_END, tarHeader, tarPadding, type TarMember } from "./tar-header.ts"

export interface DumpRequest {
  /** Not ended. When its reader goes away, the dump stops without an error. */
  readonly out: Writable
  /** Needed for a folder. */
  readonly archive?: "tar" | "zip" | undefined
}

/**
 * Throws not-found "no-entry", invalid "dump-folder" and "dump-type", `corrupt` for damage: what was
 * written until then is right, and is not all.
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

/** Names are relative to the folder that was asked for, as in a restore. */
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

interface Output {
  /** False when nobody reads any more. */
  write(bytes: Uint8Array): Promise<boolean>
  close(): void
}

/** Each write waits until it is taken. */
function openOutput(out: Writable): Output {
  let failure: NodeJS.ErrnoException | undefined
  const onError = (error: Error): void => void (failure ??= error)
  out.on("error", onError)
  return {
    async write(bytes) {
      if (bytes.length > 0 && failure === undefined && !out.destroyed) {
        // the bytes may be a view of a block that is kept: they are read before this resolves
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
