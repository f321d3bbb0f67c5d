/**
 * What `afternoon.slow.test.ts` prepares for the commands of an agent, and what a user answers to their questions.
 */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import type { Afternoon } from "./afternoon.ts"
import type { Answer } from "./on-terminal.ts"

export interface Before {
  readonly prepare?: (place: Afternoon) => Promise<void> | void
  readonly typed?: readonly Answer[]
  /** The part of the example that depends on this repository. */
  readonly replace?: (place: Afternoon) => Promise<readonly [string, string]>
}

const RESTORE: Answer = { question: "Restore this? [y/N]", typed: "y" }
const PROTECT: Answer = { question: "Protect this workspace like this? [Y/n]", typed: "y" }
const WORDS: readonly Answer[] = [
  { question: "Word ", typed: askedWord },
  { question: "Word ", typed: askedWord },
]

/** Answers to what the commands of an agent ask, by their first words. */
const ASKED: readonly (readonly [string, readonly Answer[]])[] = [
  [
    "holdfast agent init",
    [
      { question: "Leave the auth profiles out? [y/N]", typed: "n" },
      { question: "Repository [", typed: "" },
      PROTECT,
      ...WORDS,
    ],
  ],
  ["holdfast schedule install", [{ question: "Install it? [y/N]", typed: "y" }]],
  ["holdfast agent trust", [{ question: "Approve this? [y/N]", typed: "y" }]],
  [
    "holdfast agent restore latest --workspace",
    [{ question: "Approve this configuration on this machine? [y/N]", typed: "y" }, RESTORE],
  ],
  ["holdfast agent restore", [RESTORE]],
]

/** On a new machine, which knows nothing yet. */
export function recoveryAnswer(words: string): Answer {
  return { question: "24 recovery words (on one line or several), or passphrase: ", typed: words }
}

export function agentAnswers(line: string): readonly Answer[] | undefined {
  return ASKED.find(([command]) => line.startsWith(command))?.[1]
}

/** The recovery words that were shown. */
export function wordsIn(screen: string): string[] {
  return [...screen.matchAll(/\d+\. ([a-z]+)/g)].map(([, word = ""]) => word)
}

/** What the last question asks for. */
function askedWord(screen: string): string {
  const number = [...screen.matchAll(/Word (\d+): /g)].at(-1)?.[1]
  return wordsIn(screen)[Number(number) - 1] ?? "none"
}

export const WORKSPACE = "home/.openclaw/workspace"
const CONFIG = `${WORKSPACE}/session-sync-config.json`

/** An OpenClaw workspace as its host has it. */
export function makeWorkspace({ path }: Afternoon, memory: string): void {
  mkdirSync(path(WORKSPACE, "memory"), { recursive: true })
  writeFileSync(path("home/.openclaw/openclaw.json"), "{}\n")
  writeFileSync(path(WORKSPACE, "MEMORY.md"), memory)
  writeFileSync(path(WORKSPACE, "memory/2026-11-01.md"), "a note\n")
}

/** The agent of the help's examples. */
export async function protectWorkspace(place: Afternoon): Promise<void> {
  makeWorkspace(place, "remember this\n".repeat(100))
  await place.type(
    "holdfast agent init --yes --workspace ~/.openclaw/workspace --recovery-words-file ~/agent-words.txt",
  )
  await place.type("holdfast agent sync")
}

/** As before `agent init`. */
async function unprotect({ type, path }: Afternoon): Promise<void> {
  await type("holdfast agent remove --yes")
  rmSync(path(CONFIG))
  rmSync(path("home/agent-words.txt"))
}

function writeKeys({ path, environment }: Afternoon): void {
  const { AWS_ACCESS_KEY_ID: id = "", AWS_SECRET_ACCESS_KEY: secret = "" } = environment
  writeFileSync(path("home/keys"), `${id}:${secret}\n`, { mode: 0o600 })
}

/** A configuration with secrets typed into it. */
async function literalSecrets(place: Afternoon): Promise<void> {
  const { path } = place
  await unprotect(place)
  const key = Buffer.alloc(32, 7).toString("base64")
  const config = { provider: "local", repository: path("home/other-backups"), encryption_key: key }
  writeFileSync(path(CONFIG), JSON.stringify(config))
}

