/** The corpora's randomness is that of the tests' trees. */
export { seededRandom, type SeededRandom } from "../../fixtures/random.ts"
