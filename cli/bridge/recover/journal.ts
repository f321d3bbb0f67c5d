/**
 * Makes a restore in place whole or as before. The journal in the state folder names every file that changes. Until it
 * says "forward", nothing of the workspace has changed and a settle only removes the staging folder. From then on a
 * settle finishes the restore, or goes back if staged files are gone. Every agent command settles first, and no
 * snapshot is made in between. The caller holds the lock of runs. spec/agent.md.
 */
import { cpSync, existsSync, readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import {
  isFileLocked,
  makePrivateFolder,
  openSwapPlace,
  readPrivateFile,
  showPath,
  takeFileLock,
  writePrivateFile,
  type RawPath,
  type SwapPlace,
} from "../../../engine/index.ts"
import { AgentProblem } from "../problem.ts"
import type { Warning } from "../results.ts"
import { runLockOf } from "../run/queue.ts"
import type { Setup } from "../setup.ts"
import { writeLast, type LastRestore } from "./last.ts"
import { isUnsettled, journalFile, notesFile, restoreFolder } from "./unsettled.ts"
import { lateFolder, loadMetadata, lostFiles, swapBack, swapForward, type SwapPart } from "./swap.ts"

export interface Journal {
  readonly v: 1
  readonly id: string
  /** staging: nothing has changed yet. */
  readonly phase: "staging" | "forward" | "back"
  readonly parts: readonly SwapPart[]
  /** What an undo will need. */
  readonly last: LastRestore
}

/** What a settle found; undefined if there was nothing to settle. */
export interface Settled {
  readonly outcome: "finished" | "rolled-back"
  readonly warnings: readonly Warning[]
}

export interface JournalPorts {
  readonly openPlace: (root: RawPath) => SwapPlace
  /** Called before each durable step that is not a `SwapPlace`'s; a test dies in it. */
  readonly step: () => void
}

export const JOURNAL_PORTS: JournalPorts = { openPlace: openSwapPlace, step: () => {} }

export function writeJournal(stateFolder: string, journal: Journal): void {
  makePrivateFolder(restoreFolder(stateFolder))
  writePrivateFile(journalFile(stateFolder), JSON.stringify(journal))
}

function readJournal(stateFolder: string): Journal | undefined {
  const text = readPrivateFile(journalFile(stateFolder))
  if (text === undefined) return undefined
  const value = parsedJournal(stateFolder, text)
  if (value.v === 1) return value
  throw new AgentProblem(
    "unfinished-restore",
    `${journalFile(stateFolder)} was written by a newer version`,
    "finish the restore with that version of holdfast",
  )
}

function parsedJournal(stateFolder: string, text: string): Journal {
  try {
    return JSON.parse(text) as Journal
  } catch {
    throw new AgentProblem(
      "unfinished-restore",
      `${journalFile(stateFolder)}, the journal of an unfinished restore, is damaged`,
      "the earlier files are in the folder .holdfast-restore-… of the workspace, in old/. Copy what you need, then remove that folder and the journal",
    )
  }
}

/** The restore is settled by now: a full disk must not say otherwise. */
function keepNotes(stateFolder: string, warnings: readonly Warning[]): void {
  try {
    writePrivateFile(notesFile(stateFolder), JSON.stringify({ atMs: Date.now(), warnings }))
  } catch {
    // this caller has them
  }
}

export function dropJournal(stateFolder: string): void {
  rmSync(journalFile(stateFolder), { force: true })
}

/**
 * For every agent command: settles what a killed restore left. Does nothing while a restore or a run of another
 * process holds the lock, which settles itself.
 */
export async function settleRestore(
  setup: Pick<Setup, "stateFolder">,
  ports: JournalPorts = JOURNAL_PORTS,
): Promise<Settled | undefined> {
  if (!isUnsettled(setup)) return undefined
  const file = runLockOf(setup.stateFolder)
  const lock = isFileLocked(file) ? undefined : takeFileLock(file, 0)
  if (lock === undefined) return undefined
  try {
    return await settleHeld(setup, ports)
  } finally {
    lock.release()
  }
}

/**
 * The same for a caller that holds the lock of runs.
 * @throws AgentProblem "unfinished-restore" if neither direction is possible now; nothing is lost by trying again
 */
export async function settleHeld(
  { stateFolder }: Pick<Setup, "stateFolder">,
  ports: JournalPorts = JOURNAL_PORTS,
): Promise<Settled | undefined> {
  const journal = readJournal(stateFolder)
  if (journal === undefined) return undefined
  try {
    const settled = await settleJournal(stateFolder, journal, ports)
    const notes = settled.warnings.length > 0 ? settled.warnings : [PLAIN_NOTES[settled.outcome]]
    keepNotes(stateFolder, notes)
    return { ...settled, warnings: notes }
  } catch (error) {
    if (error instanceof AgentProblem) throw error
    const what = error instanceof Error ? error.message : String(error)
    throw new AgentProblem(
      "unfinished-restore",
      `a restore was interrupted and can't be finished or taken back yet: ${what}`,
      `remove the cause, then run any holdfast agent command again. Until then the earlier files are in ${stagingNames(journal)}`,
    )
  }
}

async function settleJournal(stateFolder: string, journal: Journal, ports: JournalPorts): Promise<Settled> {
  if (journal.phase === "forward") return await finish(stateFolder, journal, ports)
  if (journal.phase === "back") return await rollBack(stateFolder, journal, ports)
  removeStaging(journal, ports)
  ports.step()
  dropJournal(stateFolder)
  return { outcome: "rolled-back", warnings: [] }
}

const PLAIN_NOTES: Readonly<Record<Settled["outcome"], Warning>> = {
  finished: { code: "restore-finished", message: "an interrupted restore was finished" },
  "rolled-back": {
    code: "restore-rolled-back",
    message: "an interrupted restore was taken back; the workspace is as before",
    hint: "run the restore again",
  },
}

function stagingNames({ parts }: Journal): string {
  return parts.map(({ root, staging }) => showPath(`${root}/${staging}`)).join(", ")
}

/** Goes forward; goes back if a staged file is gone or a name can't be exchanged. */
export async function finish(
  stateFolder: string,
  journal: Journal,
  ports: JournalPorts = JOURNAL_PORTS,
): Promise<Settled> {
  const lost = eachPlace(journal, ports, lostFiles).flat()
  if (lost.length > 0) {
    const [first = "" as RawPath] = lost
    const warning: Warning = {
      code: "restore-rolled-back",
      message: `an interrupted restore could not be finished: ${lost.length} of its files, the first of them ${showPath(first)}, are gone from ${stagingNames(journal)}. The workspace is as before`,
      hint: "run the restore again",
    }
    const back = await rollBack(stateFolder, journal, ports)
    return { ...back, warnings: [warning, ...back.warnings] }
  }
  const places = openPlaces(journal, ports)
  try {
    for (const { place, part } of places) swapForward(place, part)
    for (const { place } of places) await place.flush()
  } catch (error) {
    closePlaces(places)
    await rollBack(stateFolder, journal, ports)
    throw refusal(error)
  }
  closePlaces(places)
  ports.step()
  writeLast(stateFolder, journal.last)
  const warnings = end(stateFolder, journal, ports)
  return { outcome: "finished", warnings }
}

function refusal(error: unknown): Error {
  const message = error instanceof Error ? error.message : String(error)
  return new AgentProblem(
    "restore-failed",
    `${message}. The workspace is as before`,
    "remove the cause, then restore again, or use mode staged",
  )
}

async function rollBack(stateFolder: string, journal: Journal, ports: JournalPorts): Promise<Settled> {
  ports.step()
  if (journal.phase !== "back") writeJournal(stateFolder, { ...journal, phase: "back" })
  const places = openPlaces(journal, ports)
  let gone: RawPath[]
  try {
    gone = places.flatMap(({ place, part }) => swapBack(place, part))
    for (const { place } of places) await place.flush()
  } finally {
    closePlaces(places)
  }
  const warnings = [...lostOld(gone, journal), ...end(stateFolder, { ...journal, phase: "back" }, ports)]
  return { outcome: "rolled-back", warnings }
}

function lostOld(gone: readonly RawPath[], { last, parts }: Journal): Warning[] {
  const [first] = gone
  if (first === undefined) return []
  const where = parts.map(({ root, staging }) => showPath(`${root}/${staging}`)).join(", ")
  return [
    {
      code: "earlier-files-gone",
      message: `the earlier content of ${gone.length} files, the first of them ${showPath(first)}, is gone from ${where}. They have the restored content now`,
      hint:
        last.undo === null
          ? "the workspace was empty before the restore"
          : `the snapshot before the restore has them: holdfast agent restore ${last.undo.timestamp}`,
    },
  ]
}

interface Opened {
  readonly place: SwapPlace
  readonly part: SwapPart
}

function openPlaces({ parts }: Journal, { openPlace }: JournalPorts): Opened[] {
  const opened: Opened[] = []
  try {
    for (const part of parts) opened.push({ part, place: openPlace(part.root) })
    return opened
  } catch (error) {
    closePlaces(opened)
    throw error
  }
}

function closePlaces(places: readonly Opened[]): void {
  for (const { place } of places) place.close()
}

function eachPlace<T>(
  journal: Journal,
  ports: JournalPorts,
  run: (place: SwapPlace, part: SwapPart) => T,
): T[] {
  const places = openPlaces(journal, ports)
  try {
    return places.map(({ place, part }) => run(place, part))
  } finally {
    closePlaces(places)
  }
}

/** Keeps what somebody wrote during the restore, removes the staging folders, then the journal. */
function end(stateFolder: string, journal: Journal, ports: JournalPorts): Warning[] {
  ports.step()
  const warnings = journal.parts.flatMap((part) => keepLate(stateFolder, journal, part))
  removeStaging(journal, ports)
  ports.step()
  dropJournal(stateFolder)
  return warnings
}

function keepLate(stateFolder: string, { id }: Journal, part: SwapPart): Warning[] {
  const late = join(textOf(part.root), textOf(lateFolder(part)))
  if (!existsSync(late) || readdirSync(late).length === 0) return []
  const kept = join(restoreFolder(stateFolder), "kept", `${id}-${part.name}`)
  makePrivateFolder(kept)
  cpSync(late, kept, { recursive: true, verbatimSymlinks: true, preserveTimestamps: true })
  return [
    {
      code: "kept-files",
      message: `replaced files that are in no snapshot, or were written during the restore, are kept in ${kept}`,
      hint: "compare them with the restored ones, then remove that folder",
    },
  ]
}

function textOf(path: string): string {
  return Buffer.from(path, "latin1").toString("utf8")
}

/** Removes the staging folders. A root's own time is part of what was restored, or of what was before. */
export function removeStaging({ parts, phase }: Journal, { openPlace }: JournalPorts = JOURNAL_PORTS): void {
  for (const { root, staging, folders } of parts) {
    if (!existsSync(textOf(root))) continue
    const place = openPlace(root)
    try {
      const own = folders.find(({ path }) => path === "")
      const metadata = phase === "forward" ? own?.after : own?.before
      if (place.look(staging) !== undefined) {
        place.unlockFolder("" as RawPath)
        place.removeTree(staging)
      }
      if (metadata !== undefined && metadata !== null)
        place.finishFolder("" as RawPath, loadMetadata(metadata))
    } finally {
      place.close()
    }
  }
}
