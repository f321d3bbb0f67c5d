/**
 * Zstandard (RFC 8878) over whole buffers, for one thread: zstd-napi with contexts that are made once,
 * or Node's own zstd where the native package could not be built. The caller bounds the size, since it
 * knows the authenticated raw length before it decompresses a frame. spec/pack.md.
 */
import { createRequire } from "node:module"
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib"

/** The compression level of every block; spec/decisions/0007-compression.md. */
export const ZSTD_LEVEL = 3

export interface Zstd {
  /** The implementation in use, for `version --verbose` and the benchmarks. */
  readonly implementation: "zstd-napi" | "node:zlib"
  /** The most bytes that `compress` may write for `length` bytes of input. */
  bound(length: number): number
  /** Compresses into the start of `target`. Returns the number of bytes written. */
  compress(target: Uint8Array, source: Uint8Array): number
  /**
   * Fills `target` exactly, or throws. `source` is exactly one frame, which may omit its content size.
   * Every implementation accepts the same sources.
   */
  decompress(target: Uint8Array, source: Uint8Array): void
}

export function createZstd(): Zstd {
  return zstdNapi() ?? nodeZstd()
}

type Binding = typeof import("zstd-napi/binding.js")

function zstdNapi(): Zstd | undefined {
  const binding = loadBinding()
  if (binding === undefined) return undefined
  const compressor = new binding.CCtx()
  compressor.setParameter(binding.CParameter.compressionLevel, ZSTD_LEVEL)
  const decompressor = new binding.DCtx()
  return {
    implementation: "zstd-napi",
    bound: (length) => binding.compressBound(length),
    compress: (target, source) => compressor.compress2(target, source),
    decompress(target, source) {
      const claimed = binding.getFrameContentSize(source)
      if (claimed !== null && claimed !== target.length) throw new Error("zstd frame claims another size")
      if (binding.findFrameCompressedSize(source) !== source.length) throw moreThanOneFrame()
      const length = decompressor.decompress(target, source)
      if (length !== target.length) throw new Error("zstd frame is shorter than it claims")
    },
  }
}

let binding: Binding | null | undefined

function loadBinding(): Binding | undefined {
  if (binding === undefined) {
    try {
      binding = createRequire(import.meta.url)("zstd-napi/binding.js") as Binding
    } catch {
      binding = null // an optional dependency: absent where it could not be built
    }
  }
  return binding ?? undefined
}

export function nodeZstd(): Zstd {
  const params = { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL, [constants.ZSTD_c_contentSizeFlag]: 1 }
  return {
    implementation: "node:zlib",
    bound: (length) => length + Math.ceil(length / 255) + 512,
    compress(target, source) {
      const bytes = zstdCompressSync(source, { params, pledgedSrcSize: source.length })
      target.set(bytes)
      return bytes.length
    },
    decompress(target, source) {
      const options = { maxOutputLength: Math.max(1, target.length), info: true }
      // `info` also returns the engine, which counts the input bytes that it consumed
      const { buffer, engine } = zstdDecompressSync(source, options) as unknown as Decompressed
      if (buffer.length !== target.length) throw new Error("zstd frame has another size")
      if (engine.bytesWritten !== source.length) throw moreThanOneFrame()
      target.set(buffer)
    },
  }
}

interface Decompressed {
  readonly buffer: Uint8Array
  readonly engine: { readonly bytesWritten: number }
}

function moreThanOneFrame(): Error {
  return new Error("more bytes follow the zstd frame")
}
