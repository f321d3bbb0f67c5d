/** What this program calls itself in what it writes. `program.test.ts` holds it to package.json. */
export const PROGRAM = "holdfast 0.1.0"
