/**
 * A scenario is data: the corpus, and the work after its last state. The harness backs up every state with every
 * peer and names the samples by the state's label.
 */
import type { Corpus } from "../corpora/corpus.ts"

export interface Scenario {
  readonly name: string
  readonly title: string
  readonly corpus: Corpus
  /** One more backup after the last state, without changes. */
  readonly noChange: boolean
  readonly restore: boolean
  /** Part of a run without --scenario. The others are long, and run only by name. */
  readonly standard: boolean
  /** At most so many repetitions; the month is run once. */
  readonly runsMax: number
  /** With --quick only so many states. */
  readonly quickStates: number
}
