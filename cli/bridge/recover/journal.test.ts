import assert from "node:assert/strict"
import * as fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { test, type TestContext } from "node:test"
import { differences, pictureOf, showDifferences, type Picture } from "../../../fixtures/picture.ts"
import { openSwapPlace, type RawPath, type SwapPlace } from "../../../engine/index.ts"
import {
  finish,
  JOURNAL_PORTS,
  settleHeld,
  writeJournal,
  type Journal,
  type JournalPorts,
} from "./journal.ts"
import { identityAt } from "./last.ts"
import { saveMetadata, type FolderOp, type Op } from "./swap.ts"
import { isUnsettled, journalFile, notesFile } from "./unsettled.ts"

const raw = (path: string): RawPath => path as RawPath

interface Place {
  readonly root: string
  readonly stateFolder: string
  readonly journal: Journal
  readonly before: Picture
  readonly after: Picture
}

const STAGING = ".holdfast-restore-0011223344556677"

/** A workspace and a journal that replaces, creates, removes, and exchanges a file and a folder. */
function place(t: TestContext): Place {
  const folder = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), "holdfast-journal-")))
  t.after(() => {
    for (const each of [folder, ...foldersIn(folder)]) fs.chmodSync(each, 0o700)
    fs.rmSync(folder, { recursive: true, force: true })
  })
  const [root, stateFolder, wanted] = ["root", "state", "wanted"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  fs.mkdirSync(stateFolder, { mode: 0o700 })
  write(root, {
    "same.md": "same",
    "old.md": "old",
    "gone.md": "gone",
    "closed/in.md": "old in closed",
    "was-file": "a file",
    "was-folder/x.md": "x",
    "extra.md": "extra",
  })
  write(wanted, {
    "same.md": "same",
    "old.md": "new",
    "made/deep/er.md": "made",
    "closed/in.md": "new in closed",
    "was-file/y.md": "y",
    "was-folder": "a file now",
    "extra.md": "extra",
  })
  fs.symlinkSync("old.md", join(wanted, "link"))
  for (const each of [root, wanted]) {
    for (const at of foldersIn(each))
      fs.utimesSync(at, 1_600_000_000, each === root ? 1_600_000_000.25 : 1_700_000_000.5)
    if (each === wanted) fs.lutimesSync(join(each, "link"), 1_650_000_000, 1_650_000_000)
    for (const name of ["same.md", "extra.md"]) fs.utimesSync(join(each, name), 1_650_000_000, 1_650_000_000)
    fs.chmodSync(join(each, "closed"), 0o555)
    fs.utimesSync(each, 1_600_000_001, 1_600_000_001)
  }
  const [before, after] = [pictureOf(root), pictureOf(wanted)]
  const put = ["old.md", "made/deep/er.md", "closed/in.md", "was-file/y.md", "was-folder", "link"]
  const swap = openSwapPlace(root)
  const other = openSwapPlace(wanted)
  swap.ensureFolder(raw(STAGING))
  for (const path of put) stage(root, wanted, path)
  const ops = [
    ...["was-file", "was-folder/x.md"].map((path) => removal(swap, path, true)),
    ...put.map((path): Op => ({
      path: raw(path),
      staged: identityAt(swap, raw(`${STAGING}/new/${path}`)) ?? null,
      old: old(swap, path),
    })),
    removal(swap, "gone.md", false),
  ]
  const folders = ["", "closed", "made", "made/deep", "was-file", "was-folder"].map((path): FolderOp => {
    const isThere = fs.statSync(join(root, path), { throwIfNoEntry: false })?.isDirectory() === true
    const isLeft = path === "was-folder"
    const metadata = isLeft ? null : saveMetadata(other.folderMetadata(raw(path)))
    return {
      path: raw(path),
      does: isThere ? "keep" : "create",
      before: isThere ? saveBefore(swap, path, before) : null,
      after: metadata,
    }
  })
  swap.close()
  other.close()
  const journal: Journal = {
    v: 1,
    id: "0011223344556677",
    phase: "forward",
    parts: [{ name: "workspace", root: raw(root), staging: raw(STAGING), ops, folders }],
    last: { v: 1, time: "", snapshot: "", undo: null, paths: null, parts: [] },
  }
  writeJournal(stateFolder, journal)
  return { root, stateFolder, journal, before, after }
}

