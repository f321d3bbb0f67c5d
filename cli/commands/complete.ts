/**
 * `holdfast __complete WORDS…`, for the completion scripts; help does not list it. It prints "files" or "words",
 * then one candidate per line, a tab and a description. It never asks for a secret, prints no error, changes
 * nothing and ends within two seconds.
 */
import { openHome, openRepository, snapshots, type Snapshot } from "../../engine/index.ts"
import type { Call } from "../verbs/call.ts"
import { completionOf, type Ask, type Candidate, type Completion } from "../verbs/complete.ts"
import { locationOf, storeAt } from "./connection.ts"
import { showTime } from "../output/format.ts"
import { createOutput } from "../output/output.ts"
import { parse } from "../verbs/parse.ts"

const PATIENCE_MS = 2000
const SNAPSHOTS_MAX = 100

export async function complete(
  typed: readonly string[],
  environment: NodeJS.ProcessEnv,
): Promise<readonly string[]> {
  const words = typed.length === 0 ? [""] : typed
  const current = words.at(-1) ?? ""
  const completion = completionOf(words)
  const asked = completion.ask === undefined ? [] : await askInTime(completion, environment)
  const candidates = [...completion.candidates, ...asked].map(({ word, text }) => ({
    word: completion.prefix + word,
    text,
  }))
  const fitting = candidates.filter(({ word }) => word.startsWith(current))
  return [completion.files ? "files" : "words", ...fitting.map(line)]
}

/** A name with a control character could be two lines. */
function line({ word, text }: Candidate): string {
  return [word, text].map((each) => each.replaceAll(/\p{Cc}/gu, "?")).join("\t")
}

async function askInTime(completion: Completion, environment: NodeJS.ProcessEnv): Promise<Candidate[]> {
  const late = new Promise<Candidate[]>((resolve) => setTimeout(resolve, PATIENCE_MS, []))
  return await Promise.race([late, ask(completion, environment).catch(() => [])])
}

async function ask(
  { ask: what, verb, rest }: Completion,
  environment: NodeJS.ProcessEnv,
): Promise<Candidate[]> {
  if (verb === undefined || what === undefined) return []
  const silent = createOutput({ json: false, quiet: true, verbose: false, progress: false, environment })
  const output = { ...silent, warn: () => {} }
  const call: Call = { ...parse(verb, rest), output, environment, umask: 0o077, stores: [] }
  const credentials = call.options.text("credentials") ?? environment["HOLDFAST_CREDENTIALS"] ?? ""
  // the command may ask the user
  if (credentials.startsWith("command:")) return []
  const home = openHome({ environment })
  const location = locationOf(call, home)
  if (location === undefined) return []
  const store = await storeAt(call, location)
  const repository = await openRepository({ store, home, secret: async () => undefined })
  try {
    return candidatesFrom(what, await snapshots(repository))
  } finally {
    repository.close()
  }
}

function candidatesFrom(what: Ask, all: readonly Snapshot[]): Candidate[] {
  if (what === "snapshots") {
    const newest = all.toReversed().slice(0, SNAPSHOTS_MAX)
    return [
      ...(all.length > 0 ? [{ word: "latest", text: "the newest snapshot" }] : []),
      ...newest.map(({ shortId, timeNs, series, host }) => ({
        word: shortId,
        text: `${showTime(timeNs)} ${series} ${host}`,
      })),
    ]
  }
  const values = all.flatMap(({ series, host, tags }) =>
    what === "series" ? [series] : what === "host" ? [host] : tags,
  )
  return [...new Set(values)].toSorted().map((word) => ({ word, text: "" }))
}
