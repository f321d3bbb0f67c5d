/** The scenarios: first the five of the published table, then those that run only by name. */
import { agentDay, agentMonth } from "../corpora/agent-day.ts"
import type { Corpus } from "../corpora/corpus.ts"
import { shiftedEdits, sparseFile } from "../corpora/edited-files.ts"
import { largeFiles } from "../corpora/large-files.ts"
import { manyBytes, manyFiles } from "../corpora/scale.ts"
import { smallFiles } from "../corpora/small-files.ts"
import { sourceTrees } from "../corpora/source-trees.ts"
import { sqliteUpdates } from "../corpora/sqlite-updates.ts"
import { jsonEdited, versions } from "../corpora/versions.ts"
import type { Scenario } from "./scenario.ts"

type Choices = Partial<Omit<Scenario, "name" | "corpus">>

function scenario(corpus: Corpus, title: string, choices: Choices = {}): Scenario {
  return {
    name: corpus.name,
    title,
    corpus,
    noChange: false,
    restore: true,
    standard: false,
    runsMax: Infinity,
    quickStates: Infinity,
    ...choices,
  }
}

const files: Choices = { noChange: true, standard: true }
const scale: Choices = { noChange: true }
const largeScale: Choices = { ...scale, runsMax: 1 }

export const scenarios: readonly Scenario[] = [
  scenario(sourceTrees, "Source trees", files),
  scenario(smallFiles, "Small files", files),
  scenario(largeFiles, "Large files", files),
  scenario(versions, "Ten versions of a package", { standard: true }),
  scenario(agentDay, "A day of an agent", { standard: true, quickStates: 24 }),
  scenario(agentMonth, "A month of an agent", { runsMax: 1 }),
  scenario(jsonEdited, "One big edited JSON file"),
  scenario(shiftedEdits, "Shifted edits"),
  scenario(sqliteUpdates, "SQLite with changed rows"),
  scenario(sparseFile, "Sparse file", { noChange: true }),
  scenario(manyFiles(10_000), "10^4 files", scale),
  scenario(manyFiles(100_000), "10^5 files", scale),
  scenario(manyFiles(1_000_000), "10^6 files", largeScale),
  scenario(manyBytes(1), "1 GB", scale),
  scenario(manyBytes(20), "20 GB", largeScale),
]
