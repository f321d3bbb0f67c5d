import assert from "node:assert/strict"
import { test } from "node:test"
import { editDistance, nearest } from "./suggest.ts"

test("nearest() finds the word with a letter left out, added, replaced or swapped", () => {
  const words = ["backup", "restore", "snapshots", "ls"]
  for (const typed of ["bakup", "backuup", "bachup", "bakcup"]) assert.equal(nearest(typed, words), "backup")
  assert.equal(nearest("restor", words), "restore")
})

test("nearest() takes the start of a word", () => {
  assert.equal(nearest("snap", ["backup", "snapshots"]), "snapshots")
})

test("nearest() returns nothing if no word is near", () => {
  assert.equal(nearest("wibble", ["backup", "ls"]), undefined)
  assert.equal(nearest("xy", ["backup", "ls"]), undefined)
})

test("nearest() does not count the dashes of a flag, nor take a word that shares half of its letters", () => {
  for (const typed of ["--short", "--last", "--list", "--most"])
    assert.equal(nearest(typed, ["--host", "--json"]), typed === "--most" ? "--host" : undefined, typed)
  assert.equal(nearest("--exlude-fiel", ["--exclude", "--exclude-file"]), "--exclude-file")
})

test("editDistance() counts edits, a swap of neighbours as one", () => {
  assert.equal(editDistance("", "abc"), 3)
  assert.equal(editDistance("abc", "abc"), 0)
  assert.equal(editDistance("acb", "abc"), 1)
  assert.equal(editDistance("kitten", "sitting"), 3)
})
