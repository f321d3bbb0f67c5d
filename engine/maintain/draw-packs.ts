/** Which packs `check --read-data-subset` reads. spec/check.md. */
import { EngineError } from "../base/errors.ts"
import type { Digest } from "../base/ids.ts"
import type { Random } from "../base/ports.ts"
import type { Subset } from "./check-request.ts"

/** Throws invalid "subset". */
export function checkSubset(subset: Subset): void {
  const isRight =
    "share" in subset
      ? subset.share > 0 && subset.share <= 1
      : "bytes" in subset
        ? subset.bytes > 0
        : isWhole(subset.part) && isWhole(subset.of) && subset.part <= subset.of
  if (!isRight)
    throw new EngineError(
      "invalid",
      "subset",
      "a subset is a share of at most 1, a size, or a part of a whole",
    )
}

function isWhole(number: number): boolean {
  return Number.isSafeInteger(number) && number >= 1
}

/** A share or a size is at least one pack, unless there are no packs. A part may be empty. */
export function drawPacks(
  packs: ReadonlyMap<Digest, number>,
  subset: Subset,
  random: Random,
): readonly Digest[] {
  const names = [...packs.keys()]
  if ("part" in subset) return names.filter((name) => groupOf(name, subset.of) === subset.part)
  if ("share" in subset && subset.share >= 1) return names
  const shuffled = shuffle(names, random)
  if ("share" in subset) return shuffled.slice(0, Math.max(1, Math.ceil(names.length * subset.share)))
  let bytes = 0
  const end = shuffled.findIndex((name) => (bytes += packs.get(name) ?? 0) >= subset.bytes)
  return end === -1 ? names : shuffled.slice(0, end + 1)
}

/** From 1 to `of`. A digest is as good as random. */
function groupOf(name: Digest, of: number): number {
  return Number(BigInt(`0x${name.slice(-16)}`) % BigInt(of)) + 1
}

function shuffle<T>(items: readonly T[], random: Random): readonly T[] {
  if (items.length === 0) return items
  const draws = new DataView(random.bytes(items.length * 4).buffer)
  return items
    .map((item, i) => ({ item, key: draws.getUint32(i * 4) }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ item }) => item)
}
