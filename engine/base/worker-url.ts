/**
 * Where a worker's entry file is. The same code runs from sources (`engine/write/split-worker.ts`)
 * and from the build, where esbuild moves functions between files: there the entry is found from the
 * `dist` folder, not from the file that asks. A worker started from sources inherits `--import tsx`
 * with its parent's execArgv. Every file named `*-worker.ts` is an entry of the build.
 */
export function workerUrl(entry: `${string}-worker`): URL {
  const here = import.meta.url
  if (here.endsWith(".ts")) return new URL(`../${entry}.ts`, here)
  const dist = here.lastIndexOf("/dist/")
  return new URL(`${here.slice(0, dist)}/dist/engine/${entry}.js`)
}
