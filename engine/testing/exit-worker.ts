/** A worker that ends itself when it is told to, and answers everything else. Tests only. */
import { serve } from "../base/worker-pool.ts"

const served = serve<string, { readonly said: string }>((message) => {
  if (message === "exit") process.exit(3)
  served.send({ said: message })
})
