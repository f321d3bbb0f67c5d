/**
 * The user's umask. The program runs with 077, for all that it writes belongs to its owner alone; the folders that a
 * restore makes above its target are the user's own.
 */
let users = 0o077

export function noteUmask(mask: number): void {
  users = mask
}

export function useUsersUmask(): void {
  process.umask(users)
}
