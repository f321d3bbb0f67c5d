/** What every shell completes; run for bash in the fast tests, for zsh and fish in the slow ones. */
import assert from "node:assert/strict"
import { mkdirSync, writeFileSync } from "node:fs"
import { test } from "node:test"
import { sandbox } from "./run-cli.ts"
import { completer, type Shell } from "./shells.ts"

export function completionSuite(shell: Shell): void {
  test(`${shell} completes verbs, second words, flags, choices and files, also after flags and aliases`, (context) => {
    const box = sandbox(context)
    mkdirSync(box.path("folder"))
    writeFileSync(box.path("fold.txt"), "")
    const complete = completer(box, shell)
    assert.deepEqual(complete("holdfast rest"), ["restore"])
    assert.deepEqual(complete("holdfast -r X sna"), ["snapshots"])
    assert.deepEqual(complete("holdfast key pa"), ["passwd"])
    assert.deepEqual(complete("holdfast restore latest --over"), ["--overwrite"])
    assert.deepEqual(complete("holdfast -r X restore latest --overwrite if-n"), ["if-newer"])
    assert.deepEqual(complete("holdfast extract latest --overwrite if-n"), ["if-newer"])
    assert.deepEqual(complete("holdfast list --group"), ["--group-by"])
    assert.deepEqual(complete("holdfast --addressing v"), ["virtual"])
    assert.deepEqual(complete("holdfast snapshot cr"), ["create"])
    assert.deepEqual(complete("holdfast completion f"), ["fish"])
    const files = complete("holdfast restore latest --target fold").map((name) => name.replace(/\/$/, ""))
    assert.deepEqual(files.toSorted(), ["fold.txt", "folder"])
  })

  test(`${shell} completes ids of snapshots and names of series from the repository, without a question`, (context) => {
    const box = sandbox(context)
    mkdirSync(box.path("notes"))
    writeFileSync(box.path("notes", "a"), "a")
    box.must("init")
    const id = String(box.must("backup", box.path("notes"), "--json").last["snapshot_id"]).slice(0, 8)
    const complete = completer(box, shell)
    const place = box.repository
    assert.deepEqual(complete(`holdfast -r ${place} restore ${id.slice(0, 5)}`), [id])
    assert.deepEqual(complete(`holdfast -r ${place} restore la`), ["latest"])
    assert.deepEqual(complete(`holdfast -r ${place} ls --series no`), ["notes"])
    assert.deepEqual(complete(`holdfast -r ${box.path("nowhere")} restore la`), [])
  })
}
