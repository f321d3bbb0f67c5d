import { faultyStore } from "../../testing/faulty-store.ts"
import { storeContract, storeReadContract } from "../../testing/store-contract.ts"
import { limitedStore } from "./limited-store.ts"
import { memoryStore } from "../../testing/memory-store.ts"
import { meteredStore } from "./metered-store.ts"
import { readOnlyStore } from "../../testing/read-only-store.ts"
import { retryingStore } from "./retrying-store.ts"

const noSleep = { sleep: async () => {}, random: () => 0.5, now: () => 0 }

storeContract("meteredStore()", () => ({ store: meteredStore(memoryStore()) }))
storeContract("retryingStore()", () => ({ store: retryingStore(memoryStore(), noSleep) }))
storeContract("limitedStore()", () => ({
  store: limitedStore(memoryStore(), { uploadKib: 1, downloadKib: 1 }, noSleep),
}))
storeContract("faultyStore() without faults", () => ({ store: faultyStore(memoryStore(), () => undefined) }))
storeReadContract("readOnlyStore()", () => {
  const seed = memoryStore()
  return { store: readOnlyStore(seed), seed }
})

// Every second call fails, before or after its effect. The retrying store hides this.
storeContract("retryingStore() over a store that fails", () => ({
  store: retryingStore(
    faultyStore(memoryStore(), ({ number }) =>
      number % 2 === 0 ? undefined : number % 4 === 1 ? "refused" : "lost-reply",
    ),
    noSleep,
  ),
}))
