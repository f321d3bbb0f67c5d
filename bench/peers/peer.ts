/**
 * The interface of a backup program. A peer only returns commands and their environment; the harness runs and
 * measures them. The settings are the same everywhere: encrypted, zstd level 3 or the nearest, one local
 * repository, caches and state in the scratch folder, the program's own default flushing.
 */
import type { Command } from "../harness/measure.ts"

export interface Place {
  /** The repository's folder; its files are counted as stored. */
  readonly repository: string
  /** Home, caches and configuration of this peer in this run; never measured. */
  readonly state: string
  /** The folder that is backed up. */
  readonly source: string
}

export interface Peer {
  readonly name: string
  /** The program's file, or a message about what is missing. */
  locate(where: PeerSearch): Program | string
  /** Files that must be in the state folder before the first command. */
  prepare?(place: Place): void
  /** Commands that make the repository and set it up, in order. */
  init(program: Program, place: Place): Command[]
  backup(program: Program, place: Place, number: number): Command
  /** Restores the last snapshot so that `target` itself equals the source folder. */
  restore(program: Program, place: Place, restore: RestoreOrder): Command
  /** For a program that flushes restored files by default: the same without the flush, like all others. */
  restoreUnflushed?(program: Program, place: Place, restore: RestoreOrder): Command
  version(program: Program, state: string): Command
  /** Whether the source folder's own mode and time are restored too. */
  readonly restoresRoot: boolean
}

export interface Program {
  readonly file: string
  /** Arguments before the verb. */
  readonly leading: readonly string[]
}

export interface PeerSearch {
  /** Folders that are searched before PATH. */
  readonly folders: readonly string[]
  /** The folder of this project. */
  readonly project: string
}

export interface RestoreOrder {
  /** An empty folder. */
  readonly target: string
  /** The last backup: its number, as given to `backup`, and its standard output. */
  readonly number: number
  readonly printed: string
}
