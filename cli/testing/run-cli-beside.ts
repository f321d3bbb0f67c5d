/**
 * Runs the built command line together with a server in the test's own process: `run-cli.ts` would block that
 * server while it waits. Tests only.
 */
import { spawn, type ChildProcessByStdio } from "node:child_process"
import { join, resolve } from "node:path"
import type { Readable } from "node:stream"
import { outcomeOf, type Outcome, type Sandbox } from "./run-cli.ts"

const PROGRAM = resolve("dist/cli/main.js")

export interface Beside {
  /** The process, for a test that stops or kills it. */
  readonly start: (words: readonly string[], home?: string) => ChildProcessByStdio<null, Readable, Readable>
  /** With the sandbox's home and key and these variables; `home` names another one. */
  readonly run: (words: readonly string[], home?: string) => Promise<Outcome>
  /** Like `run`, and fails unless the exit code is 0. */
  readonly must: (words: readonly string[], home?: string) => Promise<Outcome>
}

interface S3Server {
  readonly region: string
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
}

/** The variables by which every AWS tool finds the server's credentials. */
export function environmentOf({ region, credentials }: S3Server): Record<string, string> {
  return {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_REGION: region,
  }
}

export function besides(box: Sandbox, environment: Readonly<Record<string, string>>): Beside {
  const start: Beside["start"] = (words, home = "home") =>
    spawn(process.execPath, [PROGRAM, ...words], {
      cwd: box.folder,
      env: {
        PATH: process.env["PATH"] ?? "",
        HOME: join(box.folder, "user"),
        HOLDFAST_HOME: join(box.folder, home),
        HOLDFAST_KEY_FILE: box.keyFile,
        ...environment,
      },
      stdio: ["ignore", "pipe", "pipe"],
    })
  const run: Beside["run"] = async (words, home) => {
    const child = start(words, home)
    const [out, err, code] = await Promise.all([
      textOf(child.stdout),
      textOf(child.stderr),
      new Promise<number | null>((done) => void child.once("close", done)),
    ])
    return outcomeOf(code, out, err)
  }
  return {
    start,
    run,
    async must(words, home) {
      const outcome = await run(words, home)
      if (outcome.code !== 0) throw new Error(`${words.join(" ")} ended with ${outcome.code}: ${outcome.err}`)
      return outcome
    },
  }
}

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts).toString("utf8")
}