/** Stands in for GNOME Keyring, which needs a session: keeps the entries in files. */
function keychain({ path }: Afternoon): void {
  const script = `#!/bin/sh
entries=${path("home")}
for name; do :; done
case $1 in
store) cat > "$entries/keychain-$name" ;;
lookup) cat "$entries/keychain-$name" ;;
esac
`
  writeFileSync(path("programs/secret-tool"), script)
  chmodSync(path("programs/secret-tool"), 0o755)
}

async function flagged({ type, path }: Afternoon): Promise<readonly [string, string]> {
  rmSync(path(WORKSPACE, "MEMORY.md"))
  await type("holdfast agent sync")
  const status = await type("holdfast agent status --json || true") // it exits with 1: degraded
  const { recent } = JSON.parse(status) as { recent: { snapshot: string; flag: string | null }[] }
  return ["3f2a91c4", recent.find(({ flag }) => flag === "suspected-wipe")?.snapshot.slice(0, 8) ?? ""]
}

async function otherMachine(place: Afternoon): Promise<void> {
  const { type, path, environment } = place
  await unprotect(place)
  writeKeys(place)
  await type(
    "holdfast agent init --yes -r s3://bucket/agents --credentials file:keys --recovery-words-file ~/agent-words.txt --endpoint $AWS_ENDPOINT_URL_S3 # s3://bucket/",
  )
  await type("holdfast agent sync")
  for (const name of [".local", ".cache", ".openclaw"]) rmSync(path("home", name), { recursive: true })
  makeWorkspace(place, "a template\n")
  environment["HOLDFAST_RECOVERY_WORDS_FILE"] = path("home/agent-words.txt")
}

/** Preparations for an example of the help; the others run with the agent as it is. */
export const BEFORE_AGENT: Readonly<Record<string, Before>> = {
  // it is protected already
  "holdfast agent init --workspace ~/.openclaw/workspace": { typed: [PROTECT] },
  "holdfast agent init --yes -r s3://bucket/nero --region eu-west-1 --credentials file:keys": {
    prepare: async (place) => {
      await unprotect(place)
      writeKeys(place)
    },
    // where the test's server says that its bucket is
    replace: async ({ environment }) => ["eu-west-1", environment["AWS_REGION"] ?? ""],
  },
  "holdfast agent import --workspace ~/.openclaw/workspace": {
    prepare: literalSecrets,
    typed: [PROTECT, ...WORDS],
  },
  "holdfast agent import --keychain": {
    prepare: async (place) => {
      await literalSecrets(place)
      keychain(place)
    },
    typed: [PROTECT, ...WORDS],
  },
  "holdfast agent remove --workspace ~/.openclaw/workspace": {
    typed: [{ question: "End the protection? [y/N]", typed: "y" }],
  },
  // ends as by a service manager
  "holdfast agent run": {
    replace: async () => ["holdfast", "timeout --preserve-status --signal=TERM 3 holdfast"],
  },
  "holdfast agent resume --workspace ~/.claude": {
    prepare: async ({ path, type }) => {
      mkdirSync(path("home/.claude"))
      await type("holdfast agent init --yes --workspace ~/.claude")
    },
  },
  "holdfast agent accept 3f2a91c4": { replace: flagged },
  "holdfast agent accept 3f2a91c4 --json": { replace: flagged },
  "holdfast agent restore undo": {
    prepare: async ({ path, type }) => {
      writeFileSync(path(WORKSPACE, "MEMORY.md"), "something else\n".repeat(100))
      await type("holdfast agent restore latest --yes")
    },
  },
  "holdfast agent restore latest --workspace ~/.openclaw/workspace -r s3://bucket/agents": {
    prepare: otherMachine,
  },
  "holdfast mcp --print-config codex >> ~/.codex/config.toml": {
    prepare: ({ path }) => {
      mkdirSync(path("home/.codex"))
    },
  },
}
