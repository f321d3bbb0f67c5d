/**
 * The targets of `bench/targets.json` against a result. A target bounds the ratio of this project to a rival in one
 * row (paired by repetition), or how much a cost a file or byte grows from one scenario to a larger one. A missed
 * held target fails the check; open ones are only reported.
 */
import { readFileSync } from "node:fs"
import { bestPeer, median, own, pairedRatio, rowsOf } from "./rows.ts"
import type { BenchResult, ScenarioResult } from "./sample.ts"

export interface Target {
  readonly scenario: string
  readonly row: string
  /** A peer's name, or "best": the best rival of that row. */
  readonly against?: string
  /** Instead of a rival: this project's own cost in a smaller scenario, for each file or byte, or as it is. */
  readonly growsFrom?: { readonly scenario: string; readonly per: "file" | "byte" | "none" }
  readonly ratioMax?: number
  /** Instead of a ratio: the largest figure, judged by the program of that scenario. */
  readonly max?: number
  readonly held: boolean
}

export interface Verdict {
  readonly target: Target
  /** Undefined if the result lacks the numbers that the target compares. */
  readonly ratio: number | undefined
  readonly rival: string
  readonly met: boolean
}

export function readTargets(file: string): Target[] {
  const targets = JSON.parse(readFileSync(file, "utf8")) as Target[]
  for (const target of targets) {
    const whole =
      typeof target.scenario === "string" &&
      typeof target.row === "string" &&
      (typeof target.ratioMax === "number") !== (typeof target.max === "number") &&
      typeof target.held === "boolean" &&
      [target.against, target.growsFrom, target.max].filter((each) => each !== undefined).length === 1
    if (!whole) throw new Error(`${file}: not a target: ${JSON.stringify(target)}`)
  }
  return targets
}

export function judge(targets: readonly Target[], result: BenchResult): Verdict[] {
  const find = (name: string): ScenarioResult | undefined =>
    result.scenarios.find(({ scenario, cold }) => scenario === name && !cold)
  return targets.flatMap((target) => {
    const { ratioMax } = target
    if (ratioMax === undefined) return []
    const scenario = find(target.scenario)
    const smaller = target.growsFrom === undefined ? undefined : find(target.growsFrom.scenario)
    const [ratio, rival] =
      target.growsFrom === undefined
        ? againstRival(target, scenario)
        : [growth(target, scenario, smaller), target.growsFrom.scenario]
    const known = ratio !== undefined && Number.isFinite(ratio)
    return { target, rival, ratio: known ? ratio : undefined, met: known && ratio <= ratioMax }
  })
}

function againstRival(target: Target, result: ScenarioResult | undefined): [number | undefined, string] {
  const row = result && rowsOf(result).find(({ key }) => key === target.row)
  const rival = target.against === "best" ? row && bestPeer(row) : target.against
  if (row === undefined || rival === undefined) return [undefined, target.against ?? ""]
  return [pairedRatio(row, own, rival), rival]
}

function growth(
  target: Target,
  larger: ScenarioResult | undefined,
  smaller: ScenarioResult | undefined,
): number | undefined {
  if (larger === undefined || smaller === undefined) return undefined
  const cost = (result: ScenarioResult): number => {
    const row = rowsOf(result).find(({ key }) => key === target.row)
    const per = target.growsFrom?.per
    const amount = per === "file" ? result.sourceFiles : per === "byte" ? result.sourceBytes : 1
    return median(row?.values.get(own) ?? []) / amount
  }
  return cost(larger) / cost(smaller)
}

export function describeVerdict({ target, ratio, rival, met }: Verdict): string {
  const mark = ratio === undefined ? "not measured" : met ? "met" : target.held ? "MISSED" : "open"
  const found = ratio === undefined ? "" : ` ${ratio.toFixed(3)}`
  return `${mark}: ${target.scenario} ${target.row} against ${rival}:${found} (at most ${target.ratioMax})`
}
