import * as assert from "node:assert/strict"
import { test } from "node:test"
import { dollarsCommitted, dollarsForEgress, dollarsForRequests, dollarsPerMonth } from "./pricing.ts"
import { PROVIDER_PROFILES } from "./provider-profiles.ts"

const { aws, backblaze, wasabi, r2, minio } = PROVIDER_PROFILES
const stored = (bytes: number, objects = 1): { bytes: number; objects: number } => ({ bytes, objects })

function near(found: number | undefined, expected: number): void {
  assert.ok(found !== undefined && Math.abs(found - expected) < 1e-9, `${found} instead of ${expected}`)
}

test("dollarsPerMonth() counts bytes, the minimum object size and the minimum total", () => {
  near(dollarsPerMonth(aws, stored(1e12)), 23)
  near(dollarsPerMonth(backblaze, stored(5e11)), 3.475)
  near(dollarsPerMonth(wasabi, stored(1000)), 7.99)
  near(dollarsPerMonth(wasabi, stored(2e12)), 15.98)
  near(dollarsPerMonth(wasabi, stored(0, 1e9)), 7.99 * 4.096)
  assert.equal(dollarsPerMonth(minio, stored(1e12)), undefined)
})

test("dollarsCommitted() is a month, or the minimum storage time", () => {
  near(dollarsCommitted(aws, stored(1e12)), 23)
  near(dollarsCommitted(wasabi, stored(1e12)), 3 * 7.99)
})

test("dollarsForRequests() and dollarsForEgress() follow the price list", () => {
  near(dollarsForRequests(aws, { put: 60_000, list: 2, get: 0 }), 0.30001)
  near(dollarsForRequests(r2, { put: 1000, list: 0, get: 1000 }), 0.0045 + 0.00036)
  near(dollarsForRequests(wasabi, { put: 1e6, list: 1e6, get: 1e6 }), 0)
  near(dollarsForEgress(aws, 1e12, stored(1e12)), 81)
  near(dollarsForEgress(aws, 1e11, stored(1e12)), 0)
  near(dollarsForEgress(backblaze, 4e12, stored(1e12)), 10)
  near(dollarsForEgress(r2, 1e15, stored(1)), 0)
  assert.equal(dollarsForEgress(minio, 1e12, stored(1)), undefined)
})
