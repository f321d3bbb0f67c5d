/** A temporary home for a test, removed when the test ends. */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import type { TestContext } from "node:test"
import type { RepositoryId } from "../base/ids.ts"
import { findHome, type Home, openRepositoryHome, type RepositoryHome } from "../home/home.ts"

export const EXAMPLE_REPOSITORY: RepositoryId = "0123456789abcdef0123456789abcdef" as RepositoryId

/** For callers without a test context: call `remove` at the end. */
export function temporaryFolderHome(): { root: Home; home: RepositoryHome; remove: () => void } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "holdfast-home-"))
  const root = findHome({ HOLDFAST_HOME: folder })
  const remove = (): void => fs.rmSync(folder, { recursive: true, force: true })
  return { root, home: openRepositoryHome(root, EXAMPLE_REPOSITORY), remove }
}

export function temporaryHome(t: TestContext): Home {
  const { root, remove } = temporaryFolderHome()
  t.after(remove)
  return root
}

export function temporaryRepositoryHome(t: TestContext): RepositoryHome {
  return openRepositoryHome(temporaryHome(t), EXAMPLE_REPOSITORY)
}
