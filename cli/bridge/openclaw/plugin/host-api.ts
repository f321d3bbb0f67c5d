/**
 * The part of OpenClaw's plugin interface that this plugin uses, as types alone. Written after the declarations that
 * openclaw@2026.9.6 ships; the package itself is 644 MB, so it is no dependency. The tests on the real host hold it.
 */
import type { IncomingMessage, ServerResponse } from "node:http"

export interface HostConfig {
  readonly agents?: { readonly entries?: Readonly<Record<string, { readonly default?: unknown }>> }
  readonly plugins?: { readonly entries?: Readonly<Record<string, PluginSettings>> }
}

interface PluginSettings {
  readonly hooks?: { readonly allowConversationAccess?: unknown }
  readonly config?: Readonly<Record<string, unknown>>
}

export interface Logger {
  info(message: string): void
  warn(message: string): void
}

export interface ToolContext {
  readonly workspaceDir?: string
  readonly agentId?: string
  readonly sessionKey?: string
  readonly sandboxed?: boolean
  readonly senderIsOwner?: boolean
  readonly assertInvocationCurrent?: () => void
}

export interface ToolResult {
  readonly content: readonly { readonly type: "text"; readonly text: string }[]
  readonly details?: unknown
}

export interface Tool {
  readonly name: string
  readonly label: string
  readonly description: string
  readonly parameters: object
  readonly outputSchema: object
  /** Without it the host hides the tool from the model behind its tool search. */
  readonly catalogMode: "direct-only"
  readonly getExecutionTimeoutMs?: () => number
  execute(
    id: string,
    parameters: unknown,
    signal?: AbortSignal,
    update?: (result: ToolResult) => void,
  ): Promise<ToolResult>
}

export interface ServiceContext {
  readonly config: HostConfig
  readonly logger: Logger
  readonly serviceHealth?: { reportFailure(error: unknown): void; clearFailure(): void }
}

export interface CommandContext {
  readonly args?: string
  readonly agentId?: string
  readonly config: HostConfig
  readonly assertOwnerCurrent?: () => void
}

export interface Command {
  readonly name: string
  readonly description: string
  readonly acceptsArgs: boolean
  readonly requiredScopes?: readonly string[]
  handler(context: CommandContext): Promise<{ readonly text: string }>
}

/** Of commander. */
export interface Program {
  command(name: string): Program
  description(text: string): Program
  option(flags: string, text: string): Program
  action(run: (options: Readonly<Record<string, unknown>>) => Promise<void>): Program
}

/** What the hooks that this plugin uses give; each gives a part of it. */
export interface HookEvent {
  readonly content?: string
  readonly sessionKey?: string
  readonly runId?: string
  readonly toolCallId?: string
  readonly reason?: string
}

export interface HookContext {
  readonly agentId?: string
  readonly sessionKey?: string
  readonly runId?: string
}

export interface AuditFinding {
  readonly checkId: string
  readonly severity: "info" | "warn" | "critical"
  readonly title: string
  readonly detail: string
  readonly remediation?: string
}

export interface HostApi {
  readonly config: HostConfig
  /** References to secrets are resolved. */
  readonly pluginConfig?: Readonly<Record<string, unknown>>
  readonly logger: Logger
  readonly runtime: {
    readonly agent: { resolveAgentWorkspaceDir(config: HostConfig, agentId: string): string }
    readonly config: { current(): HostConfig }
    readonly system: {
      enqueueSystemEvent(
        text: string,
        options: { readonly sessionKey: string; readonly agentId: string },
      ): boolean
    }
  }
  readonly session: {
    readonly controls: { registerControlUiDescriptor(descriptor: Readonly<Record<string, unknown>>): void }
  }
  registerTool(make: (context: ToolContext) => Tool | null, options: { readonly name: string }): void
  registerService(service: {
    readonly id: string
    start(context: ServiceContext): void
    stop(): Promise<void>
  }): void
  registerCommand(command: Command): void
  registerCli(
    register: (cli: { readonly program: Program; readonly config: HostConfig }) => void,
    options: {
      readonly descriptors: readonly {
        readonly name: string
        readonly description: string
        readonly hasSubcommands: boolean
      }[]
    },
  ): void
  registerHttpRoute(route: {
    readonly path: string
    readonly match: "prefix" | "exact"
    readonly auth: "gateway"
    handler(request: IncomingMessage, response: ServerResponse): Promise<boolean>
  }): void
  registerSecurityAuditCollector(
    collect: (context: {
      readonly config: HostConfig
      readonly sourceConfig: HostConfig
    }) => Promise<AuditFinding[]>,
  ): void
  on(hook: string, handler: (event: HookEvent, context: HookContext) => void | Promise<void>): void
}
