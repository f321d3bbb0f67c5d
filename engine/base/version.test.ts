import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { test } from "node:test"
import { PROGRAM } from "./version.ts"

test("PROGRAM is the name and version of package.json", () => {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8")
  const { name, version } = JSON.parse(text) as { name: string; version: string }
  assert.equal(PROGRAM, `${name} ${version}`)
})
