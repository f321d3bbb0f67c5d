/**
 * A repository on disk whose objects are damaged in turn: a bit flipped, cut short, swapped with another, or
 * removed. Each time the program checks and restores, from a home that knows the repository and from an empty one:
 * the damaged object is named, and every file in the target is right.
 */
import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import { dirname, join } from "node:path"
import type { TestContext } from "node:test"
import { differences, pictureOf, type Picture } from "../../fixtures/picture.ts"
import { seededRandom, type SeededRandom } from "../../fixtures/random.ts"
import { sandbox, type Outcome, type Sandbox } from "./run-cli.ts"

export interface DamageSweep {
  readonly seed: string
  readonly count: number
}

interface Place {
  readonly box: Sandbox
  /** By name. */
  readonly objects: ReadonlyMap<string, Buffer>
  readonly snapshots: readonly { readonly id: string; readonly picture: Picture }[]
}

interface Damage {
  readonly what: string
  /** The names of the damaged objects. */
  readonly names: readonly string[]
  /** The new bytes; undefined removes the object. */
  readonly changes: ReadonlyMap<string, Buffer | undefined>
}

export function damageSweep(t: TestContext, { seed, count }: DamageSweep): void {
  const random = seededRandom(seed)
  const place = makePlace(sandbox(t), random)
  const figures = { restored: 0, refused: 0 }
  for (let number = 0; number < count; number++) {
    const damage = drawDamage(place, random)
    const isStranger = random.below(3) === 0
    const told = `seed ${seed}, damage ${number}, ${isStranger ? "an empty home" : "known"}: ${damage.what}`
    put(place, damage.changes)
    try {
      assertNamed(place, damage, isStranger)
      const isWhole = assertRight(place, random.pick(place.snapshots), isStranger)
      figures[isWhole ? "restored" : "refused"]++
    } catch (cause) {
      throw new Error(`${told}: ${String(cause)}`, { cause })
    } finally {
      put(place, new Map(damage.names.map((name) => [name, place.objects.get(name)])))
    }
  }
  assert.equal(place.box.must("check", "--read-data", "--json").last["num_errors"], 0, "all was put back")
  t.diagnostic(`HOLDFAST_SEED=${seed}: ${JSON.stringify(figures)}`)
  assert.ok(figures.restored > 0 && figures.refused > 0)
}

/** Three snapshots by two devices; small packs and a large one. */
function makePlace(box: Sandbox, random: SeededRandom): Place {
  const source = box.path("source")
  const write = (name: string, content: string | Buffer): void => {
    fs.mkdirSync(dirname(join(source, name)), { recursive: true })
    fs.writeFileSync(join(source, name), content)
  }
  for (let i = 0; i < 40; i++)
    write(`folder ${i % 4}/note ${i}.md`, `note ${i}\n`.repeat(random.between(1, 400)))
  write("large", random.bytes(4_000_000))
  fs.linkSync(join(source, "large"), join(source, "the same"))
  fs.symlinkSync("large", join(source, "link"))
  box.must("init", "--recovery-words-file", box.path("words"))
  const snapshots: { id: string; picture: Picture }[] = []
  const save = (home: string): void => {
    const environment = { ...usual(box), HOLDFAST_HOME: box.path(home) }
    const { code, err, last } = box.runWith(environment, ["backup", source, "--json"])
    assert.equal(code, 0, err)
    snapshots.push({ id: String(last["snapshot_id"]), picture: pictureOf(source) })
  }
  save("home")
  write("folder 1/note 1.md", "changed\n")
  save("home")
  write("folder 2/later", random.bytes(50_000))
  save("second")
  // the first device sees the second one's snapshot
  assert.equal(box.must("snapshots", "--json").lines.length, 3)
  const names = fs.readdirSync(box.repository, { recursive: true, encoding: "utf8" })
  const files = names.filter((name) => fs.statSync(join(box.repository, name)).isFile())
  return {
    box,
    snapshots,
    objects: new Map(files.map((name) => [name, fs.readFileSync(join(box.repository, name))])),
  }
}

function usual(box: Sandbox): Record<string, string> {
  return { HOLDFAST_REPOSITORY: box.repository, HOLDFAST_KEY_FILE: box.keyFile }
}

