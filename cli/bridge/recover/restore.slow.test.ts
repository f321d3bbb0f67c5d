import { alsoAsOrdinaryUser } from "../../../engine/testing/ordinary-user.ts"

for (const file of ["restore.test.ts", "operator.test.ts", "look.test.ts"])
  alsoAsOrdinaryUser(new URL(file, import.meta.url).href)
