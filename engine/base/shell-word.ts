/** A word of a command that a person is to copy: as it is, or in quotes where a shell would take it apart. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./~-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
