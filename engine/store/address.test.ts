import * as assert from "node:assert/strict"
import { test } from "node:test"
import * as fc from "fast-check"
import { EngineError } from "../base/errors.ts"
import { formatAddress, parseAddress, parseEndpoint } from "./address.ts"

const s3 = (bucket: string, prefix: string, endpoint?: string): object => ({
  kind: "s3",
  bucket,
  prefix,
  endpoint,
})

test("parseAddress() reads paths and both ways to write S3", () => {
  const cases: [string, object][] = [
    ["/backup/repo", { kind: "local", path: "/backup/repo" }],
    ["repo", { kind: "local", path: "repo" }],
    ["odd:name", { kind: "local", path: "odd:name" }],
    ["./b2:x", { kind: "local", path: "./b2:x" }],
    ["local:b2:x", { kind: "local", path: "b2:x" }],
    ["s3://bucket", s3("bucket", "")],
    ["s3://bucket/", s3("bucket", "")],
    ["S3://bucket/a//b/", s3("bucket", "a/b")],
    ["s3:https://host/bucket/a/b", s3("bucket", "a/b", "https://host")],
    ["s3:http://127.0.0.1:9000/bucket", s3("bucket", "", "http://127.0.0.1:9000")],
    ["s3:s3.amazonaws.com/bucket/a", s3("bucket", "a", "https://s3.amazonaws.com")],
    ["s3:https://HOST:443/bucket/a%20b", s3("bucket", "a b", "https://host")],
  ]
  for (const [location, address] of cases) assert.deepEqual(parseAddress(location), address, location)
})

test("parseAddress() refuses what it doesn't understand, and never repeats a secret", () => {
  const cases: [string, string][] = [
    ["", "store-address"],
    ["local:", "store-address"],
    ["sftp:user@host:/repo", "store-scheme"],
    ["https://host/bucket", "store-scheme"],
    ["s3://", "store-address"],
    ["s3://b", "store-address"],
    ["s3://bucket/../other", "store-address"],
    ["s3:https:///bucket", "store-address"],
    ["s3:https://host", "store-address"],
    ["s3:https://host/bucket?x=1", "store-address"],
    ["s3:https://host/bucket/%zz", "store-address"],
    ["s3:https://key:hunter2@host/bucket", "secret-in-address"],
    ["s3:key:hunter2@host/bucket", "secret-in-address"],
    ["s3://key:hunter2@host", "secret-in-address"],
    ["S3://KEY:hunter2@host/bucket/prefix", "secret-in-address"],
    ["s3://key:hunter2/with/slashes@host/bucket", "secret-in-address"],
    ["s3:https://key:hunter2/1@host/bucket", "secret-in-address"],
    ["s3:http://hunter2@host/bucket", "secret-in-address"],
    ["s3://hunter2@host/bucket", "secret-in-address"],
    ["minio://key:hunter2@host/bucket", "secret-in-address"],
    ["minio:key:hunter2@host/bucket", "secret-in-address"],
    ["sftp://me:hunter2@host/repository", "secret-in-address"],
    ["rest:https://me:hunter2@host/", "secret-in-address"],
    ["me:hunter2@host:/repository", "secret-in-address"],
  ]
  for (const [location, code] of cases) {
    assert.throws(
      () => parseAddress(location),
      (error) => error instanceof EngineError && error.code === code && !error.message.includes("hunter2"),
      location,
    )
  }
})

test("parseAddress() accepts colons and at signs that aren't part of credentials", () => {
  const locations = [
    "/mnt/a:b@c/repository",
    "./a:b@c",
    "local:a:b@c",
    "me@home/repository",
    "s3://bucket/me@home",
    "s3:https://host/bucket/me@home",
    "s3:https://host:9000/bucket/me@home",
    "s3:http://[::1]:9000/bucket/me@home",
    "s3:host:9000/bucket/a:b@c",
  ]
  for (const location of locations) assert.doesNotThrow(() => parseAddress(location), location)
})

test("formatAddress() is the inverse of parseAddress()", () => {
  const part = fc.stringMatching(/^[a-z0-9][a-z0-9-]{2,8}$/)
  const endpoint = fc.constantFrom(undefined, "https://host", "http://127.0.0.1:9000")
  const prefix = fc.array(part, { maxLength: 3 }).map((parts) => parts.join("/"))
  fc.assert(
    fc.property(part, prefix, endpoint, (bucket, prefix_, endpoint_) => {
      const address = { kind: "s3", bucket, prefix: prefix_, endpoint: endpoint_ } as const
      assert.deepEqual(parseAddress(formatAddress(address)), address)
    }),
  )
  for (const path of [
    "/a/b",
    "a",
    "b2:x",
    "s3:x",
    "s3://bucket/x",
    "local:x",
    "S3:x",
    " a ",
    "a\nb",
    "-r",
    "50%",
  ]) {
    assert.deepEqual(parseAddress(formatAddress({ kind: "local", path })), { kind: "local", path })
  }
})

test("formatAddress() returns every location that parseAddress() accepts, whatever its characters", () => {
  const odd = fc.constantFrom(
    "%",
    "%20",
    "%2e",
    "?",
    "#",
    " ",
    "+",
    "&",
    "'",
    '"',
    "ü",
    "\u2028",
    "|",
    "~",
    "..",
    "[",
    "日",
  )
  const part = fc.array(fc.oneof(odd, fc.string({ unit: "grapheme" })), { maxLength: 4 })
  fc.assert(
    fc.property(fc.array(part, { maxLength: 3 }), fc.boolean(), (parts, hasEndpoint) => {
      const typed = `s3://bucket/${parts.map((each) => each.join("")).join("/")}`
      let address
      try {
        address = { ...parseAddress(typed), ...(hasEndpoint ? { endpoint: "http://127.0.0.1:9000" } : {}) }
      } catch (error) {
        assert.ok(error instanceof EngineError)
        return
      }
      const name = formatAddress(address)
      assert.deepEqual(parseAddress(name), address)
      assert.equal(formatAddress(parseAddress(name)), name)
    }),
    { numRuns: 2_000 },
  )
})

test("parseEndpoint() reduces an endpoint to scheme, host and port", () => {
  assert.equal(parseEndpoint("s3.example.com"), "https://s3.example.com")
  assert.equal(parseEndpoint("http://LOCALHOST:9000/"), "http://localhost:9000")
  for (const bad of ["https://host/bucket", "https://a:b@host", "https://", "http://ho st"]) {
    assert.throws(() => parseEndpoint(bad), EngineError, bad)
  }
})
