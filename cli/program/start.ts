/**
 * One run of the program, from its words to its exit code: finds the verb, parses, loads only that verb's code,
 * runs it, and reports a failure in one line. Stack traces need HOLDFAST_DEBUG.
 */
import { showText } from "../../engine/base/show.ts"
import type { Store } from "../../engine/index.ts"
import type { Call, Command } from "../verbs/call.ts"
import {
  EXIT,
  exitCodeOf,
  messageOf,
  messageOfCode,
  UsageError,
  type ExitCode,
} from "../output/exit-codes.ts"
import { groupHelp, overview, showHelp, verbHelp } from "../verbs/help-text.ts"
import { createOutput, type Output, writeAll } from "../output/output.ts"
import { checkArguments, parse } from "../verbs/parse.ts"
import { splitVerb } from "../verbs/split-verb.ts"
import { isTerminal, question } from "../output/terminal.ts"
import { checkTypedPaths } from "../verbs/typed-paths.ts"
import { refuseUnusable } from "../verbs/unusable-flags.ts"
import type { Verb } from "../verbs/verb.ts"

/** The build puts all in one file; a verb's code runs only when it is called. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  init: async () => (await import("../commands/init.ts")).init,
  connect: async () => (await import("../commands/connect.ts")).connect,
  backup: async () => (await import("../commands/backup.ts")).backup,
  estimate: async () => (await import("../commands/estimate.ts")).estimate,
  restore: async () => (await import("../commands/restore.ts")).restore,
  snapshots: async () => (await import("../commands/snapshots.ts")).snapshots,
  ls: async () => (await import("../commands/ls.ts")).ls,
  find: async () => (await import("../commands/find.ts")).find,
  log: async () => (await import("../commands/log.ts")).log,
  diff: async () => (await import("../commands/diff.ts")).diff,
  dump: async () => (await import("../commands/dump.ts")).dump,
  copy: async () => (await import("../commands/copy.ts")).copy,
  check: async () => (await import("../commands/check.ts")).check,
  stats: async () => (await import("../commands/stats.ts")).stats,
  "key list": async () => (await import("../commands/key.ts")).keyList,
  "key add": async () => (await import("../commands/key.ts")).keyAdd,
  "key remove": async () => (await import("../commands/key.ts")).keyRemove,
  "key passwd": async () => (await import("../commands/key.ts")).keyPasswd,
  "device list": async () => (await import("../commands/device.ts")).deviceList,
  cache: async () => (await import("../commands/cache.ts")).cache,
  status: async () => (await import("../commands/status.ts")).status,
  "agent init": async () => (await import("../commands/agent/init.ts")).agentInit,
  "agent import": async () => (await import("../commands/agent/import.ts")).agentImport,
  "agent trust": async () => (await import("../commands/agent/trust.ts")).agentTrust,
  "agent remove": async () => (await import("../commands/agent/remove.ts")).agentRemove,
  "agent doctor": async () => (await import("../commands/agent/doctor.ts")).agentDoctor,
  doctor: async () => (await import("../commands/doctor.ts")).doctor,
  mcp: async () => (await import("../commands/mcp.ts")).mcp,
  "agent plugin": async () => (await import("../commands/agent/plugin.ts")).agentPlugin,
  completion: async () => (await import("../commands/completion.ts")).completion,
  "agent restore": async () => (await import("../commands/agent/restore.ts")).agentRestore,
  "agent sync": async () => (await import("../commands/agent/sync.ts")).agentSync,
  "agent status": async () => (await import("../commands/agent/status.ts")).agentStatus,
  "agent run": async () => (await import("../commands/agent/run.ts")).agentRun,
  "agent pause": async () => (await import("../commands/agent/pause.ts")).agentPause,
  "agent resume": async () => (await import("../commands/agent/pause.ts")).agentResume,
  "agent accept": async () => (await import("../commands/agent/accept.ts")).agentAccept,
  "schedule install": async () => (await import("../commands/schedule.ts")).scheduleInstall,
  "schedule status": async () => (await import("../commands/schedule.ts")).scheduleStatusOf,
  "schedule remove": async () => (await import("../commands/schedule.ts")).scheduleRemove,
  version: async () => (await import("../commands/version.ts")).version,
  help: async () => (await import("../commands/help.ts")).help,
}

export async function start(words: readonly string[], umask: number): Promise<never> {
  const code = words[0] === COMPLETE ? await printCompletions(words.slice(1)) : await run(words, umask)
  // A worker thread or a socket that is still closing must not delay the exit.
  process.exit(code)
}

/** Called by the completion scripts alone. */
const COMPLETE = "__complete"

