/**
 * The environment of `afternoon.slow.test.ts`: a user's home, disks and buckets in a temporary folder, in which
 * commands run as in a shell. Only the table of substitutions differs from the documentation.
 */
import { spawn } from "node:child_process"
import { appendFileSync, cpSync, mkdirSync, rmSync, writeFileSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import { shellWord } from "../../engine/index.ts"
import { typedText, type Answer } from "./on-terminal.ts"

export const PASSPHRASE = "correct horse battery"

export interface Afternoon {
  readonly path: (...names: string[]) => string
  /** Runs a line of the documentation. `typed`: on a terminal, by what is asked. Throws unless it exits with 0. */
  readonly type: (line: string, typed?: readonly Answer[]) => Promise<string>
  /** Changes that a user makes between two backups. */
  readonly work: () => void
  /** Saves the current state, for `begin`. */
  readonly keep: () => void
  /** Restores the saved state. */
  readonly begin: () => void
  readonly environment: Record<string, string>
}

/** The terminal stops echoing a moment after the question appears. */
const TYPING_MS = 200
/** An unexpected question waits for ever. */
const LATE_MS = 60_000

export interface Bucket {
  readonly endpoint: string
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

export interface AfternoonPlace {
  readonly root: string
  /** The folder of the installed command. */
  readonly bin: string
  /** The buckets that the documentation names, each at a server of its own. */
  readonly buckets: Readonly<Record<"bucket" | "my-bucket" | "my-mirror", Bucket>>
}

export function openAfternoon({ root, bin, buckets }: AfternoonPlace): Afternoon {
  const world = join(root, "world")
  const path: Afternoon["path"] = (...names) => join(world, ...names)
  const { region, credentials } = buckets["bucket"]
  const { accessKeyId, secretAccessKey } = credentials
  makeHome(path, `${accessKeyId}:${secretAccessKey}`)

  /** Text of the documentation, and its replacement here. Everything else runs unchanged. */
  const substitutions: readonly (readonly [string, string])[] = [
    ["s3:https://s3.example.com/bucket", `s3:${buckets["bucket"].endpoint}/bucket`],
    ["s3:https://s3.example.org/my-mirror", `s3:${buckets["my-mirror"].endpoint}/my-mirror`],
    ["https://s3.example.com", buckets["my-bucket"].endpoint],
    ["/mnt/", `${path("mnt")}/`],
    ["/tmp/", `${path("tmp")}/`],
    ["%h/.local/bin/", ""],
    ["%h/", `${path("home")}/`],
  ]
  const environment: Record<string, string> = {
    HOME: path("home"),
    // the program is installed below the usual one, where no schedule may start it
    TMPDIR: path("tmp"),
    PATH: [path("programs"), bin, resolve("node_modules/.bin"), process.env["PATH"]].join(":"),
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_ENDPOINT_URL_S3: "",
  }
  let turn = 0
  return {
    path,
    environment,
    type: async (line, typed) => {
      const command = substituted(line, substitutions)
      const endpoint = command.includes("s3://bucket/")
        ? { AWS_ENDPOINT_URL_S3: buckets["bucket"].endpoint }
        : {}
      const how: Run = { typed, env: { ...environment, ...endpoint }, cwd: path("home") }
      const { code, output } = await run(
        command.includes("holdfast schedule") ? apart(command, path("spool")) : command,
        how,
      )
      if (code !== 0) throw new Error(`"${line}" exited with ${code}:\n${output}`)
      return output
    },
    work: () => appendFileSync(path("home/notes/plans/may.md"), `turn ${++turn}\n`),
    keep: () => cpSync(world, join(root, "kept"), { recursive: true, preserveTimestamps: true }),
    begin: () => {
      rmSync(world, { recursive: true })
      cpSync(join(root, "kept"), world, { recursive: true, preserveTimestamps: true })
    },
  }
}

/** In one pass: replacements are not replaced again. */
function substituted(line: string, table: readonly (readonly [string, string])[]): string {
  const here = new Map(table)
  const printed = table.map(([text]) => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")).join("|")
  return line.replace(new RegExp(printed, "g"), (text) => here.get(text) ?? text)
}

function makeHome(path: Afternoon["path"], credentials: string): void {
  const write = (name: string, text: string, mode = 0o644): void => {
    mkdirSync(dirname(path(name)), { recursive: true })
    writeFileSync(path(name), text, { mode })
  }
  write("home/notes/today.md", "today\n")
  write("home/notes/budget.md", "budget\n")
  write("home/notes/scratch.tmp", "scratch\n")
  write("home/notes/plans/may.md", "may\n")
  write("home/notes/notes/today.md", "today\n")
  write("home/photos/cat.jpg", "cat\n")
  write("home/.keys/holdfast", `${Buffer.alloc(32, 7).toString("base64")}\n`, 0o600)
  write("home/.config/holdfast/b2", `${credentials}\n`, 0o600)
  write("home/.config/fish/completions/.keep", "")
  write("home/second.txt", "second passphrase\n", 0o600)
  write("home/old.txt", `${PASSPHRASE}\n`, 0o600)
  write("home/new.txt", "another passphrase\n", 0o600)
  write("programs/pg_dump", "#!/bin/sh\necho 'create table t (id int);'\n", 0o755)
  for (const folder of ["mnt/disk", "tmp", "spool"]) mkdirSync(path(folder), { recursive: true })
}

/**
 * In a mount namespace with a spool of crontabs of its own, and without /run, where a running systemd shows itself:
 * this machine's schedules stay as they are.
 */
function apart(command: string, spool: string): string {
  const enter = process.geteuid?.() === 0 ? "--mount" : "--map-root-user --mount"
  const mounts = `mount --bind '${spool}' /var/spool/cron/crontabs && mount -t tmpfs none /run`
  return `unshare ${enter} bash -c ${shellWord(`${mounts} && ${command}`)}`
}

interface Run {
  readonly typed: readonly Answer[] | undefined
  readonly env: Record<string, string>
  readonly cwd: string
}

/** In bash; on a terminal if answers are typed. */
async function run(
  command: string,
  { typed, env, cwd }: Run,
): Promise<{ code: number | null; output: string }> {
  const words = typed === undefined ? ["bash", "-c", command] : ["script", "-qec", command, "--", "/dev/null"]
  const [program = "", ...rest] = words
  const child = spawn(program, rest, { cwd, env: { ...env, SHELL: "/bin/bash" }, stdio: "pipe" })
  const waiting = [...(typed ?? [])]
  let output = ""
  let asked = 0
  const hear = (bytes: Buffer): void => {
    output += bytes.toString()
    const [next] = waiting
    const at = next === undefined ? -1 : output.indexOf(next.question, asked)
    if (next === undefined || at < 0) return
    asked = at + next.question.length
    waiting.shift()
    setTimeout(() => child.stdin.write(`${typedText(next, output)}\n`), TYPING_MS)
  }
  child.stdout.on("data", hear)
  child.stderr.on("data", hear)
  if (typed === undefined) child.stdin.end()
  let isLate = false
  const late = setTimeout(() => {
    isLate = true
    child.kill()
  }, LATE_MS)
  const code = await new Promise<number | null>((done) => void child.once("close", done))
  clearTimeout(late)
  // `script` ends with 0 then
  return { code: isLate ? null : code, output }
}
