/** Completion scripts for bash, zsh and fish, made from the table of verbs. */
import { FIRST_WORDS, flagsOf, secondWords, VERBS } from "./verbs/table.ts"
import type { Flag, Verb } from "./verbs/verb.ts"

export const SHELLS: readonly string[] = ["bash", "zsh", "fish"]

export function completionScript(shell: string): string | undefined {
  if (shell === "bash") return bashScript()
  // zsh reads bash's completions once it is told to.
  if (shell === "zsh") return `autoload -U +X bashcompinit && bashcompinit\n${bashScript()}`
  if (shell === "fish") return fishScript()
  return undefined
}

function bashScript(): string {
  const cases = VERBS.map((verb) => {
    const flags = flagsOf(verb).map(({ name }) => `--${name}`)
    return `    "${verb.name}") words="${flags.join(" ")}" ;;`
  })
  const groups = FIRST_WORDS.filter((word) => secondWords(word).length > 0)
  const seconds = groups.map((word) => `    ${word}) words="${secondWords(word).join(" ")}" ;;`)
  const choices = distinct(VERBS.flatMap(({ flags }) => flags.filter(hasChoices)))
  const values = choices.map(({ name, choices: all = [] }) => `    --${name}) words="${all.join(" ")}" ;;`)
  return `_holdfast() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" verb="\${COMP_WORDS[1]}" words=""
  case "$verb" in ${groups.join("|")}) [ "$COMP_CWORD" -gt 2 ] && verb="$verb \${COMP_WORDS[2]}" ;; esac
  if [ "$COMP_CWORD" -eq 1 ] || [ "$COMP_CWORD-$verb" = "2-help" ]; then words="${FIRST_WORDS.join(" ")}"
  elif [ "$COMP_CWORD-$verb" = "2-completion" ]; then words="${SHELLS.join(" ")}"
  elif [[ "$word" == -* ]]; then
    case "$verb" in
${cases.join("\n")}
    esac
  else
    case "$before" in
${values.join("\n")}
    *) [ "$COMP_CWORD" -eq 2 ] && case "$verb" in
${seconds.join("\n")}
    esac ;;
    esac
  fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -o default -o bashdefault -F _holdfast holdfast`
}

function hasChoices({ choices }: Flag): boolean {
  return choices !== undefined
}

function distinct(flags: readonly Flag[]): Flag[] {
  return [...new Map(flags.map((flag) => [flag.name, flag])).values()]
}

function fishScript(): string {
  const lines = ["complete -c holdfast -f -n __fish_use_subcommand"]
  for (const word of FIRST_WORDS) {
    const { summary } = VERBS.find(({ name }) => name.split(" ")[0] === word) ?? { summary: "" }
    lines.push(`complete -c holdfast -n __fish_use_subcommand -a ${word} -d ${quote(summary)}`)
    const seconds = secondWords(word)
    if (seconds.length > 0) {
      lines.push(`complete -c holdfast -f -n '__fish_seen_subcommand_from ${word}' -a '${seconds.join(" ")}'`)
    }
  }
  lines.push(`complete -c holdfast -f -n '__fish_seen_subcommand_from completion' -a '${SHELLS.join(" ")}'`)
  lines.push(`complete -c holdfast -f -n '__fish_seen_subcommand_from help' -a '${FIRST_WORDS.join(" ")}'`)
  for (const verb of VERBS) lines.push(...flagsOf(verb).map((flag) => fishFlag(verb, flag)))
  return lines.join("\n")
}

function fishFlag(verb: Verb, { name, short, value, choices, text }: Flag): string {
  const [first = "", second] = verb.name.split(" ")
  const also = second === undefined ? "" : `; and __fish_seen_subcommand_from ${second}`
  const parts = [`complete -c holdfast -n '__fish_seen_subcommand_from ${first}${also}' -l ${name}`]
  if (short !== undefined) parts.push(`-s ${short}`)
  if (value !== undefined) parts.push("-r")
  if (choices !== undefined) parts.push(`-f -a '${choices.join(" ")}'`)
  return `${parts.join(" ")} -d ${quote(text)}`
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "\\'")}'`
}
