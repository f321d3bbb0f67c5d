import { indexContract } from "./index-contract.ts"
import { createMemoryIndex } from "./memory-index.ts"

indexContract("memory", () => ({ index: createMemoryIndex() }))