function old(swap: SwapPlace, path: string): Op["old"] {
  try {
    return identityAt(swap, raw(path)) ?? null
  } catch {
    return null // below a file that gives way to a folder
  }
}

function removal(swap: SwapPlace, path: string, isFirst: boolean): Op {
  return { path: raw(path), staged: null, old: old(swap, path), ...(isFirst ? { isFirst } : {}) }
}

/** The staging folder has changed the root's time already. */
function saveBefore(swap: SwapPlace, path: string, before: Picture): FolderOp["before"] {
  const metadata = saveMetadata(swap.folderMetadata(raw(path)))
  return { ...metadata, mtimeNs: /mtime (\d+)/.exec(before.get(path) ?? "")?.[1] ?? metadata.mtimeNs }
}

function stage(root: string, wanted: string, path: string): void {
  const to = join(root, STAGING, "new", path)
  fs.mkdirSync(join(to, ".."), { recursive: true })
  fs.cpSync(join(wanted, path), to, { preserveTimestamps: true, verbatimSymlinks: true })
  fs.lutimesSync(to, 1_650_000_000, 1_650_000_000)
}

function write(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    fs.mkdirSync(join(root, path, ".."), { recursive: true })
    fs.writeFileSync(join(root, path), text)
    fs.utimesSync(join(root, path), 1_650_000_000, 1_650_000_000)
  }
}

function foldersIn(root: string): string[] {
  const all = fs.readdirSync(root, { recursive: true, withFileTypes: true })
  return all.filter((each) => each.isDirectory()).map((each) => join(each.parentPath, each.name))
}

class Dead extends Error {}

/** Dies before step number `at`, and does nothing more. */
function dying(at: number): { ports: JournalPorts; steps: () => number } {
  let steps = 0
  const step = (): void => {
    if (++steps > at) throw new Dead()
  }
  const openPlace = (root: RawPath): SwapPlace => {
    step()
    const inner = openSwapPlace(root)
    const each = <Name extends keyof SwapPlace>(name: Name): [Name, SwapPlace[Name]] => {
      const call = inner[name] as (...given: unknown[]) => unknown
      return [
        name,
        ((...given: unknown[]) => {
          if (name !== "close") step()
          return call(...given)
        }) as SwapPlace[Name],
      ]
    }
    return Object.fromEntries((Object.keys(inner) as (keyof SwapPlace)[]).map(each)) as unknown as SwapPlace
  }
  return { ports: { openPlace, step }, steps: () => steps }
}

async function until(at: number, run: (ports: JournalPorts) => Promise<unknown>): Promise<boolean> {
  const { ports, steps } = dying(at)
  try {
    await run(ports)
    return true
  } catch (error) {
    assert.ok(steps() > at, `failed by itself: ${String(error)}`)
    return false
  }
}

function assertEqual(root: string, expected: Picture, what: string): void {
  const differing = differences(expected, pictureOf(root))
  if (differing.length > 0) assert.fail(`${what}: ${showDifferences(differing)}`)
}

test("a restore that is killed before any step is finished by the next settle", async (t) => {
  for (let at = 0; ; at++) {
    const { root, stateFolder, journal, after } = place(t)
    const isDone = await until(at, (ports) => finish(stateFolder, journal, ports))
    const settled = await settleHeld({ stateFolder })
    assert.equal(settled === undefined, isDone)
    assertEqual(root, after, `killed at ${at}`)
    assert.equal(isUnsettled({ stateFolder }), false)
    if (isDone) {
      assert.ok(at > 50, `only ${at} steps`)
      return
    }
  }
})

test("a settle that is killed too is finished by the next one", async (t) => {
  for (let at = 1; at < 200; at += 7) {
    const { root, stateFolder, journal, after } = place(t)
    await until(at, (ports) => finish(stateFolder, journal, ports))
    for (let more = 3; !(await until(more, (ports) => settleHeld({ stateFolder }, ports))); more += 11);
    assertEqual(root, after, `killed at ${at}`)
  }
})

