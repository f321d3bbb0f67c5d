/**
 * The few system calls that Node lacks, through the optional package `koffi`: times in exact
 * nanoseconds (Node takes a double of seconds, which is off by up to 247 ns), extended attributes,
 * calls relative to an open folder, a rename that never replaces, FIFOs and device nodes, a flush
 * of one file system, and settings of the C library's memory. 64-bit Linux only; elsewhere callers
 * use another method or report what is lost. spec/decisions/0005-nanoseconds.md.
 */
import { createRequire } from "node:module"
import { type Native, NATIVE_FALLBACKS } from "./native-calls.ts"
import {
  attributeReaders,
  cPath,
  errorName,
  type Koffi,
  type Library,
  statReaders,
} from "./native-readers.ts"

type Callback = (error: Error | null, result: number) => void

const AT_FDCWD = -100
const RENAME_NOREPLACE = 1
const LOCK_EX = 2
const LOCK_NB = 4
const UTIME_NOW = 0x3fffffffn
const POSIX_FADV_WILLNEED = 3
const M_MMAP_THRESHOLD = -3
const M_TRIM_THRESHOLD = -1
const SECOND = 1_000_000_000n
// not in node:fs, which always sets it
const O_CLOEXEC = 0o2000000
// where a timespec is two 64-bit integers
const ARCHITECTURES: readonly string[] = ["x64", "arm64", "riscv64", "ppc64", "loong64"]

let opened: { native: Native | undefined } | undefined

/** Loaded once per thread (about 3 ms), and only on demand. */
export function openNative(): Native | undefined {
  opened ??= { native: loadNative() }
  return opened.native
}

/**
 * For packs and similar sizes. Blocks are allocated and freed all the time, and are faster in
 * reused memory.
 */
const GIVEN_BACK_BYTES = 4 * 1024 * 1024

/**
 * For work in several threads. glibc would keep freed large memory for reuse, up to 32 MiB a piece, in each
 * thread, and a long run's peak would grow by a fifth. spec/decisions/0013-memory-of-long-runs.md.
 */
export function giveBackLargeMemory(): void {
  openNative()?.giveBackFrom(GIVEN_BACK_BYTES)
}

/**
 * Returns what all threads have freed, before something else takes as much: glibc would keep it for
 * each of them.
 */
export function giveBackFreedMemory(): void {
  openNative()?.giveBackFreed()
}

function loadNative(): Native | undefined {
  if (process.platform !== "linux" || !ARCHITECTURES.includes(process.arch)) return undefined
  try {
    return bindNative(requireKoffi())
  } catch {
    return undefined
  }
}

/** Loads only koffi's native part: its package's preparations take 5 ms and aren't needed here. */
function requireKoffi(): Koffi {
  const require = createRequire(import.meta.url)
  try {
    return require(`@koromix/koffi-${process.platform}-${process.arch}`) as Koffi
  } catch {
    return require("koffi") as Koffi // another package manager uses another layout
  }
}

/** Binds each call separately: one that the C library lacks uses its fallback. Exported for tests. */
export function bindNative(koffi: Koffi): Native {
  const library = koffi.load(null)
  const result = (returned: number): string | undefined =>
    returned === 0 ? undefined : errorName(koffi.errno())
  const binders = [timeCalls, folderCalls, nodeCalls, rareCalls].flatMap((calls) =>
    calls(library, result, koffi),
  )
  binders.push(
    () => attributeReaders(koffi, library),
    () => statReaders(koffi, library),
  )
  const bound: Partial<Native>[] = []
  for (const binder of binders) {
    try {
      bound.push(binder())
    } catch {
      // this library has no such function
    }
  }
  return Object.assign({}, NATIVE_FALLBACKS, ...bound) as Native
}

type Result = (returned: number) => string | undefined
type Binders = (() => Partial<Native>)[]

