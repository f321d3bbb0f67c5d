/**
 * One LIST of the log, and what follows from it: nothing that was seen may be missing (rule R1), and
 * what is new is fetched, verified and taken into the local index. spec/log.md.
 */
import type { Repository } from "./repository-ports.ts"
import type { View } from "./view.ts"

/** One LIST, and one GET for each entry that this home has not seen. */
export async function look(_repository: Repository): Promise<View> {
  throw new Error("being written")
}

/**
 * The look that a writing run starts with: it first settles what a killed run had signed, and takes
 * a new device id when this home was cloned or restored (rule W6).
 */
export async function lookToWrite(_repository: Repository): Promise<View> {
  throw new Error("being written")
}

/** The same answers from the home alone, as of the last look. No request. */
export function localView(_repository: Repository): View {
  throw new Error("being written")
}
