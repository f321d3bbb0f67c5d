/** The version of this program. `version.test.ts` compares it with package.json. */
export const VERSION = "0.1.0"

/** The program's name in the chain entries that it writes. */
export const PROGRAM: string = `holdfast ${VERSION}`
