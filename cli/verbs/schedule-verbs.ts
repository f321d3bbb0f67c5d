/** The verbs that let the system's own scheduler back up an agent. */
import { DRY_RUN, WORKSPACE, YES } from "./flags.ts"
import type { Flag, Verb } from "./verb.ts"

const WITH: Flag = {
  name: "with",
  value: "SCHEDULER",
  choices: ["systemd", "cron", "launchd", "task-scheduler"],
  text: "what starts it (default: what this system has)",
}

export const SCHEDULE_VERBS: readonly Verb[] = [
  {
    name: "schedule install",
    summary: "back up an agent's workspace by itself",
    details: [
      "Installs a systemd user service, a launchd agent (macOS) or a task (Windows) that runs `holdfast agent run`, or a cron line that runs `holdfast agent sync --quiet` every interval. What is written is shown first.",
      "The name is different for each workspace, so several agents can be scheduled on one machine. The text has no secret, and the service has no variable of your shell: credentials must be references to a file or to the keychain.",
      "With --dry-run the text of any system is printed, for other ways to install it.",
    ],
    arguments: [],
    flags: [WORKSPACE, WITH, DRY_RUN, YES],
    examples: [
      { line: "holdfast schedule install", does: "install what this system has; asks first" },
      { line: "holdfast schedule install --with cron --yes", does: "add a line to your crontab" },
      {
        line: "holdfast schedule install --with systemd --dry-run",
        does: "print the unit and the commands; change nothing",
      },
    ],
  },
  {
    name: "schedule status",
    summary: "show how an agent's backups are scheduled",
    details: [
      "Shows whether a service or a cron line is installed, enabled and running, and when the agent was last backed up. Reads only local data.",
    ],
    arguments: [],
    flags: [WORKSPACE],
    examples: [
      { line: "holdfast schedule status", does: "show the agent of this folder" },
      { line: "holdfast schedule status --json", does: "print one JSON object" },
    ],
  },
  {
    name: "schedule remove",
    summary: "stop backing up an agent's workspace by itself",
    details: [
      "Removes what `holdfast schedule install` has written, and nothing else. If somebody has edited it, the difference is shown first. Backups and configuration stay.",
    ],
    arguments: [],
    flags: [WORKSPACE, WITH, DRY_RUN, YES],
    examples: [
      { line: "holdfast schedule remove", does: "remove everything that is installed; asks first" },
      { line: "holdfast schedule remove --with cron --yes", does: "remove only the cron line" },
    ],
  },
]
