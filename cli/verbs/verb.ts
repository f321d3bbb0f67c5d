/**
 * The description of a verb, as plain data. One table of verbs feeds the parser (parse.ts), the help texts
 * (help-text.ts), the shell completions (complete.ts) and the suggestions (suggest.ts). The code of a verb is in
 * commands/ and is loaded only when the verb is called. Names of other tools are in habits/.
 */
export interface Flag {
  /** Without dashes: "target". A name that starts with "no-" switches something off. */
  readonly name: string
  readonly short?: string
  /** What the value is called in help, e.g. "FILE". A flag without one is a switch. */
  readonly value?: string
  /** May be repeated; the values are collected. */
  readonly many?: boolean
  readonly choices?: readonly string[]
  readonly text: string
}

export interface Argument {
  readonly name: string
  readonly required?: boolean
  readonly many?: boolean
  /** What the shell should complete. */
  readonly completes?: "files" | "verbs" | "shells" | "snapshots"
}

export interface Example {
  readonly line: string
  readonly does: string
}

export interface Verb {
  /** One word, or two for a verb of a group: "key add". */
  readonly name: string
  /** One line, lower case. */
  readonly summary: string
  /** An explanation for new users, in short paragraphs. */
  readonly details: readonly string[]
  readonly arguments: readonly Argument[]
  /** What to type instead of one argument too many. */
  readonly surplus?: string
  readonly flags: readonly Flag[]
  readonly examples: readonly [Example, Example, ...Example[]]
}
