/** A folder for tests of targets, with their common calls. Removed after each test. */
import assert from "node:assert/strict"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach } from "node:test"
import { isEngineError } from "../base/errors.ts"
import type { RawPath } from "../base/ids.ts"
import { fsPath } from "../base/paths.ts"
import { openDiskTarget } from "../target/disk-target.ts"
import { writeAt } from "../target/new-file.ts"
import { openNative } from "../system/native.ts"
import { isFailure, lstat, type Stat } from "../system/stat.ts"
import type { LeftOut, Metadata, Placing, Target, TargetOptions } from "../target/target.ts"

export const NEW: Placing = { replace: false }
export const OVER: Placing = { replace: true }
export const META: Metadata = {
  mode: 0o640,
  mtimeNs: 1_234_567_890_123_456_789n,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
  xattrs: [],
}

export const raw = (text: string): RawPath => text as RawPath

/** A predicate for assert.throws. */
export const code =
  (expected: string) =>
  (error: unknown): boolean =>
    isEngineError(error, expected)

export interface TargetFolder {
  /** The folder with the target, and with files beside it that must not change. */
  readonly base: string
  readonly root: string
  open(options?: TargetOptions): Target
  stat(path: string): Stat
  text(path: string): string
  names(path?: string): string[]
  assertTime(target: Target, path: string, expected: bigint): void
}

/** Call it at the top of a test file. It registers hooks, and its folder is a new one in each test. */
export function targetFolder(): TargetFolder {
  let base = ""
  const opened: Target[] = []
  /** Without native calls, times are placed to within 250 ns, since Node has nothing finer. */
  const exact = new WeakSet<Target>()
  beforeEach(() => {
    base = fs.mkdtempSync(join(tmpdir(), "holdfast-target-"))
  })
  afterEach(() => {
    for (const target of opened.splice(0)) target.close()
    fs.rmSync(base, { recursive: true, force: true })
  })
  const at = (path: string): string => `${base}/target/${path}`
  const stat = (path: string): Stat => {
    const found = lstat(at(path))
    assert.ok(!isFailure(found), `${path} is there`)
    return found
  }
  return {
    get base() {
      return base
    },
    get root() {
      return join(base, "target")
    },
    open: (options = {}) => {
      const target = openDiskTarget(join(base, "target"), { create: true, ...options })
      opened.push(target)
      if (options.native !== false && openNative() !== undefined) exact.add(target)
      return target
    },
    stat,
    text: (path) => fs.readFileSync(fsPath(at(path)), "latin1"),
    names: (path = "") => fs.readdirSync(fsPath(at(path)), "latin1").sort(),
    assertTime: (target, path, expected) => assertTime(exact.has(target), stat(path).mtimeNs, expected),
  }
}

function assertTime(isExact: boolean, found: bigint, expected: bigint): void {
  if (isExact) return assert.equal(found, expected)
  const off = Math.abs(Number(found - expected))
  // before 1970 Node has only milliseconds
  assert.ok(off < (expected < 0n ? 1_000_000 : 1000), `off by ${off} ns`)
}

export interface Put extends Partial<Metadata> {
  readonly placing?: Placing
}

/** Places a file of latin1 text. */
export function put(target: Target, path: string, content: string, put: Put = {}): readonly LeftOut[] {
  const file = target.beginFile(raw(path), content.length, false)
  writeAt(file, 0, Buffer.from(content, "latin1"))
  return target.finishFile(file, { ...META, ...put }, put.placing ?? NEW)
}
