/**
 * Programs from npm for the slow tests, each at one exact version: installed once, without install scripts, into a
 * cache folder outside the repository. npm itself runs on the project's Node: on an older one it quietly installs
 * older packages. Tests only.
 */
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { homedir } from "node:os"
import { dirname, join } from "node:path"

const CACHE = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "holdfast-ci")

/**
 * @param name with its version: "@openai/codex@0.171.0"
 * @param file of the package, which Node runs
 * @returns its path
 */
export function npmProgram(name: string, file: string): string {
  const [, bare = name] = /^(.+)@[^@]+$/.exec(name) ?? []
  const folder = join(CACHE, "npm-programs", name.replaceAll("/", "+"))
  const program = join(folder, "node_modules", bare, file)
  if (existsSync(program)) return program
  mkdirSync(dirname(folder), { recursive: true })
  // into a folder of its own first: an install that is interrupted leaves no broken program
  const building = mkdtempSync(join(dirname(folder), "installing-"))
  try {
    writeFileSync(join(building, "package.json"), "{}\n")
    const words = ["install", "--ignore-scripts", "--no-audit", "--no-fund", name]
    const environment = Object.entries(process.env).filter(([key]) => !key.toLowerCase().startsWith("npm_"))
    execFileSync("npm", words, {
      cwd: building,
      env: {
        ...Object.fromEntries(environment),
        PATH: `${dirname(process.execPath)}:${process.env["PATH"]}`,
      },
      stdio: ["ignore", "ignore", "inherit"],
    })
    if (!existsSync(folder)) renameSync(building, folder)
    return program
  } finally {
    rmSync(building, { recursive: true, force: true })
  }
}
