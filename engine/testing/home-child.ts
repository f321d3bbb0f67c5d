/**
 * A second process on a home, for tests that kill it: `node home-child.ts <what> <HOLDFAST_HOME>`.
 * It prints a line when it reaches the tested state, and then waits. Only tests start it.
 */
import { findHome, openRepositoryHome } from "../home/home.ts"
import { lockSeries } from "../home/series-lock.ts"
import { openStateDatabase } from "../home/state-database.ts"
import { openChunkIndex } from "../chunk-index/sqlite-index.ts"
import { examplePack } from "./example-packs.ts"
import { EXAMPLE_REPOSITORY } from "./temporary-home.ts"

const [what, folder] = process.argv.slice(2)
const home = openRepositoryHome(findHome({ HOLDFAST_HOME: folder }), EXAMPLE_REPOSITORY)

if (what === "hold-series") {
  lockSeries(home, "notes")
  process.stdout.write("held\n")
  setInterval(() => {}, 60_000)
}

/** Adds packs endlessly and prints a line after each. */
if (what === "add-packs") {
  const index = openChunkIndex(openStateDatabase(home).database)
  for (let i = 0; ; i++) {
    const { record, frames } = examplePack(`${i}`, [
      Array.from({ length: 2000 }, (_, chunk) => `${i}/${chunk}`),
    ])
    index.addPack(record, frames)
    process.stdout.write(`${i}\n`)
  }
}
