/**
 * Flips one bit at a time in a home's state database, as failing memory and disks do. Afterwards
 * backup, check and restore give the right result, or the home reports that its caches were
 * damaged, and repeating the command gives the right result.
 */
import * as assert from "node:assert/strict"
import { randomBytes } from "node:crypto"
import * as fs from "node:fs"
import { join } from "node:path"
import type { TestContext } from "node:test"
import { setMtime } from "../../fixtures/native.ts"
import { pictureOf, type Picture } from "../../fixtures/picture.ts"
import { seededRandom, type SeededRandom } from "../../fixtures/random.ts"
import type { Bytes } from "../base/bytes.ts"
import type { ObjectName } from "../base/ids.ts"
import { isEngineError } from "../base/errors.ts"
import { openRepositoryHome } from "../home/home.ts"
import { check, openHome, openRepository, snapshots, type Home, type Repository } from "../index.ts"
import { memoryStore } from "./memory-store.ts"
import { assertPicture, backupPlace, restoreTo, save, type BackupPlace } from "./backup-place.ts"
import { faultyStore, StoreCrash } from "./faulty-store.ts"

const SEED = process.env["HOLDFAST_SEED"] ?? randomBytes(4).toString("hex")
const PAST = 1_700_000_000_000_000_000n
const SECRET = { kind: "key" as const, bytes: new Uint8Array(32).fill(7) }
const SERIES = "both"

/** A home and its repository at one moment. */
interface Moment {
  readonly home: string
  readonly objects: ReadonlyMap<ObjectName, Bytes>
}

interface Stage {
  readonly place: BackupPlace
  /** Before the last changes of the sources, and after they were saved. */
  readonly moments: readonly Moment[]
  readonly sources: readonly { readonly path: string; readonly picture: Picture }[]
}

export async function flipStateBits(t: TestContext, flips: number): Promise<void> {
  t.diagnostic(`HOLDFAST_SEED=${SEED}`)
  const random = seededRandom(`flips ${SEED}`)
  const stage = await prepare(t, random)
  const seen = { right: 0, reported: 0 }
  const wrong: string[] = []
  for (let i = 0; i < flips; i++) {
    const moment = random.pick(stage.moments)
    const home = openHome({ directory: join(stage.place.folder, `flipped ${i}`), environment: {} })
    fs.cpSync(moment.home, home.identityRoot, { recursive: true })
    const flipped = flipOne(openRepositoryHome(home, stage.place.repository.id).statePath, random)
    try {
      seen[await useHome(stage, home, new Map(moment.objects))]++
    } catch (error) {
      wrong.push(`flip ${i}, ${flipped}: ${error instanceof Error ? (error.stack ?? "") : String(error)}`)
    }
    for (const name of fs.readdirSync(stage.place.folder))
      if (name.startsWith("flipped")) fs.rmSync(join(stage.place.folder, name), { recursive: true })
  }
  assert.deepEqual(wrong, [], `HOLDFAST_SEED=${SEED}`)
  t.diagnostic(`${flips} flips: ${seen.right} made no difference, ${seen.reported} were reported`)
}

/** Avoids most zeros: a small database consists mostly of them. */
function flipOne(file: string, random: SeededRandom): string {
  const bytes = fs.readFileSync(file)
  let at = random.below(bytes.length)
  while (bytes[at] === 0 && random.below(20) > 0) at = random.below(bytes.length)
  const bit = random.below(8)
  bytes[at] = (bytes[at] as number) ^ (1 << bit)
  fs.writeFileSync(file, bytes)
  return `byte ${at} of ${bytes.length}, bit ${bit}`
}