async function printCompletions(words: readonly string[]): Promise<ExitCode> {
  const { complete } = await import("../commands/complete.ts")
  const lines = await complete(words, process.env)
  writeAll(1, `${lines.join("\n")}\n`)
  return EXIT.done
}

/** @param umask the one that the program was started with */
export async function run(words: readonly string[], umask: number): Promise<ExitCode> {
  const environment = process.env
  let output = outputFor(words, environment)
  let verb: string | undefined
  process.once("SIGINT", () => interrupted(output, verb))
  process.once("uncaughtException", (error) => process.exit(tell(error, output, environment)))
  const stores: Store[] = []
  let code: ExitCode
  try {
    const split = splitVerb(words)
    verb = split.verb?.name
    if (split.verb === undefined) {
      if (output.json && !split.wantsHelp) throw new UsageError("no verb. `holdfast help` lists all verbs")
      showHelp(output, split.group === undefined ? overview() : groupHelp(split.group))
      code = split.wantsHelp ? EXIT.done : EXIT.usage
    } else {
      const parsed = parse(split.verb, split.rest)
      output = outputFor(words, environment, parsed.options)
      code = await runVerb({ ...parsed, output, environment, umask, stores })
      await tellRequests(output, stores)
      // a person has read the problems; a script gets a last line, unless its one object says what failed
      if (code !== EXIT.done && output.json && !output.hasStructured()) output.fail(code, messageOfCode(code))
    }
  } catch (error) {
    await tellRequests(output, stores)
    code = tell(error, output, environment)
  }
  output.flush()
  return code
}

/** Loaded only with the engine, which `help` and a mistyped flag don't need. */
async function tellRequests(output: Output, stores: Store[]): Promise<void> {
  if (stores.length > 0) (await import("../commands/asked.ts")).tellAsked({ output, stores })
}

async function runVerb(call: Call): Promise<ExitCode> {
  if (call.options.flag("help")) {
    showHelp(call.output, verbHelp(call.verb))
    return EXIT.done
  }
  checkArguments(call)
  checkTypedPaths(call)
  refuseUnusable(call)
  return await (
    await loadCommand(call.verb)
  )(call)
}

async function loadCommand(verb: Verb): Promise<Command> {
  const load = COMMANDS[verb.name]
  if (load === undefined) throw new Error(`bug: ${verb.name} has no code`)
  return await load()
}

function outputFor(
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
  options?: Call["options"],
): Output {
  // Before the words are parsed, the flag is looked for by hand: a usage error may have to be JSON.
  const has = (name: string): boolean => options?.flag(name) ?? words.includes(`--${name}`)
  return createOutput({
    json: has("json"),
    quiet: has("quiet"),
    verbose: has("verbose"),
    progress: !has("no-progress"),
    environment,
  })
}

function tell(error: unknown, output: Output, environment: NodeJS.ProcessEnv): ExitCode {
  const code = exitCodeOf(error)
  output.flush()
  if (environment["HOLDFAST_DEBUG"] && error instanceof Error) {
    const trace = `${error.stack ?? error.message}\n${causeOf(error)}`
    process.stderr.write(trace.split("\n").map(showText).join("\n"))
  }
  output.fail(code, messageOf(error))
  return code
}

function causeOf({ cause }: Error): string {
  return cause instanceof Error ? `caused by ${cause.stack ?? cause.message}\n` : ""
}

/** Their partial work is kept and used by the next run. */
const RESUMABLE = ["backup", "restore", "copy"]

function interrupted(output: Output, verb: string | undefined): never {
  output.flush()
  // The cursor may be after a progress bar or a question.
  if (isTerminal(2)) process.stderr.write("\r\x1b[2K")
  const resumes = verb !== undefined && RESUMABLE.includes(verb) && !question.isOpen
  output.fail(EXIT.interrupted, resumes ? "Interrupted. Run the command again to resume." : "Interrupted.")
  process.exit(EXIT.interrupted)
}
