/**
 * Completion scripts for bash, zsh and fish. They pass the typed words to `holdfast __complete`, which knows the
 * verbs, the flags and the repository. commands/complete.ts describes its output.
 */
const SCRIPTS: Readonly<Record<string, string>> = {
  // readline cuts words at ":" and "=". They are joined again, and only the rest is replaced.
  bash: String.raw`_holdfast() {
  local line word at=0 kind="" cut typed=() found=()
  for ((at = 1; at <= COMP_CWORD; at++)); do
    word="\${COMP_WORDS[at]}"
    if [[ \${#typed[@]} -gt 0 && ( "$word" == [:=]* || "\${typed[-1]}" == *[:=] ) ]] &&
      [[ "$COMP_LINE" == *"\${typed[-1]}$word"* ]]; then
      typed[-1]+="$word"
    else
      typed+=("$word")
    fi
  done
  word="\${typed[-1]}"
  cut="\${word%"\${word##*[:=]}"}"
  [[ "$COMP_WORDBREAKS" == *:* ]] || cut="\${word%"\${word##*=}"}"
  while IFS= read -r line; do
    if [[ -z "$kind" ]]; then kind="$line"; continue; fi
    line="\${line%%$'\t'*}"
    found+=("$(printf '%q' "\${line#"$cut"}")")
  done < <(command "\${COMP_WORDS[0]}" __complete "\${typed[@]}" 2>/dev/null)
  COMPREPLY=("\${found[@]}")
  if [[ "$kind" == files ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -- "\${word#"$cut"}")
  fi
  [[ \${#COMPREPLY[@]} -eq 1 && "\${COMPREPLY[0]}" == *= ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -F _holdfast holdfast`,

  zsh: String.raw`#compdef holdfast
_holdfast() {
  local line kind="" cut word
  local -a found texts
  word="\${words[CURRENT]}"
  for line in "\${(@f)$(command "\${words[1]}" __complete "\${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
    if [[ -z "$kind" ]]; then kind="$line"; continue; fi
    found+=("\${line%%$'\t'*}")
    texts+=("\${line//$'\t'/  -- }")
  done
  (( $#found )) && compadd -l -d texts -- "\${found[@]}"
  if [[ "$kind" == files ]]; then
    [[ "$word" == --*=* ]] && compset -P '*='
    _files
  fi
}
(( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
compdef _holdfast holdfast`,

  fish: String.raw`function __holdfast_complete
  set -l typed (commandline -opc)
  set -l current (commandline -ct)
  set -l lines (command $typed[1] __complete $typed[2..-1] $current 2>/dev/null)
  test (count $lines) -gt 1; and printf '%s\n' $lines[2..-1]
  if test "$lines[1]" = files
    if string match -q -- '--*=*' $current
      set -l parts (string split -m 1 = -- $current)
      __fish_complete_path $parts[2] | string replace -r '^' "$parts[1]="
    else
      __fish_complete_path $current
    end
  end
end
complete -c holdfast -f -a '(__holdfast_complete)'`,
}

export function completionScript(shell: string): string | undefined {
  // a template can't contain "$" followed by "{" without a backslash
  return SCRIPTS[shell]?.replaceAll("\\${", "${")
}
