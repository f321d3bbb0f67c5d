/** Asks real shells for completions, with the installed script and the built program. Tests only. */
import { spawnSync } from "node:child_process"
import { chmodSync, mkdirSync, writeFileSync } from "node:fs"
import { resolve } from "node:path"
import type { Sandbox } from "./run-cli.ts"

export type Shell = "bash" | "zsh" | "fish"

/** The completions of the shell for a typed line, sorted. */
export type Completer = (line: string) => string[]

/** Installs `holdfast` in the sandbox's folder of programs, and returns the completer of a shell there. */
export function completer(box: Sandbox, shell: Shell): Completer {
  const bin = box.path("bin")
  mkdirSync(bin, { recursive: true })
  const program = box.path("bin", "holdfast")
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${resolve("dist/cli/main.js")}' "$@"\n`)
  chmodSync(program, 0o755)
  const script = box.path(`completion.${shell}`)
  writeFileSync(script, box.must("completion", shell).out)
  return (line) => {
    const { stdout, stderr, status } = spawnSync(shell, ASK[shell](script, line), {
      cwd: box.folder,
      encoding: "utf8",
      timeout: 60_000,
      env: {
        PATH: `${bin}:${process.env["PATH"] ?? ""}`,
        HOME: box.folder,
        TERM: "dumb",
        HOLDFAST_HOME: box.path("home"),
      },
    })
    if (status !== 0) throw new Error(`${shell} ended with ${status}: ${stderr}`)
    if (stderr !== "") throw new Error(`${shell}: ${stderr}`)
    const lines = stdout.split("\n").filter((each) => each !== "")
    return lines.map((each) => each.split("\t")[0] ?? "").toSorted()
  }
}

/** readline's part is played by the words that bash itself splits the line into. */
function askBash(script: string, line: string): string[] {
  return [
    "--norc",
    "-c",
    `source "$1"
     COMP_LINE="$2"; COMP_POINT=\${#2}; COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
     IFS=' ' read -r -a COMP_WORDS <<<"$(sed -E 's/([:=])/ \\1 /g' <<<"$2")"
     [[ "$2" == *[' :='] ]] && COMP_WORDS+=("")
     COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
     _holdfast
     printf '%s\\n' "\${COMPREPLY[@]}"`,
    "bash",
    script,
    line,
  ]
}

/** An interactive zsh without any start-up file in a terminal of zsh's own; Ctrl-D lists the completions. */
function askZsh(script: string, line: string): string[] {
  return [
    "-f",
    "-c",
    `zmodload zsh/zpty
     zpty shell "TERM=dumb PS1='READY>' zsh -f -i"
     zpty -w shell "source '$1'; unsetopt zle_bracketed_paste 2>/dev/null; LISTMAX=9999; zstyle ':completion:*' list-prompt ''"
     zpty -w shell "compadd() { if [[ \\"\\$*\\" == *'-O '* || \\"\\$*\\" == *'-A '* || \\"\\$*\\" == *'-D '* ]]; then builtin compadd \\"\\$@\\"; else local -a hits; builtin compadd -O hits \\"\\$@\\"; print -rl -- \\$hits >>'$1.out'; builtin compadd \\"\\$@\\"; fi }; print LOADED"
     zpty -r shell seen $'*LOADED\\r\\n*'
     : >"$1.out"
     zpty -w -n shell "$2"$'\\t'
     sleep 3
     zpty -d shell
     cat "$1.out"`,
    "zsh",
    script,
    line,
  ]
}

function askFish(script: string, line: string): string[] {
  return ["--no-config", "-c", `source $argv[1]; complete -C $argv[2]`, script, line]
}

const ASK: Readonly<Record<Shell, (script: string, line: string) => string[]>> = {
  bash: askBash,
  zsh: askZsh,
  fish: askFish,
}
