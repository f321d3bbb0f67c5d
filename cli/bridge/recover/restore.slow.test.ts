import { alsoAsOrdinaryUser } from "../../../engine/testing/ordinary-user.ts"

for (const file of ["journal.test.ts", "restore.test.ts", "operator.test.ts", "look.test.ts"])
  alsoAsOrdinaryUser(new URL(file, import.meta.url).href)