function timeCalls(library: Library, result: Result): Binders {
  // some FUSE file systems ignore a change of mtime without one of atime, and report success
  const times = new BigInt64Array([0n, UTIME_NOW, 0n, 0n])
  const timesOf = (mtimeNs: bigint): BigInt64Array => {
    const nanoseconds = ((mtimeNs % SECOND) + SECOND) % SECOND
    times[2] = (mtimeNs - nanoseconds) / SECOND
    times[3] = nanoseconds
    return times
  }
  return [
    () => {
      const futimens = library.func("int futimens(int fd, const void *times)")
      return { setTimes: (descriptor, mtimeNs) => result(futimens(descriptor, timesOf(mtimeNs))) }
    },
    () => {
      const utimensat = library.func(
        "int utimensat(int folder, const void *path, const void *times, int flags)",
      )
      return { setTimesAt: (path, mtimeNs) => result(utimensat(AT_FDCWD, cPath(path), timesOf(mtimeNs), 0)) }
    },
  ]
}

function folderCalls(library: Library, result: Result, koffi: Koffi): Binders {
  return [
    () => {
      // a descriptor opened by one must be closed by the other
      const openat = library.func("int openat(int folder, const void *path, int flags, uint32_t mode)")
      const close = library.func("int close(int fd)")
      return {
        openAt(folder, name, flags, mode) {
          const descriptor = openat(folder, cPath(name), flags | O_CLOEXEC, mode)
          return descriptor >= 0 ? descriptor : errorName(koffi.errno())
        },
        close: (descriptor) => result(close(descriptor)),
      }
    },
    () => {
      const mkdirat = library.func("int mkdirat(int folder, const void *path, uint32_t mode)")
      return { makeFolderAt: (folder, name, mode) => result(mkdirat(folder, cPath(name), mode)) }
    },
    () => {
      const renameat = library.func("int renameat(int a, const void *from, int b, const void *to)")
      return { renameAt: (folder, from, to) => result(renameat(folder, cPath(from), folder, cPath(to))) }
    },
    () => {
      const renameat2 = library.func(
        "int renameat2(int a, const void *from, int b, const void *to, unsigned int flags)",
      )
      return {
        renameNew: (from, to) =>
          result(renameat2(AT_FDCWD, cPath(from), AT_FDCWD, cPath(to), RENAME_NOREPLACE)),
      }
    },
  ]
}

function nodeCalls(library: Library, result: Result): Binders {
  return [
    () => {
      const mknod = library.func("int mknod(const void *path, uint32_t mode, uint64_t device)")
      return { makeNode: (path, mode, device) => result(mknod(cPath(path), mode, device)) }
    },
    () => {
      const fadvise = library.func("int posix_fadvise(int fd, int64_t offset, int64_t length, int advice)")
      return {
        readAhead: (descriptor, offset, lengthBytes) =>
          void fadvise(descriptor, offset, lengthBytes, POSIX_FADV_WILLNEED),
      }
    },
    () => {
      const syncfs = library.func("int syncfs(int fd)")
      return {
        syncFileSystem: (descriptor) =>
          new Promise((resolve) => {
            const done: Callback = (error, returned) =>
              resolve(error === null && returned === 0 ? undefined : "EIO")
            syncfs.async(descriptor, done)
          }),
      }
    },
    () => {
      const setxattr = library.func(
        "int setxattr(const void *path, const void *name, const void *value, size_t size, int flags)",
      )
      return {
        setAttribute: (path, { name, value }) =>
          result(setxattr(cPath(path), cPath(name), value, value.length, 0)),
      }
    },
    () => {
      const removexattr = library.func("int removexattr(const void *path, const void *name)")
      return { removeAttribute: (path, name) => result(removexattr(cPath(path), cPath(name))) }
    },
  ]
}

/** Calls of glibc only, and the lock. Bound at first use, which is rare. */
function rareCalls(library: Library, result: Result): Binders {
  return [
    () => ({
      lockFolder(descriptor) {
        try {
          return result(library.func("int flock(int fd, int operation)")(descriptor, LOCK_EX | LOCK_NB))
        } catch {
          return "ENOSYS"
        }
      },
    }),
    () => ({
      giveBackFrom(bytes) {
        try {
          const mallopt = library.func("int mallopt(int option, int value)")
          // smaller memory is kept: otherwise every block would be new memory
          return mallopt(M_MMAP_THRESHOLD, bytes) === 1 && mallopt(M_TRIM_THRESHOLD, 4 * bytes) === 1
        } catch {
          return false // not glibc
        }
      },
      giveBackFreed() {
        try {
          library.func("int malloc_trim(size_t pad)")(0)
        } catch {
          // not glibc
        }
      },
    }),
  ]
}
