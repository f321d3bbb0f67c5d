/** Two versions each of two large packages side by side, like source in a developer's folder. */
import { join } from "node:path"
import type { Corpus } from "./corpus.ts"
import { unpackPackage } from "./packages.ts"

const packages = ["next@15.0.0", "next@15.0.4", "typescript@5.4.5", "typescript@5.9.3"]

export const sourceTrees: Corpus = {
  name: "source-trees",
  about: "two versions of next and two of typescript, side by side",
  revision: 1,
  states: ["first"],
  async build(folder, context) {
    for (const [age, spec] of packages.entries()) {
      unpackPackage(spec, join(folder, spec.replace("@", "-")), context, age)
    }
  },
}
