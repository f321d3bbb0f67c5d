/**
 * A corpus: data that is built once into the cache folder, and a list of states of one source folder, each backed
 * up by every peer. The same recipe, revision and seed give the same bytes everywhere. File times are fixed too,
 * because peers use them to decide what to read.
 */
export interface Corpus {
  readonly name: string
  /** A description of the data, one line for the table. */
  readonly about: string
  /** Increased whenever the recipe changes, so that an old cache is not mistaken for the new data. */
  readonly revision: number
  /** A label a state ("first", "later", "run", "idle"): samples of one label are taken together. */
  readonly states: readonly string[]
  /** Writes everything that the states need. Called once; the folder is kept and never written again. */
  build(folder: string, context: BuildContext): Promise<void>
  /**
   * Changes the source folder from state `index - 1` to `index`; 0 starts in an empty folder. Absent if the built
   * folder is the only state; then it is read in place.
   */
  enter?(index: number, place: { source: string; built: string }): Promise<void>
}

export interface BuildContext {
  /** The folder where downloaded packages are kept. */
  readonly packages: string
  report(line: string): void
}
