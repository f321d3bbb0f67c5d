/**
 * Quotes a word of a command that a person may copy, if a shell would split or expand it.
 */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
