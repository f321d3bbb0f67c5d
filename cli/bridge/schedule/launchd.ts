/**
 * The launchd agent of macOS: its property list, and how `launchctl` loads it. Only the text is tested; nothing here
 * has run on macOS yet.
 */
import { homedir, userInfo } from "node:os"
import { join } from "node:path"
import { type Job, wordsOf } from "./job.ts"
import { type Machine, mustRun, readText, removeText, type Service, writeText } from "./service.ts"
import { xmlText } from "./xml.ts"

/** launchd.plist(5) */
export function launchdPlist(job: Job): string {
  const strings = [job.program.node, ...wordsOf(job, "service")].map(
    (word) => `    <string>${xmlText(word)}</string>`,
  )
  const places = Object.entries(job.environment).flatMap(([name, value]) => [
    `    <key>${name}</key>`,
    `    <string>${xmlText(value)}</string>`,
  ])
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">',
    "<!-- Written by `holdfast schedule install`. `holdfast schedule remove` removes it. -->",
    '<plist version="1.0">',
    "<dict>",
    "  <key>Label</key>",
    `  <string>${job.name}</string>`,
    "  <key>ProgramArguments</key>",
    "  <array>",
    ...strings,
    "  </array>",
    ...(places.length === 0 ? [] : ["  <key>EnvironmentVariables</key>", "  <dict>", ...places, "  </dict>"]),
    "  <key>RunAtLoad</key>",
    "  <true/>",
    "  <key>KeepAlive</key>",
    "  <dict>",
    "    <key>SuccessfulExit</key>",
    "    <false/>",
    "  </dict>",
    "  <key>ThrottleInterval</key>",
    "  <integer>60</integer>",
    "  <key>ProcessType</key>",
    "  <string>Background</string>",
    "  <key>Nice</key>",
    "  <integer>10</integer>",
    "  <key>LowPriorityIO</key>",
    "  <true/>",
    "</dict>",
    "</plist>",
    "",
  ].join("\n")
}

export function launchdService(job: Job, machine: Machine): Service {
  const folder = join(machine.environment["HOME"] || homedir(), "Library", "LaunchAgents")
  const path = join(folder, `${job.name}.plist`)
  const domain = `gui/${userInfo().uid}`
  const label = `${domain}/${job.name}`
  const text = launchdPlist(job)
  const start = ["launchctl", "bootstrap", domain, path]
  const stop = ["launchctl", "bootout", label]
  const isLoaded = async (): Promise<boolean> => (await machine.run(["launchctl", "print", label])).code === 0
  return {
    with: "launchd",
    where: path,
    text,
    start: [start],
    stop: [stop],
    warnings: [],
    check: async () => undefined,
    found: async () => readText(path),
    async write() {
      writeText(path, text)
      // a loaded one keeps its old text
      if (await isLoaded()) await mustRun(machine, stop)
      await mustRun(machine, start)
    },
    async remove() {
      if (await isLoaded()) await mustRun(machine, stop)
      removeText(path)
    },
    async state() {
      const { code, out } = await machine.run(["launchctl", "print", label])
      return { enabled: code === 0, running: /^\s*state = running$/m.test(out.toString("utf8")) }
    },
  }
}
