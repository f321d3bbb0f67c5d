/**
 * Keeps built corpora in the cache folder: one folder per corpus and revision, built under another name and renamed
 * when complete, so an interrupted build is never used.
 */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs"
import { join } from "node:path"
import type { Corpus } from "./corpus.ts"

export async function prepareCorpus(
  corpus: Corpus,
  cache: string,
  report: (line: string) => void,
): Promise<string> {
  const place = join(cache, "corpora", `${corpus.name}-${corpus.revision}`)
  if (existsSync(place)) return place
  const unfinished = `${place}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { recursive: true })
  const packages = join(cache, "packages")
  mkdirSync(packages, { recursive: true })
  report(`building corpus ${corpus.name}`)
  await corpus.build(unfinished, { packages, report })
  renameSync(unfinished, place)
  return place
}
