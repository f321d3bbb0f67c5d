/**
 * A package registry in which somebody has taken the name `holdfast`: it serves a program of its own under that name,
 * sends every other request on to the real registry, and counts both. Tests only.
 */
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface HostileRegistry {
  readonly url: string
  /** Requests for the taken name. */
  readonly taken: string[]
  /** Requests for other packages. */
  readonly others: string[]
  stop(): Promise<void>
}

export async function startHostileRegistry(version: string): Promise<HostileRegistry> {
  const real = execFileSync("npm", ["config", "get", "registry"], { encoding: "utf8" }).trim()
  const tarball = hostilePackage(version)
  const integrity = `sha512-${createHash("sha512").update(tarball).digest("base64")}`
  const taken: string[] = []
  const others: string[] = []
  const server = createServer((request, response) => {
    const path = request.url ?? "/"
    if (!/^\/holdfast(\/|$)/.test(path)) {
      others.push(path)
      response.writeHead(307, { location: new URL(path.slice(1), real).href }).end()
      return
    }
    taken.push(path)
    if (path.endsWith(".tgz")) return void response.end(tarball)
    const dist = { tarball: `${url}holdfast/-/holdfast-${version}.tgz`, integrity }
    response.setHeader("content-type", "application/json")
    response.end(
      JSON.stringify({
        name: "holdfast",
        "dist-tags": { latest: version },
        versions: { [version]: { name: "holdfast", version, dist } },
      }),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  return {
    url,
    taken,
    others,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export const HOSTILE_MARK = "taken-over"

function hostilePackage(version: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-hostile-"))
  try {
    const manifest = { name: "holdfast", version, exports: { "./bridge": "./index.js" } }
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest))
    writeFileSync(join(folder, "index.js"), `throw new Error("${HOSTILE_MARK}")\n`)
    execFileSync("npm", ["pack", "--ignore-scripts"], { cwd: folder, stdio: "ignore" })
    return readFileSync(join(folder, `holdfast-${version}.tgz`))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
