import * as assert from "node:assert/strict"
import { test } from "node:test"
import { EngineError } from "../base/errors.ts"
import { parseSecretReference } from "./reference.ts"

test("parseSecretReference() accepts four kinds of places", () => {
  const cases: [string, object][] = [
    ["env:BACKUP_KEYS", { kind: "env", name: "BACKUP_KEYS" }],
    ["file:~/.config/keys: of mine", { kind: "file", path: "~/.config/keys: of mine" }],
    ["command:pass show a | head -1", { kind: "command", command: "pass show a | head -1" }],
    ["keychain:backup@b2.main-1", { kind: "keychain", name: "backup@b2.main-1" }],
  ]
  for (const [text, expected] of cases) assert.deepEqual(parseSecretReference(text, "keys"), expected)
})

test("parseSecretReference() refuses a literal secret, and repeats none of it", () => {
  const literals = [
    "AKIAEXAMPLE:wJalrXUtnFEMI",
    "hunter2",
    "",
    "ENV:X",
    "https://id:hunter2@host",
    "/home/a/keys",
  ]
  for (const literal of literals) {
    assert.throws(
      () => parseSecretReference(literal, "the keys"),
      (error) => {
        assert.ok(error instanceof EngineError)
        assert.deepEqual([error.kind, error.code], ["invalid", "literal-secret"])
        assert.match(error.message, /^the keys: .*Use file:PATH, command:COMMAND/)
        if (literal !== "")
          assert.ok(!`${error.stack ?? ""}${JSON.stringify(error.detail)}`.includes(literal))
        return true
      },
    )
  }
})

test("parseSecretReference() refuses what a program could read as a flag, and empty names", () => {
  for (const text of ["keychain:--help", "keychain:a b", "env:A B", "env:1", "command: ", "file:a\0b"]) {
    assert.throws(
      () => parseSecretReference(text, "keys"),
      (error) => error instanceof EngineError && error.code === "secret-reference",
      text,
    )
  }
})