async function useHome(
  { place, sources }: Stage,
  home: Home,
  objects: Map<ObjectName, Bytes>,
): Promise<"right" | "reported"> {
  let reported = false
  const open = (from: Home): Promise<Repository> =>
    openRepository({
      store: memoryStore(objects),
      home: from,
      secret: SECRET,
      write: true,
      label: "x",
      clock: place.clock,
    })
  /** Runs again if the home reports damage, as a person does. */
  const use = async <T>(from: Home, work: (repository: Repository) => Promise<T>): Promise<T> => {
    for (let attempt = 1; ; attempt++) {
      let repository: Repository | undefined
      try {
        repository = await open(from)
        reported ||= repository.session.warnings.some((warning) =>
          /damaged|another program|another version/.test(warning),
        )
        return await work(repository)
      } catch (error) {
        if (!isEngineError(error, "state-damaged") || attempt === 3) throw error
        reported = true
      } finally {
        repository?.close()
      }
    }
  }
  const fresh = openHome({ directory: join(`${home.identityRoot} fresh`), environment: {} })
  try {
    for (const [i, { path, picture }] of sources.entries()) {
      const { at } = await use(home, (repository) => save(repository, path, { series: SERIES }))
      for (const [from, name] of [
        [home, "here"],
        [fresh, "elsewhere"],
      ] as const) {
        const target = `${home.identityRoot} ${name} ${i}`
        const { errors } = await use(from, (repository) => restoreTo(repository, at, target))
        assert.deepEqual(errors, [], name)
        assertPicture(target, picture, `source ${i}, restored ${name}`)
        fs.rmSync(target, { recursive: true })
      }
    }
    const { errors } = await use(fresh, (repository) => check(repository, { readData: true }))
    assert.deepEqual(errors, [])
    const ids = async (repository: Repository): Promise<string[]> =>
      (await snapshots(repository)).map(({ digest }) => digest)
    assert.deepEqual(await use(home, ids), await use(fresh, ids))
  } finally {
    fs.rmSync(fresh.identityRoot, { recursive: true, force: true })
  }
  return reported ? "reported" : "right"
}

async function prepare(t: TestContext, random: SeededRandom): Promise<Stage> {
  const place = await backupPlace(t)
  const paths = ["one", "two"].map((name) => join(place.folder, name))
  for (const path of paths) {
    for (let folder = 0; folder < 12; folder++)
      for (let i = 0; i < 8; i++)
        write(join(path, `folder ${folder}`, `file ${i}`), random.bytes(random.below(3000)))
    write(join(path, "large"), random.bytes(300_000))
    fs.linkSync(join(path, "large"), join(path, "link"))
  }
  const moments: Moment[] = []
  const keep = (): void => {
    const home = join(place.folder, `moment ${moments.length}`)
    fs.cpSync(place.home.identityRoot, home, { recursive: true })
    moments.push({ home, objects: new Map(place.objects) })
  }
  const saveAll = async (): Promise<void> => {
    const repository = await place.open()
    for (const path of paths) await save(repository, path, { series: SERIES })
    repository.close()
  }
  place.repository.close()
  await saveAll()
  for (const path of paths) change(path, random)
  await saveAll()
  for (const path of paths) change(path, random)
  await killedRun(place, paths[0] ?? "")
  for (const path of paths) change(path, random)
  keep()
  await saveAll()
  keep()
  return { place, moments, sources: paths.map((path) => ({ path, picture: pictureOf(path) })) }
}

/** Leaves packs in the journal that no entry lists. */
async function killedRun(place: BackupPlace, source: string): Promise<void> {
  const store = place.store((inner) =>
    faultyStore(inner, ({ method, name }) =>
      method === "put" && name.startsWith("log/") ? "crash-before" : undefined,
    ),
  )
  const repository = await place.open(place.home, store)
  await assert.rejects(save(repository, source, { series: SERIES }), StoreCrash)
  repository.close()
}

function change(path: string, random: SeededRandom): void {
  const folder = (): string =>
    join(path, random.pick(fs.readdirSync(path).filter((name) => name.startsWith("f"))))
  fs.rmSync(folder(), { recursive: true })
  for (let i = 0; i < 3; i++) {
    const [file = "none"] = fs.readdirSync(folder())
    fs.rmSync(join(folder(), file), { force: true })
    write(join(folder(), `new ${random.below(1000)}`), random.bytes(2000))
  }
  write(join(path, "large"), random.bytes(200_000))
}

function write(file: string, content: Uint8Array): void {
  fs.mkdirSync(join(file, ".."), { recursive: true })
  fs.writeFileSync(file, content)
  setMtime(file, PAST)
}
