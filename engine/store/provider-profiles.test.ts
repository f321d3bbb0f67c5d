import * as assert from "node:assert/strict"
import { test } from "node:test"
import {
  PROVIDER_PROFILES,
  profileOfEndpoint,
  profileOfServer,
  regionOfEndpoint,
} from "./provider-profiles.ts"

test("profileOfEndpoint() and regionOfEndpoint() recognise a provider and a region by the host", () => {
  const cases: [string | undefined, string, string | undefined][] = [
    [undefined, "aws", undefined],
    ["https://s3.amazonaws.com", "aws", undefined],
    ["https://s3.eu-central-1.amazonaws.com", "aws", "eu-central-1"],
    ["https://s3.dualstack.us-east-2.amazonaws.com", "aws", "us-east-2"],
    ["https://s3-ap-southeast-2.amazonaws.com", "aws", "ap-southeast-2"],
    ["https://s3.us-west-004.backblazeb2.com", "backblaze", "us-west-004"],
    ["https://s3.wasabisys.com", "wasabi", "us-east-1"],
    ["https://s3.eu-central-2.wasabisys.com", "wasabi", "eu-central-2"],
    ["https://0123abcd.r2.cloudflarestorage.com", "r2", "auto"],
    ["https://0123abcd.eu.r2.cloudflarestorage.com", "r2", "auto"],
    ["http://127.0.0.1:9000", "custom", "us-east-1"],
    ["https://amazonaws.com.example.org", "custom", "us-east-1"],
  ]
  for (const [endpoint, id, region] of cases) {
    const profile = profileOfEndpoint(endpoint)
    assert.deepEqual([profile.id, regionOfEndpoint(profile, endpoint)], [id, region], endpoint)
  }
})

test("profileOfServer() uses a server's name only if its host is unknown", () => {
  const { custom, wasabi } = PROVIDER_PROFILES
  assert.equal(profileOfServer(custom, "MinIO").id, "minio")
  assert.equal(profileOfServer(custom, "Ceph Object Gateway (reef)").id, "ceph")
  assert.equal(profileOfServer(custom, "nginx").id, "custom")
  assert.equal(profileOfServer(custom, undefined).id, "custom")
  assert.equal(profileOfServer(wasabi, "MinIO").id, "wasabi")
})

test("PROVIDER_PROFILES are keyed by their own ids, and every price has a date", () => {
  for (const [id, profile] of Object.entries(PROVIDER_PROFILES)) {
    assert.equal(profile.id, id)
    if (profile.prices !== undefined) assert.match(profile.prices.asOf, /^20\d\d-\d\d-\d\d$/)
  }
})
