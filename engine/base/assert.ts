/** Our own bugs stop the program. Never used for input, bytes from a store, or the file system. */
export function assert(condition: unknown, claim: string): asserts condition {
  if (!condition) throw new Error(`bug: ${claim}`)
}
