/**
 * Armed sessions: a message such as `/wrap_up` has arrived, and the session is backed up when its turn has ended, so
 * that the snapshot has what the turn wrote. The host reports the end of a turn only to plugins with conversation
 * access. Without it the end is taken from silence: no tool call of the session for 20 seconds, at most 10 minutes.
 *
 * The host loads this module twice and gives each copy other hooks, and a hot reload brings new copies into the same
 * process. So the sessions are in `globalThis`; whichever copy hears of a turn goes on with them.
 */
import type { AgentPlace } from "./agents.ts"

interface Session {
  readonly place: AgentPlace
  readonly runId: string | undefined
  readonly sinceMs: number
  activeMs: number
  /** Ids of the tool calls of its turns that have not ended. */
  readonly tools: Set<string>
  /** The turn has ended. */
  isOver: boolean
  timer: NodeJS.Timeout | undefined
}

export interface Armed {
  has(sessionKey: string | undefined): boolean
  arm(sessionKey: string, place: AgentPlace, runId: string | undefined): void
  toolBegins(sessionKey: string | undefined, toolCallId: string | undefined): void
  toolEnds(sessionKey: string | undefined, toolCallId: string | undefined): void
  /** A turn of the session has ended. */
  over(sessionKey: string | undefined, runId: string | undefined): void
  /** Starts the clocks of the sessions that a former copy has armed. */
  takeOver(): void
  /** Stops the clocks; the sessions stay armed for the next copy. */
  release(): void
  /** Disarms all. @returns where they were */
  drain(): AgentPlace[]
}

const KEY = Symbol.for("holdfast.session-sync-cloud.armed")
const QUIET_MS = 20_000
const ARMED_MS_MAX = 600_000
/** The host writes the end of a turn to its database a moment after it reports it. */
const SETTLE_MS = 1000

export function openArmed(seesTurns: boolean, fire: (place: AgentPlace) => void): Armed {
  const all = globalThis as { [key: symbol]: Map<string, Session> | undefined }
  const sessions = (all[KEY] ??= new Map())
  const find = (sessionKey: string | undefined): Session | undefined => sessions.get(sessionKey ?? "")

  function watch(sessionKey: string, one: Session): void {
    clearTimeout(one.timer)
    const wake = (): void => {
      if (sessions.get(sessionKey) !== one) return
      if (dueMs(one, seesTurns) > Date.now()) return watch(sessionKey, one)
      sessions.delete(sessionKey)
      fire(one.place)
    }
    one.timer = setTimeout(wake, Math.max(0, dueMs(one, seesTurns) - Date.now()))
    one.timer.unref()
  }

  return {
    has: (sessionKey) => find(sessionKey) !== undefined,
    arm(sessionKey, place, runId) {
      clearTimeout(find(sessionKey)?.timer)
      const nowMs = Date.now()
      const fresh = { activeMs: nowMs, isOver: false, timer: undefined }
      const one: Session = { place, runId, sinceMs: nowMs, tools: new Set(), ...fresh }
      sessions.set(sessionKey, one)
      watch(sessionKey, one)
    },
    toolBegins(sessionKey, toolCallId) {
      const one = find(sessionKey)
      if (one === undefined) return
      one.activeMs = Date.now()
      if (toolCallId !== undefined) one.tools.add(toolCallId)
    },
    toolEnds(sessionKey, toolCallId) {
      const one = find(sessionKey)
      if (one === undefined) return
      one.activeMs = Date.now()
      one.tools.delete(toolCallId ?? "")
    },
    over(sessionKey, runId) {
      const one = find(sessionKey)
      if (sessionKey === undefined || one === undefined) return
      // an earlier turn, which was still at work when the message arrived
      if (one.runId !== undefined && runId !== undefined && one.runId !== runId) return
      one.activeMs = Date.now()
      one.isOver = true
      watch(sessionKey, one)
    },
    takeOver: () => sessions.forEach((one, sessionKey) => watch(sessionKey, one)),
    release: () => sessions.forEach(({ timer }) => clearTimeout(timer)),
    drain() {
      const places = [...sessions.values()].map(({ place, timer }) => {
        clearTimeout(timer)
        return place
      })
      sessions.clear()
      return places
    },
  }
}

function dueMs({ sinceMs, activeMs, tools, isOver }: Session, seesTurns: boolean): number {
  if (isOver) return activeMs + SETTLE_MS
  const lastMs = sinceMs + ARMED_MS_MAX
  if (seesTurns) return lastMs
  return Math.min(lastMs, (tools.size > 0 ? Date.now() : activeMs) + QUIET_MS)
}
