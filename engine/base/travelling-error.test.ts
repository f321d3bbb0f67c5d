import * as assert from "node:assert/strict"
import { openSync } from "node:fs"
import { test } from "node:test"
import { EngineError, isEngineError } from "./errors.ts"
import { packError, unpackError } from "./travelling-error.ts"

function travelled(error: unknown): Error {
  return unpackError(structuredClone(packError(error)))
}

test("unpackError() restores an EngineError's class, kind, code, message and detail", () => {
  const sent = new EngineError("corrupt", "pack-directory", "packs/ab: too short", {
    detail: { object: "packs/ab", bytes: 3 },
  })
  const got = travelled(sent)
  assert.ok(isEngineError(got, "pack-directory"))
  assert.deepEqual([got.kind, got.message, got.detail], ["corrupt", sent.message, sent.detail])
  assert.equal(got.stack, sent.stack)
})

test("unpackError() restores a failed system call's code, call and path", () => {
  try {
    openSync("/nowhere/at all", "r")
    assert.fail("it can't be opened")
  } catch (error) {
    const got = travelled(error) as NodeJS.ErrnoException
    assert.equal(isEngineError(got), false)
    assert.deepEqual([got.code, got.syscall, got.path], ["ENOENT", "open", "/nowhere/at all"])
    assert.equal(got.message, (error as Error).message)
  }
})

test("unpackError() makes an error of anything that was thrown", () => {
  assert.equal(travelled("a text").message, "a text")
  assert.equal(travelled(new TypeError("a bug")).message, "a bug")
})
