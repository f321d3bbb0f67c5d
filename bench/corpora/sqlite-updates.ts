/** A database of 200 MB in which rows change: one and five in a hundred, some added, then VACUUM. */
import { copyFileSync } from "node:fs"
import { join } from "node:path"
import type { Corpus } from "./corpus.ts"
import { changeDatabase, createDatabase, vacuumDatabase, type RowMaker } from "./database.ts"
import { seededRandom } from "./random.ts"
import { textMaker } from "./text.ts"

export const sqliteUpdates: Corpus = sqliteOf("sqlite-updates", 200_000_000)

export function sqliteOf(name: string, length: number): Corpus {
  const rows = Math.ceil(length / 1_640)
  return {
    name,
    about: `a SQLite database of ${length / 1e6} MB: 1 % of rows changed, 5 %, rows added, VACUUM`,
    revision: 1,
    states: ["first", "later", "later", "later", "vacuum"],
    async build(folder) {
      createDatabase(join(folder, "data.sqlite"), length, rowMaker(name))
    },
    async enter(index, { source, built }) {
      const path = join(source, "data.sqlite")
      const maker = rowMaker(`${name} ${index}`)
      if (index === 0) copyFileSync(join(built, "data.sqlite"), path)
      if (index === 1) changeDatabase(path, { updated: Math.ceil(rows / 100), added: 0, recent: 0 }, maker)
      if (index === 2) changeDatabase(path, { updated: Math.ceil(rows / 20), added: 0, recent: 0 }, maker)
      if (index === 3) changeDatabase(path, { updated: 0, added: Math.ceil(rows / 50), recent: 0 }, maker)
      if (index === 4) vacuumDatabase(path)
    },
  }
}

function rowMaker(seed: string): RowMaker {
  const random = seededRandom(seed)
  return { random, text: textMaker(random) }
}
