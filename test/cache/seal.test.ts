// A value in Redis is readable where it was put, by whom it was put for, and nowhere else.
import { expect, test } from 'vitest'
import { connectRedis, KEY_PREFIX } from '../../src/cache/redis.ts'
import { RedisStore } from '../../src/cache/redis-store.ts'
import { Seal } from '../../src/cache/seal.ts'
import type { Place } from '../../src/cache/store.ts'
import { Secret } from '../../src/privicore/secret.ts'
import { FLEET_SECRET, looker, silent, someCaller } from '../support/cache.ts'
import { startRedis } from '../support/redis.ts'

test('a value that was touched, or sealed elsewhere, does not open', () => {
  const seal = new Seal(FLEET_SECRET)
  const sealed = seal.close('text', 'scope', 'place')
  expect(seal.open(sealed, 'scope', 'place')).toBe('text')
  expect(seal.open(sealed, 'scope', 'another place')).toBeNull()
  expect(seal.open(sealed, 'another scope', 'place')).toBeNull()
  expect(new Seal(new Secret('another secret, as long as it takes')).open(sealed, 'scope', 'place')).toBeNull()
  for (let at = 0; at < sealed.length; at++) {
    const touched = Buffer.from(sealed)
    touched[at] = (touched[at] as number) ^ 1
    expect(seal.open(touched, 'scope', 'place')).toBeNull()
  }
  expect(seal.open(sealed.subarray(0, 20), 'scope', 'place')).toBeNull()
})

test('a copied or swapped value is refused, counted, and asked for anew', async () => {
  const server = await startRedis()
  const redis = connectRedis([new Secret(server.url)], { log: silent })
  try {
    expect(await redis.ready(2_000)).toBe(true)
    let refused = 0
    const store = new RedisStore({ redis, seal: new Seal(FLEET_SECRET), onRefused: () => refused++ })
    const alice: Place = { partition: someCaller(), area: 'device', field: 'device.list' }
    const bob: Place = { ...alice, partition: someCaller() }
    const storage: Place = { ...alice, area: 'storage' }
    const at = Date.now()
    const keep = async (place: Place, value: string) =>
      store.keep(place, await store.begin(place), { value, at, freshUntil: at + 9_000, staleUntil: at + 9_000 })
    await keep(alice, 'of alice')
    await keep(bob, 'of bob')
    await keep(storage, 'of storage')
    const raw = looker(server.url)
    const key = ({ partition, area }: Place) => `${KEY_PREFIX}cache:{${partition}}:${area}`

    // The value alone.
    await raw.hset(key(bob), 'device.list', (await raw.hgetBuffer(key(alice), 'device.list')) as Buffer)
    expect((await store.look(bob)).kept).toBeNull()
    expect(refused).toBe(1)
    // The whole hash, generation included.
    await raw.copy(key(alice), key(bob), 'REPLACE')
    expect((await store.look(bob)).kept).toBeNull()
    await raw.copy(key(alice), key(storage), 'REPLACE')
    expect((await store.look(storage)).kept).toBeNull()
    expect(refused).toBe(3)
    // A later time, so that it would be fresh again.
    const value = (await raw.hgetBuffer(key(alice), 'device.list')) as Buffer
    await raw.hset(key(alice), 'device.list', Buffer.concat([Buffer.from(String(at + 99)), value.subarray(13)]))
    expect((await store.look(alice)).kept).toBeNull()
    // It does not stand in the way of the next one.
    expect(await store.claim(alice, 'lease', (await store.look(alice)).seen, null)).toMatchObject({ turn: 'ours' })
    await keep(alice, 'anew')
    expect((await store.look(alice)).kept?.value).toBe('anew')
  } finally {
    redis.close()
    await server.close()
  }
})
