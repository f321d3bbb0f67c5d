/**
 * Content-defined cut points: FastCDC with normalised chunking (Xia et al., "FastCDC: a Fast and
 * Efficient Content-Defined Chunking Approach for Data Deduplication", USENIX ATC 2016), in the
 * "ronomon" variant of fastcdc-wasm 0.1.0. The module is driven through its own linear memory: a caller
 * reads a file into the window, asks for cuts, and hashes and copies from the same memory, so no byte is
 * copied in or out. The module's gear table is replaced by one derived from the repository's secret.
 *
 * Cuts are a pure function of table, sizes and bytes; window and read sizes don't change them.
 * spec/chunking.md.
 */
import { createHash, hkdfSync } from "node:crypto"
import { readFileSync } from "node:fs"
import { createRequire } from "node:module"
import { assert } from "../base/errors.ts"
import type { ChunkSizes } from "./classes.ts"

/** Bytes before the window that a caller may overwrite; keyed hashing in place needs 64. */
export const WINDOW_HEADROOM_BYTES = 64

export interface Cutter {
  /** The module's memory. It moves when the module grows: read this property after each `cut`. */
  readonly memory: Uint8Array<ArrayBuffer>
  /** Where the window starts in `memory`, after its headroom. */
  readonly windowOffset: number
  readonly windowBytes: number
  /**
   * Returns the ends of the chunks in the window's first `length` bytes, ascending and relative to the
   * window's start. Without `last`, the bytes after the last end begin a chunk that needs more bytes: the
   * caller moves them to the front, fills the window, and calls again. With `last`, the last end is
   * `length`.
   */
  cut(length: number, sizes: ChunkSizes, last: boolean): Uint32Array
}

interface Memory {
  readonly buffer: ArrayBuffer
}

/** The part of WebAssembly's interface that Node's types omit. */
interface WebAssemblyApi {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => { readonly exports: unknown }
}

const wasmApi = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly

interface Exports {
  memory: Memory
  get_chunks(result: number, pointer: number, length: number, min: number, average: number, max: number): void
  __wbindgen_add_to_stack_pointer(bytes: number): number
  __wbindgen_malloc(bytes: number): number
  __wbindgen_free(pointer: number, bytes: number): void
}

/** SHA-256 of the gear table in fastcdc-wasm 0.1.0. Another table means another algorithm. */
const PUBLISHED_TABLE = "d499f6cdb238b999913ce6bc226452991b403b71cb0b144ca82ecf6e2ce2032a"
const TABLE_ENTRIES = 256

let compiled: object | undefined

function compile(): object {
  if (compiled !== undefined) return compiled
  const path = createRequire(import.meta.url).resolve("fastcdc-wasm/fastcdc_wasm_bg.wasm")
  compiled = new wasmApi.Module(readFileSync(path))
  return compiled
}

/**
 * The keyed gear table: 256 values of 31 bits by HKDF-SHA-512 (RFC 5869) from the repository's chunker
 * key. It makes fingerprinting by cut points harder; the real protection are sealed, padded packs.
 */
export function gearTable(chunkerKey: Uint8Array): Uint32Array {
  const bytes = new DataView(hkdfSync("sha512", chunkerKey, new Uint8Array(0), "holdfast/1/gear", 256 * 4))
  return Uint32Array.from({ length: 256 }, (_, i) => bytes.getUint32(i * 4, true) & 0x7fffffff)
}

/** Makes a cutter with memory of its own, for one thread. `gear` has 256 values below 2^31. */
export function createCutter(gear: Uint32Array, windowBytes: number): Cutter {
  const wasm = new wasmApi.Instance(compile(), {}).exports as Exports
  replaceGearTable(wasm.memory, gear)
  const allocation = wasm.__wbindgen_malloc(windowBytes + WINDOW_HEADROOM_BYTES)
  const windowOffset = allocation + WINDOW_HEADROOM_BYTES
  let memory = new Uint8Array(wasm.memory.buffer)

  const wholeWindow = (length: number, sizes: ChunkSizes): Uint32Array => {
    const result = wasm.__wbindgen_add_to_stack_pointer(-16)
    try {
      wasm.get_chunks(result, windowOffset, length, sizes.min, sizes.average, sizes.max)
      if (memory.buffer !== wasm.memory.buffer) memory = new Uint8Array(wasm.memory.buffer)
      const view = new DataView(wasm.memory.buffer)
      const pointer = view.getUint32(result, true)
      const count = view.getUint32(result + 4, true)
      const offsets = new Uint32Array(wasm.memory.buffer, pointer, count).slice(1) // the first is 0
      wasm.__wbindgen_free(pointer, count * 4)
      return offsets
    } finally {
      wasm.__wbindgen_add_to_stack_pointer(16)
    }
  }

  return {
    get memory() {
      return memory
    },
    windowOffset,
    windowBytes,
    cut(length, sizes, last) {
      assert(length <= windowBytes, "a window is not overfilled")
      assert(last || windowBytes >= 2 * sizes.max, "a window holds two of the largest chunks")
      if (length === 0) return new Uint32Array(0)
      const ends = sizes.fixed ? fixedEnds(length, sizes.max) : wholeWindow(length, sizes)
      return last ? ends : ends.subarray(0, settled(ends, length, sizes.max))
    },
  }
}

/** Counts the ends that can't change when more bytes follow: those of chunks that had `max` bytes to scan. */
function settled(ends: Uint32Array, length: number, max: number): number {
  let count = 0
  let start = 0
  while (count < ends.length && start + max <= length) {
    start = ends[count] as number // below ends.length
    count++
  }
  return count
}

function fixedEnds(length: number, size: number): Uint32Array {
  const ends = new Uint32Array(Math.ceil(length / size))
  for (let i = 0; i < ends.length; i++) ends[i] = Math.min(length, (i + 1) * size)
  return ends
}

function replaceGearTable(memory: Memory, gear: Uint32Array): void {
  assert(
    gear.length === TABLE_ENTRIES && gear.every((value) => value < 2 ** 31),
    "a gear table has 256 31-bit values",
  )
  const at = Buffer.from(memory.buffer).indexOf(FIRST_WORDS) // the table is aligned
  const table = at < 0 || at % 4 > 0 ? undefined : new Uint32Array(memory.buffer, at, TABLE_ENTRIES)
  const digest = table && createHash("sha256").update(new Uint8Array(table.slice().buffer)).digest("hex")
  assert(digest === PUBLISHED_TABLE, "fastcdc-wasm holds the gear table that spec/chunking.md knows")
  table?.set(gear)
}

const FIRST_WORDS: Buffer = Buffer.from(Uint32Array.of(1553318008, 574654857).buffer)
