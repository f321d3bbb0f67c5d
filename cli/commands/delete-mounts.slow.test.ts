/**
 * `restore --delete` across real mounts: mounted files stay, and so does everything that `-x` excluded from the
 * backup.
 */
import assert from "node:assert/strict"
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname } from "node:path"
import { test } from "node:test"
import { sandbox } from "../testing/run-cli.ts"

/** Unmounted when the test's own code ends: the sandbox's folder is removed before any later hook. */
function withMounts(use: (mount: (...words: string[]) => void) => void): void {
  const folders: string[] = []
  try {
    use((...words) => {
      execFileSync("mount", words)
      folders.push(words.at(-1) ?? "")
    })
  } finally {
    for (const folder of folders) execFileSync("umount", ["--lazy", folder])
  }
}

const TMPFS = ["-t", "tmpfs", "-o", "size=1m", "holdfast-test"]

test("restore --delete empties no mount, and removes nothing on a file system that -x left out", (context) => {
  const box = sandbox(context)
  const put = (...names: string[]): string => {
    const path = box.path(...names)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, names.join("/"))
    return path
  }
  withMounts((mount) => {
    const kept = put("source", "kept")
    mkdirSync(box.path("source", "disk"))
    mount(...TMPFS, box.path("source", "disk"))
    const onDisk = put("source", "disk", "photo")
    box.must("init")
    box.must("backup", "--one-file-system", box.path("source"))
    // mounted since: a file system, and a folder of the same one
    mkdirSync(box.path("source", "new"))
    mount(...TMPFS, box.path("source", "new"))
    const onNew = put("source", "new", "photo")
    const elsewhere = put("elsewhere", "document")
    mkdirSync(box.path("source", "bound"))
    mount("--bind", box.path("elsewhere"), box.path("source", "bound"))
    const extra = put("source", "extra")

    const words = ["restore", "latest", "--in-place", "--delete"]
    const planned = box.must(...words, "--dry-run")
    assert.match(planned.out, /^would remove extra$/m)
    assert.match(planned.out, /1 extra file would be removed/)
    assert.match(planned.out, /3 extra items not removed: 1 on another file system, 2 mount points/)
    const { last } = box.must(...words, "--json")
    assert.equal(existsSync(extra), false)
    for (const path of [kept, onDisk, onNew, elsewhere]) assert.ok(existsSync(path), path)
    assert.deepEqual(
      [last["files_deleted"], last["dirs_deleted"], last["not_deleted"]],
      [1, 0, { other_file_system: 1, mount: 2 }],
    )
  })
})

test("restore --delete keeps files in the place of a disk that -x excluded, when it is no longer mounted", (context) => {
  const box = sandbox(context)
  mkdirSync(box.path("source/disk"), { recursive: true })
  writeFileSync(box.path("source/kept"), "")
  box.must("init")
  withMounts((mount) => {
    mount(...TMPFS, box.path("source/disk"))
    box.must("backup", "--one-file-system", box.path("source"))
  })
  writeFileSync(box.path("source/disk/never looked at"), "")
  writeFileSync(box.path("source/extra"), "")
  const { last } = box.must("restore", "latest", "--in-place", "--delete", "--json")
  assert.deepEqual([last["files_deleted"], last["not_deleted"]], [1, { other_file_system: 1 }])
  assert.ok(existsSync(box.path("source/disk/never looked at")))
})
