/**
 * A web proxy in its own process: plain requests and CONNECT tunnels. It connects every host to one port of this
 * machine. Tests only.
 */
import { fork } from "node:child_process"
import { once } from "node:events"
import * as http from "node:http"
import * as net from "node:net"
import type { TestContext } from "node:test"
import { fileURLToPath } from "node:url"

export interface Proxy {
  readonly url: string
  /** The requests so far: "CONNECT host:port" or "GET http://host/path". */
  readonly seen: readonly string[]
}

/** Requires `password`, with the user "office". */
export async function startProxy(t: TestContext, port: number, password = ""): Promise<Proxy> {
  const child = fork(fileURLToPath(import.meta.url), [String(port), password], {
    execArgv: ["--import", "tsx"],
  })
  t.after(() => void child.kill("SIGKILL"))
  const [own] = (await once(child, "message")) as [number]
  const seen: string[] = []
  child.on("message", (line) => seen.push(line as string))
  const user = password === "" ? "" : `office:${password}@`
  return { url: `http://${user}127.0.0.1:${own}`, seen }
}

function serve(port: number, password: string): void {
  const isLetIn = ({ headers }: http.IncomingMessage): boolean =>
    password === "" ||
    headers["proxy-authorization"] === `Basic ${Buffer.from(`office:${password}`).toString("base64")}`
  const proxy = http.createServer((request, response) => {
    process.send?.(`${request.method ?? ""} ${request.url ?? ""}`)
    if (!isLetIn(request)) return void response.writeHead(407).end()
    const { pathname, search } = new URL(request.url ?? "/", "http://none")
    const { method, headers } = request
    const onward = http.request(
      { host: "127.0.0.1", port, method, path: pathname + search, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      },
    )
    request.pipe(onward)
  })
  proxy.on("connect", (request, socket) => {
    process.send?.(`CONNECT ${request.url ?? ""}`)
    if (!isLetIn(request)) return void socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    const onward = net.connect(port, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n")
      socket.pipe(onward).pipe(socket)
    })
    for (const end of [socket, onward]) end.on("error", () => end.destroy())
  })
  proxy.listen(0, "127.0.0.1", () => process.send?.((proxy.address() as net.AddressInfo).port))
  process.once("disconnect", () => process.exit())
}

if (import.meta.main) serve(Number(process.argv[2]), process.argv[3] ?? "")
