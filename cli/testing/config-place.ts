/** A workspace, a home and a configuration file of a test, all real and removed at its end. Tests only. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TestContext } from "node:test"
import { approve, proposeApproval } from "../bridge/config/approve.ts"
import { CONFIG_NAME } from "../bridge/config/config.ts"
import { isNotReady, openSetup } from "../bridge/config/open-setup.ts"
import type { NotReady, Setup } from "../bridge/setup.ts"

export interface ConfigPlace {
  /** The user's home; holdfast's is `home` in it. */
  readonly folder: string
  readonly workspace: string
  readonly configPath: string
  readonly environment: Readonly<Record<string, string>>
  readonly write: (config: string | object) => void
  /** As a person does with `agent trust`. */
  readonly approve: () => Promise<void>
  readonly open: (from?: { workspace?: string; cwd?: string }) => Promise<Setup | NotReady>
  /** Fails if it is not ready. */
  readonly ready: () => Promise<Setup>
}

export function configPlace(
  context: TestContext,
  variables: Readonly<Record<string, string>> = {},
): ConfigPlace {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "holdfast-config-")))
  context.after(() => rmSync(folder, { recursive: true, force: true }))
  const workspace = join(folder, "workspace")
  const configPath = join(workspace, CONFIG_NAME)
  mkdirSync(workspace)
  const environment = { HOME: folder, HOLDFAST_HOME: join(folder, "home"), ...variables }
  const open: ConfigPlace["open"] = async ({ workspace: named, cwd = workspace } = {}) =>
    await openSetup({ workspace: named, cwd, environment })
  return {
    folder,
    workspace,
    configPath,
    environment,
    write: (config) =>
      writeFileSync(configPath, typeof config === "string" ? config : JSON.stringify(config)),
    approve: async () => approve(await proposeApproval({ workspace, environment })),
    open,
    async ready() {
      const found = await open()
      if (isNotReady(found)) throw new Error(`${found.state}: ${found.problem.message}`)
      return found
    },
  }
}
