import assert from "node:assert/strict"
import { test } from "node:test"
import { PACK_BYTES } from "../format/pack.ts"
import { createPackRooms, giveRoom, takeRoom } from "./pack-rooms.ts"

test("takeRoom() gives each room to one at a time, and those given back come again", () => {
  const rooms = createPackRooms(3)
  assert.deepEqual(
    rooms.rooms.map((room) => room.length),
    [PACK_BYTES, PACK_BYTES, PACK_BYTES],
  )
  assert.deepEqual(new Set([takeRoom(rooms), takeRoom(rooms), takeRoom(rooms)]), new Set([0, 1, 2]))
  giveRoom(rooms, 1)
  assert.equal(takeRoom(rooms), 1)
  giveRoom(rooms, 2)
  giveRoom(rooms, 0)
  assert.deepEqual(new Set([takeRoom(rooms), takeRoom(rooms)]), new Set([0, 2]))
})
