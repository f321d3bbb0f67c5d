/** `holdfast device list`. */
import { listDevices } from "../../engine/index.ts"
import type { Command } from "../verbs/call.ts"
import { table } from "../output/columns.ts"
import { withRepository } from "./connection.ts"
import { EXIT } from "../output/exit-codes.ts"

export const deviceList: Command = async (call) =>
  await withRepository(call, { write: false }, async (repository) => {
    const { output } = call
    const devices = await listDevices(repository)
    for (const { id, label, role, status, current } of devices) {
      output.object({ message_type: "device", id, label, role, status, current })
    }
    const rows = devices.map(({ id, label, role, status, current }) => [
      id.slice(0, 8),
      label,
      role,
      status,
      current ? "this device" : "",
    ])
    for (const line of table(["id", "label", "role", "status", ""], rows)) output.line(line)
    return EXIT.done
  })
