/** The flags of `npm run bench`. */
import { parseArgs } from "node:util"
import { defaultCache } from "./places.ts"

export interface BenchOptions {
  readonly scenarios: readonly string[]
  readonly peers: readonly string[]
  readonly runs: number
  readonly quick: boolean
  readonly cold: boolean
  readonly check: boolean
  readonly json: string | undefined
  /** Judge or print this earlier result instead of running. */
  readonly from: string | undefined
  readonly cache: string
  readonly scratch: string | undefined
  readonly peerFolders: readonly string[]
  readonly help: boolean
}

export const usage = `usage: npm run bench -- [flags]
  --scenario NAME   only this scenario (again for more; "all" for every one)
  --peer NAME       only this peer (again for more)
  --runs N          repetitions, default 5
  --quick           one repetition and fewer states: under ten minutes
  --cold            drop the kernel's caches before every command (root, Linux)
  --json FILE       write all samples to FILE
  --from FILE       take an earlier --json file instead of running
  --check           compare with bench/targets.json; exit 1 when a held target is missed
  --cache FOLDER    data and programs, default \${XDG_CACHE_HOME:-~/.cache}/holdfast-bench
  --scratch FOLDER  sources and repositories while running, default CACHE/scratch
  --peer-bin FOLDER where to look for the peers' programs before CACHE/bin and PATH`

export function parseOptions(argv: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      scenario: { type: "string", multiple: true, default: [] },
      peer: { type: "string", multiple: true, default: [] },
      runs: { type: "string" },
      quick: { type: "boolean", default: false },
      cold: { type: "boolean", default: false },
      check: { type: "boolean", default: false },
      json: { type: "string" },
      from: { type: "string" },
      cache: { type: "string" },
      scratch: { type: "string" },
      "peer-bin": { type: "string", multiple: true, default: [] },
      help: { type: "boolean", default: false },
    },
  })
  const runs = Number(values.runs ?? (values.quick ? 1 : 5))
  if (!Number.isInteger(runs) || runs < 1)
    throw new Error(`--runs ${values.runs}: not a whole number above 0`)
  return {
    scenarios: values.scenario,
    peers: values.peer,
    runs,
    quick: values.quick,
    cold: values.cold,
    check: values.check,
    json: values.json,
    from: values.from,
    cache: values.cache ?? defaultCache(),
    scratch: values.scratch,
    peerFolders: values["peer-bin"],
    help: values.help,
  }
}
