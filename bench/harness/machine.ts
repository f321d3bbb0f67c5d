/** The context of every number: the machine, the date, the commit. */
import { execFileSync } from "node:child_process"
import { cpus, loadavg, release, totalmem, type as systemType } from "node:os"
import type { Machine } from "./sample.ts"

export function describeMachine(project: string): Machine {
  const processors = cpus()
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: commitOf(project),
    cpu: processors[0]?.model ?? "unknown processor",
    cores: processors.length,
    memoryBytes: totalmem(),
    kernel: `${systemType()} ${release()}`,
    node: process.versions.node,
    loadBefore: loadavg()[0] ?? 0,
  }
}

function commitOf(project: string): string {
  try {
    const git = (args: readonly string[]): string =>
      execFileSync("git", args, {
        cwd: project,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      }).trim()
    const dirty = git(["status", "--porcelain"]) !== ""
    return git(["rev-parse", "--short", "HEAD"]) + (dirty ? " with changes" : "")
  } catch {
    return "none"
  }
}
