import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { test } from "node:test"
import { shellWord } from "./shell-word.ts"

test("shellWord() leaves a plain path alone", () => {
  for (const plain of ["/mnt/disk/backups", "s3://bucket/prefix", "s3:https://host:9000/b", "~/notes"])
    assert.equal(shellWord(plain), plain)
})

test("shellWord() makes one word of anything", () => {
  for (const text of ["my notes", "it's", "$HOME", "a\nb", "`x`", "*", "", "'; rm x; '", "\u00fc b"])
    assert.equal(execFileSync("sh", ["-c", `printf %s ${shellWord(text)}`], { encoding: "utf8" }), text)
})
