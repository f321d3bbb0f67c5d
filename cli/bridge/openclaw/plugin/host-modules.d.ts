/** The host's own package is there only at run time. */
declare module "openclaw/plugin-sdk/plugin-entry" {
  export interface PluginEntry {
    readonly id: string
    readonly name: string
    readonly description: string
    register(api: import("./host-api.ts").HostApi): void
  }
  export function definePluginEntry(entry: PluginEntry): PluginEntry
}
