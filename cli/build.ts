/**
 * The build: esbuild bundles the command line and the workers into dist/, in well under a second.
 * `npm ci` runs it through `prepare`. Each command becomes a chunk of its own, loaded only when it
 * is called; packages stay outside and are loaded from node_modules. Types are checked elsewhere.
 */
import { globSync, rmSync } from "node:fs"
import { build } from "esbuild"

const workers = globSync("engine/**/*-worker.ts").toSorted()

rmSync("dist", { recursive: true, force: true })
await build({
  entryPoints: ["cli/main.ts", ...workers],
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
})
