/**
 * What a corpus is: data that is built once into the cache folder, and a list of states that one source
 * folder goes through while every peer backs up each of them. The same recipe, revision and seed give the
 * same bytes everywhere; times of files are given too, because peers decide by them what to read.
 */
export interface Corpus {
  readonly name: string
  /** One line for the table: what the data is. */
  readonly about: string
  /** Counted up whenever the recipe changes, so that an old cache is not taken for the new data. */
  readonly revision: number
  /** A label a state ("first", "later", "run", "idle"): samples of one label are taken together. */
  readonly states: readonly string[]
  /** Writes everything that the states need. Called once; the folder is kept and never written again. */
  build(folder: string, context: BuildContext): Promise<void>
  /**
   * Brings the source folder from state `index - 1` to `index`; 0 starts in an empty folder. Absent when
   * the built folder is itself the only state; then it is read in place.
   */
  enter?(index: number, place: { source: string; built: string }): Promise<void>
}

export interface BuildContext {
  /** The folder where downloaded packages are kept. */
  readonly packages: string
  report(line: string): void
}
