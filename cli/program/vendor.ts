/**
 * Third-party code that few verbs need, built as files of its own below `dist/vendor/`. The program requires one when
 * a module that imports it runs first; every other verb neither reads nor compiles it. `dist/package.json` gives each
 * bundle of the build a name for these files: `#vendor/zod`.
 */
import { build as bundle, type BuildOptions, type OutputFile, type Plugin } from "esbuild"

interface Vendor {
  readonly packages: readonly string[]
  /** The text of the file's entry: only the names that the project uses, where that makes the file smaller. */
  readonly entry: string
}

const VENDORS: Readonly<Record<string, Vendor>> = {
  zod: { packages: ["zod", "zod/v4"], entry: `export * from "zod/v4"` },
  jsonc: { packages: ["jsonc-parser"], entry: `export * from "jsonc-parser/lib/esm/main.js"` },
  diff: { packages: ["diff"], entry: `export { createTwoFilesPatch } from "diff"` },
  json5: { packages: ["json5"], entry: `module.exports = require("json5")` },
  mcp: {
    packages: ["@modelcontextprotocol/server", "@modelcontextprotocol/server/stdio"],
    entry: `export { McpServer, ResourceTemplate, inputRequired, inputResponse } from "@modelcontextprotocol/server"
      export { serveStdio, StdioServerTransport } from "@modelcontextprotocol/server/stdio"`,
  },
}

/** For `dist/package.json`. */
export const VENDOR_IMPORTS: Readonly<Record<string, string>> = { "#vendor/*": "./vendor/*.js" }

/**
 * Makes an import of these packages a call of `require`. esbuild would copy the names of a required file one by one
 * into each module that imports it. It copies only own properties; here all are on a prototype.
 * @param inside the vendor that is being built, whose own packages stay
 */
export function vendorApart(inside?: string): Plugin {
  const others = Object.entries(VENDORS).filter(([name]) => name !== inside)
  const vendorOf = new Map(others.flatMap(([name, { packages }]) => packages.map((one) => [one, name])))
  return {
    name: "vendor-apart",
    setup(build) {
      build.onResolve({ filter: /^[@a-z]/ }, ({ path }) => {
        const vendor = vendorOf.get(path)
        return vendor === undefined ? undefined : { path: vendor, namespace: "vendor" }
      })
      build.onResolve({ filter: /^#vendor\// }, ({ path }) => ({ path, external: true }))
      build.onLoad({ filter: /.*/, namespace: "vendor" }, ({ path }) => ({
        contents: `module.exports = Object.create(require("#vendor/${path}"))`,
      }))
    },
  }
}

/** Messages in English alone: the other fifty languages are half of the library. */
const english: Plugin = {
  name: "english",
  setup: (build) =>
    build.onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: `export { default as en } from "./en.js"`,
    })),
}

/**
 * The library's own validator of JSON schemas is a third of its size, and checks only a client's answers to questions.
 * The bridge checks these itself, and names another validator.
 */
const noValidator: Plugin = {
  name: "no-validator",
  setup(build) {
    build.onResolve({ filter: /^@modelcontextprotocol\/server\/_shims$/ }, ({ path }) => ({
      path,
      namespace: "shims",
    }))
    build.onLoad({ filter: /.*/, namespace: "shims" }, () => ({
      contents: `const process = globalThis.process
        class DefaultJsonSchemaValidator { constructor() { throw new Error("bug: no validator of JSON schemas is named") } }
        export { process, DefaultJsonSchemaValidator }`,
    }))
  },
}

/** @returns the files, and the paths of the sources that went into them */
export async function bundleVendors(
  common: BuildOptions,
): Promise<{ files: readonly OutputFile[]; inputs: readonly string[] }> {
  const built = await Promise.all(
    Object.entries(VENDORS).map(([name, { entry }]) =>
      bundle({
        ...common,
        stdin: { contents: entry, resolveDir: "." },
        entryNames: `vendor/${name}`,
        bundle: true,
        plugins: [...(common.plugins ?? []), vendorApart(name), english, noValidator],
        metafile: true,
        write: false,
      }),
    ),
  )
  return {
    files: built.flatMap(({ outputFiles }) => outputFiles),
    inputs: built.flatMap(({ metafile }) => Object.keys(metafile.inputs)),
  }
}
