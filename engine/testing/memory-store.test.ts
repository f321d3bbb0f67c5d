import { storeContract } from "./store-contract.ts"
import { memoryStore } from "./memory-store.ts"

storeContract("memoryStore()", () => ({ store: memoryStore() }))