test("a restore whose staged files are gone is taken back, killed at any step", async (t) => {
  for (let at = 0; at < 160; at += 7) {
    const { root, stateFolder, journal, before } = place(t)
    const isDone = await until(at, (ports) => finish(stateFolder, journal, ports))
    const isPlaced = fs.lstatSync(join(root, "link"), { throwIfNoEntry: false }) !== undefined
    if (isDone || isPlaced) continue
    fs.rmSync(join(root, STAGING, "new", "link"))
    await until(at, (ports) => settleHeld({ stateFolder }, ports))
    const settled = await settleHeld({ stateFolder })
    assert.ok(settled === undefined || settled.outcome === "rolled-back")
    assertEqual(root, before, `killed at ${at}`)
    assert.equal(isUnsettled({ stateFolder }), false)
  }
})

test("a restore that was killed while staging is taken back", async (t) => {
  const { root, stateFolder, journal, before } = place(t)
  writeJournal(stateFolder, { ...journal, phase: "staging" })
  for (let at = 0; !(await until(at, (ports) => settleHeld({ stateFolder }, ports))); at++);
  assertEqual(root, before, "after staging")
})

test("a settle that can't keep its notes is settled, and a damaged journal says where the earlier files are", async (t) => {
  const { root, stateFolder, journal, before } = place(t)
  writeJournal(stateFolder, { ...journal, phase: "staging" })
  fs.mkdirSync(notesFile(stateFolder))
  const settled = await settleHeld({ stateFolder })
  assert.equal(settled?.outcome, "rolled-back")
  assertEqual(root, before, "without notes")
  fs.writeFileSync(journalFile(stateFolder), "{ torn")
  await assert.rejects(settleHeld({ stateFolder }), { code: "unfinished-restore", hint: /holdfast-restore-/ })
})

test("a file that somebody writes while a restore is unfinished is kept", async (t) => {
  for (let at = 30; at < 60; at += 4) {
    const { root, stateFolder, journal, after } = place(t)
    await until(at, (ports) => finish(stateFolder, journal, ports))
    const isPlaced = fs.readFileSync(join(root, "old.md"), "utf8") === "new"
    if (isPlaced) continue
    fs.writeFileSync(join(root, "old.md.tmp"), "by the agent")
    fs.renameSync(join(root, "old.md.tmp"), join(root, "old.md"))
    const settled = await settleHeld({ stateFolder })
    assert.deepEqual(
      settled?.warnings.map(({ code }) => code),
      ["kept-files"],
    )
    assertEqual(root, after, `killed at ${at}`)
    const kept = fs.readdirSync(join(stateFolder, "restore/kept"), { recursive: true, withFileTypes: true })
    const texts = kept
      .filter((each) => each.isFile())
      .map((each) => fs.readFileSync(join(each.parentPath, each.name), "utf8"))
    assert.ok(texts.includes("by the agent"), texts.join(", "))
  }
})

test("a folder that became a link is refused, and its target is not touched", async (t) => {
  const { root, stateFolder, journal, before } = place(t)
  const outside = join(root, "../outside")
  fs.mkdirSync(outside)
  fs.writeFileSync(join(outside, "in.md"), "outside")
  fs.chmodSync(join(root, "closed"), 0o755)
  fs.renameSync(join(root, "closed"), join(root, "../closed"))
  fs.symlinkSync(outside, join(root, "closed"))
  await assert.rejects(finish(stateFolder, journal, JOURNAL_PORTS))
  assert.equal(fs.readFileSync(join(outside, "in.md"), "utf8"), "outside")
  assert.equal(isUnsettled({ stateFolder }), false)
  fs.rmSync(join(root, "closed"))
  fs.renameSync(join(root, "../closed"), join(root, "closed"))
  fs.chmodSync(join(root, "closed"), 0o555)
  fs.utimesSync(root, 1_600_000_001, 1_600_000_001)
  assertEqual(root, before, "after the refusal")
})