function drawDamage({ objects }: Place, random: SeededRandom): Damage {
  const names = [...objects.keys()].toSorted()
  const name = random.pick(names)
  const bytes = objects.get(name) ?? assert.fail()
  switch (random.below(4)) {
    case 0: {
      const bit = random.below(bytes.length * 8)
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      return { what: `bit ${bit} of ${name}`, names: [name], changes: new Map([[name, flipped]]) }
    }
    case 1: {
      const cut = bytes.subarray(0, random.below(bytes.length))
      return { what: `${name} cut to ${cut.length}`, names: [name], changes: new Map([[name, cut]]) }
    }
    case 2: {
      const other = random.pick(names.filter((each) => each !== name))
      const changes = new Map([
        [name, objects.get(other)],
        [other, bytes],
      ])
      return { what: `${name} and ${other} swapped`, names: [name, other], changes }
    }
    default:
      return { what: `${name} removed`, names: [name], changes: new Map([[name, undefined]]) }
  }
}

function put({ box }: Place, changes: ReadonlyMap<string, Buffer | undefined>): void {
  for (const [name, bytes] of changes) {
    const path = join(box.repository, name)
    fs.rmSync(path, { force: true })
    if (bytes !== undefined) fs.writeFileSync(path, bytes)
  }
}

/** From a copy of the home, so that the home itself does not change; or from an empty one. */
function runFrom({ box }: Place, isStranger: boolean, words: readonly string[]): Outcome {
  const home = box.path("tried")
  fs.rmSync(home, { recursive: true, force: true })
  if (!isStranger) fs.cpSync(box.path("home"), home, { recursive: true, preserveTimestamps: true })
  const outcome = box.runWith({ ...usual(box), HOLDFAST_HOME: home }, words)
  assert.doesNotMatch(outcome.err, /\n\s+at |internal error/)
  return outcome
}

function assertNamed(place: Place, { names, changes }: Damage, isStranger: boolean): void {
  const { code, out, err, last } = runFrom(place, isStranger, ["check", "--read-data", "--json"])
  // for a device that never saw the last entry of a chain, nothing is left that names it
  const isUnseen = (name: string): boolean =>
    isStranger && changes.get(name) === undefined && name.includes(place.snapshots.at(-1)?.id ?? "")
  const seen = names.filter((name) => !isUnseen(name))
  if (seen.length === 0) return
  const named = seen.filter((name) => out.includes(name) || err.includes(name))
  if (last["message_type"] === "summary") {
    assert.ok(code === 13 || code === 14, `check ended with ${code}`)
    assert.deepEqual(named, seen, out + err)
  } else {
    // without the object `repository`, a keyslot or the trust state an empty home opens nothing
    assert.ok(isStranger && seen.some((name) => /^(repository$|keys\/|log\/trust\/)/.test(name)), out + err)
    const isNamed =
      named.length > 0 || seen.every((name) => name.startsWith("log/trust/") && err.includes("log/trust"))
    // a number in it may have become one of a later format
    const isRefused = code === 13 || code === 14 || code === 15
    assert.ok(code === 10 || (isRefused && isNamed), `check ended with ${code}\n${err}`)
  }
}

/** True if everything was restored; otherwise the program reported it, and every file in the target is right. */
function assertRight(
  place: Place,
  { id, picture }: Place["snapshots"][number],
  isStranger: boolean,
): boolean {
  const target = place.box.path("out")
  fs.rmSync(target, { recursive: true, force: true })
  const { code, out, err } = runFrom(place, isStranger, ["restore", id, "--target", target, "--json"])
  if (code === 0) {
    assert.deepEqual(differences(picture, pictureOf(target)), [], out + err)
    return true
  }
  assert.match(err, /"exit_error"|^$/m)
  if (fs.existsSync(target)) {
    for (const [path, line] of pictureOf(target)) {
      const content = / \d+ bytes [0-9a-f]+/
      if (!line.startsWith("file")) continue
      assert.equal(content.exec(line)?.[0], content.exec(picture.get(path) ?? "")?.[0], `${path} is wrong`)
    }
  }
  return false
}
