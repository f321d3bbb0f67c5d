/**
 * Runs a program for its output, which is a secret. Size and time are limited: a program that waits
 * for an absent person would block a backup forever.
 */
import { errnoText } from "../base/errno.ts"
import { spawn } from "node:child_process"

export const SECRET_BYTES_MAX: number = 64 * 1024
const TIMEOUT_MS = 120_000

export interface SecretPorts {
  /** For `env:` and for the programs; usually process.env. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly platform: NodeJS.Platform
}

export interface Program {
  readonly program: string
  readonly args?: readonly string[]
  /** The program is a line for the shell. */
  readonly shell?: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
  /** Shown on the terminal, or only checked for being non-empty. */
  readonly stderr: "inherit" | "pipe"
}

export interface Ended {
  /** Undefined if it could not be run or was killed. */
  readonly code: number | undefined
  readonly output: string
  readonly hasComplained: boolean
  /** For a message, after "the command". */
  readonly how: string
  /** The program doesn't exist. */
  readonly isMissing: boolean
}

export async function outputOf({
  program,
  args = [],
  shell = false,
  environment,
  stderr,
}: Program): Promise<Ended> {
  return await new Promise((resolve) => {
    const parts: Buffer[] = []
    let bytes = 0
    let hasComplained = false
    const child = spawn(program, args, { shell, env: { ...environment }, stdio: ["ignore", "pipe", stderr] })
    const end = (code: number | undefined, how: string, isMissing = false): void => {
      clearTimeout(timer)
      resolve({ code, output: Buffer.concat(parts).toString("utf8"), hasComplained, how, isMissing })
    }
    const give = (how: string): void => {
      child.kill()
      child.stdout?.destroy()
      end(undefined, how)
    }
    const timer = setTimeout(() => give(`timed out after ${TIMEOUT_MS / 1000} s`), TIMEOUT_MS)
    child.stdout?.on("data", (part: Buffer) => {
      bytes += part.length
      parts.push(part)
      if (bytes > SECRET_BYTES_MAX) give("printed too much for a secret")
    })
    child.stderr?.on("data", () => (hasComplained = true))
    child.once("error", ({ code }: NodeJS.ErrnoException) => {
      end(undefined, `could not run: ${errnoText(code)}`, code === "ENOENT")
    })
    child.once("close", (code, signal) =>
      end(code ?? undefined, code === null ? `was killed by ${signal}` : `exited with ${code}`),
    )
  })
}
