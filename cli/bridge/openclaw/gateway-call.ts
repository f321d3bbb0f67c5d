/**
 * One call over the gateway's WebSocket, with scopes of the caller's choice. `openclaw gateway call` asks for the
 * least that a method needs, so its chat turns are not an owner's. Tests only.
 */
export interface Caller {
  readonly port: number
  readonly token: string
  readonly scopes: readonly string[]
}

export const OWNER: readonly string[] = [
  "operator.admin",
  "operator.read",
  "operator.write",
  "operator.approvals",
]

export const NOT_OWNER: readonly string[] = ["operator.read", "operator.write"]

const PROTOCOL = 4
const CALL_MS_MAX = 30_000

interface Frame {
  readonly type?: string
  readonly event?: string
  readonly id?: string
  readonly ok?: boolean
  readonly payload?: unknown
  readonly error?: unknown
}

export async function callGateway(
  { port, token, scopes }: Caller,
  method: string,
  parameters: object,
): Promise<unknown> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`)
  const send = (id: string, name: string, params: object): void =>
    socket.send(JSON.stringify({ type: "req", id, method: name, params }))
  const connect = {
    minProtocol: PROTOCOL,
    maxProtocol: PROTOCOL,
    client: { id: "gateway-client", version: "1", platform: "linux", mode: "backend" },
    role: "operator",
    scopes,
    caps: [],
    commands: [],
    permissions: {},
    auth: { token },
  }
  const timeout = AbortSignal.timeout(CALL_MS_MAX)
  try {
    return await new Promise((resolve, reject) => {
      timeout.onabort = () => reject(new Error(`${method}: no answer`))
      socket.onerror = () => reject(new Error(`${method}: the gateway does not answer`))
      socket.onmessage = ({ data }) => {
        const frame = JSON.parse(String(data)) as Frame
        if (frame.event === "connect.challenge") send("connect", "connect", connect)
        if (frame.type !== "res") return
        if (frame.ok !== true) reject(new Error(`${method}: ${JSON.stringify(frame.error)}`))
        else if (frame.id === "connect") send("call", method, parameters)
        else resolve(frame.payload)
      }
    })
  } finally {
    socket.close()
  }
}
