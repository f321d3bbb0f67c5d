/**
 * The build: esbuild bundles the command line and the workers into dist/, in well under a second.
 * `npm ci` runs it through `prepare`. Each command becomes a chunk of its own, loaded only when it
 * is called; packages stay outside and are loaded from node_modules. Types are checked elsewhere.
 * A run that is going on meanwhile finds every file it needs: new chunks are written before the
 * entries that name them, equal files are left alone, and old ones are removed last.
 */
import {
  chmodSync,
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { dirname, relative, resolve } from "node:path"
import { build } from "esbuild"

const MAIN = "cli/main.ts"
const workers = globSync("engine/**/*-worker.ts").toSorted()

const { outputFiles } = await build({
  entryPoints: [MAIN, ...workers],
  outdir: "dist",
  outbase: ".",
  chunkNames: "chunks/[name]-[hash]",
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node22",
  packages: "external",
  legalComments: "none",
  logLevel: "warning",
  write: false,
})

const isChunk = ({ path }: { path: string }): boolean => path.includes("/chunks/")
for (const { path, contents } of outputFiles.toSorted((a, b) => Number(isChunk(b)) - Number(isChunk(a)))) {
  if (existsSync(path) && readFileSync(path).equals(contents)) continue
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(`${path}.${process.pid}`, contents)
  renameSync(`${path}.${process.pid}`, path)
}
chmodSync("dist/cli/main.js", 0o755)

const built = new Set(outputFiles.map(({ path }) => relative(".", path)))
for (const path of globSync("dist/**/*.js")) if (!built.has(path)) rmSync(resolve(path), { force: true })
