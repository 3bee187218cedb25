// One contract, every store.
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { SharedTier } from '../../src/cache/fleet-tier.ts'
import { MemoryStore } from '../../src/cache/memory.ts'
import { connectRedis, type RedisConnection } from '../../src/cache/redis.ts'
import { RedisStore } from '../../src/cache/redis-store.ts'
import { Seal } from '../../src/cache/seal.ts'
import type { Place, SharedStore, Store } from '../../src/cache/store.ts'
import { Secret } from '../../src/privicore/secret.ts'
import { FLEET_SECRET, misbehaving, silent, someCaller } from '../support/cache.ts'
import { anyRedis, type RedisServer, startRedis } from '../support/redis.ts'

let server: Awaited<ReturnType<typeof anyRedis>>
let redis: RedisConnection
let clusterServer: RedisServer
let cluster: RedisConnection
beforeAll(async () => {
  server = await anyRedis()
  redis = connectRedis([new Secret(server.url)], { log: silent })
  expect(await redis.ready(2_000)).toBe(true)
  // A cluster of one node refuses what touches two slots at once, as any does.
  clusterServer = await startRedis(['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'])
  const node = new Redis(clusterServer.url)
  await node.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
  await vi.waitFor(async () => expect(String(await node.call('CLUSTER', 'INFO'))).toContain('cluster_state:ok'), 5_000)
  node.disconnect()
  const url = new Secret(clusterServer.url)
  cluster = connectRedis([url, url], { log: silent })
  expect(await cluster.ready(5_000)).toBe(true)
})
afterAll(async () => {
  redis.close()
  cluster.close()
  await Promise.all([server.close(), clusterServer.close()])
})

const stores: Record<string, () => Store> = {
  'in this process': () => new MemoryStore(1024 * 1024),
  'in Redis': () => new RedisStore({ redis, seal: new Seal(FLEET_SECRET) }),
  'in a Redis cluster': () => new RedisStore({ redis: cluster, seal: new Seal(FLEET_SECRET) }),
  'in Redis, slow': () =>
    misbehaving(new RedisStore({ redis, seal: new Seal(FLEET_SECRET) }), async () => {
      await new Promise((done) => setTimeout(done, 10))
      return 'go on' as const
    }),
}

function place(field = 'device.list', partition = someCaller()): Place {
  return { partition, area: 'device', field }
}

function kept(value: unknown) {
  const at = Date.now()
  return { value, at, freshUntil: at + 10_000, staleUntil: at + 20_000 }
}

describe.each(Object.entries(stores))('a store %s', (_, make) => {
  test('answers what was kept, with its times', async () => {
    const store = make()
    const here = place()
    const rows = [{ id: 'a', name: 'Ünïcode ✓', meta: { nested: [1, null, true] } }]
    const entry = kept(rows)
    expect((await store.look(here)).kept).toBeNull()
    expect(await store.keep(here, await store.begin(here), entry)).toBe(true)
    expect((await store.look(here)).kept).toMatchObject(entry)
  })

  test('keeps callers, and arguments, apart', async () => {
    const store = make()
    const [alice, bob] = [place(), place()]
    const named = { ...alice, field: 'device.list ["x"]' }
    await store.keep(alice, await store.begin(alice), kept('of alice'))
    await store.keep(named, await store.begin(named), kept('with arguments'))
    expect((await store.look(bob)).kept).toBeNull()
    expect((await store.look({ ...alice, field: 'device.list ["y"]' })).kept).toBeNull()
    expect((await store.look(alice)).kept?.value).toBe('of alice')
    expect((await store.look(named)).kept?.value).toBe('with arguments')
  })

  test('forgets an area of one caller, and nothing else', async () => {
    const store = make()
    const [device, other] = [place(), place()]
    const storage: Place = { ...device, area: 'storage', field: 'storage.list' }
    for (const one of [device, storage, other]) await store.keep(one, await store.begin(one), kept(one.field))
    await store.apply({ partition: device.partition, areas: ['device'], forget: true })
    expect((await store.look(device)).kept).toBeNull()
    expect((await store.look(storage)).kept).not.toBeNull()
    expect((await store.look(other)).kept).not.toBeNull()
  })

  test('a fill that began before a forget loses to it', async () => {
    const store = make()
    const here = place()
    const before = await store.begin(here)
    await store.apply({ partition: here.partition, areas: ['device'], forget: true })
    expect(await store.keep(here, before, kept('the old truth'))).toBe(false)
    expect((await store.look(here)).kept).toBeNull()
    expect(await store.keep(here, await store.begin(here), kept('the new one'))).toBe(true)
    expect(await store.keep(here, before, kept('the old truth'))).toBe(false)
    expect((await store.look(here)).kept?.value).toBe('the new one')
  })

  test('an area is changing while one of its marks stands', async () => {
    const store = make()
    const here = place()
    const change = { partition: here.partition, areas: ['device'] as const, forget: false }
    const until = Date.now() + 10_000
    await store.apply({ ...change, mark: { id: 'one', until } })
    await store.apply({ ...change, forget: true, mark: { id: 'two', until } })
    expect((await store.look(here)).changing).toBe(true)
    await store.apply({ ...change, unmark: 'one' })
    expect((await store.look(here)).changing).toBe(true)
    await store.apply({ ...change, unmark: 'two', mark: { id: 'three', until: Date.now() + 30 } })
    expect((await store.look(here)).changing).toBe(true)
    await expect.poll(async () => (await store.look(here)).changing, { interval: 10, timeout: 500 }).toBe(false)
  })

  test('a mark does not outlive its time, however many came', async () => {
    const store = make()
    const here = place()
    const change = { partition: here.partition, areas: ['device'] as const, forget: false }
    const until = Date.now() + 1_500
    const marks = Array.from({ length: 200 }, () => ({ id: someCaller(), until }))
    await Promise.all(marks.map((mark) => store.apply({ ...change, mark })))
    expect((await store.look(here)).changing).toBe(true)
    await expect.poll(async () => (await store.look(here)).changing, { interval: 50, timeout: 3_000 }).toBe(false)
  })
})

describe.each(['in Redis', 'in a Redis cluster'])('turns, %s', (name) => {
  const make = () => (stores[name] as () => Store)() as SharedStore

  test('one at a time; whoever waited hears how it went, whoever comes later does not', async () => {
    const store = make()
    const here = place()
    const ours = await store.claim(here, 'ours', '', null)
    expect(ours).toMatchObject({ turn: 'ours', changing: false })
    expect(await store.claim(here, 'next', '', null)).toEqual({ turn: 'theirs', lease: 'ours' })
    await store.release(here, 'not ours', 'NOT_FOUND 404 ')
    expect(await store.claim(here, 'next', '', null)).toEqual({ turn: 'theirs', lease: 'ours' })
    await store.release(here, 'ours', 'NOT_FOUND 404 ')
    expect(await store.claim(here, 'next', '', 'ours')).toEqual({ turn: 'failed', reason: 'NOT_FOUND 404 ' })
    expect(await store.claim(here, 'later', '', null)).toMatchObject({ turn: 'ours' })
    await store.release(here, 'later', null)
    expect(await store.claim(here, 'last', '', 'later')).toMatchObject({ turn: 'ours' })
  })

  test('a value that has come since is told of, and ends the turn', async () => {
    const store = make()
    const here = place()
    const ours = await store.claim(here, 'ours', '', null)
    expect(await store.keep(here, ours.turn === 'ours' ? ours.generation : '', kept('value'), 'ours')).toBe(true)
    expect(await store.claim(here, 'next', '', 'ours')).toEqual({ turn: 'filled' })
    expect(await store.claim(here, 'next', (await store.look(here)).seen, null)).toMatchObject({ turn: 'ours' })
  })

  test('a turn ends by itself unless it is renewed', async () => {
    const store = make()
    const here = place()
    await store.claim(here, 'ours', '', null)
    await new Promise((done) => setTimeout(done, 700))
    await store.renew(here, 'ours')
    await new Promise((done) => setTimeout(done, 700))
    expect(await store.claim(here, 'next', '', null)).toMatchObject({ turn: 'theirs' })
    await expect.poll(async () => (await store.claim(here, 'next', '', null)).turn, { timeout: 2_000 }).toBe('ours')
  })
})

test('a store that hangs costs a tenth of a second, once', async () => {
  const tier = new SharedTier({
    store: misbehaving(new RedisStore({ redis, seal: new Seal(FLEET_SECRET) }), () => new Promise(() => {})),
    log: silent,
  })
  const startedAt = performance.now()
  for (let n = 0; n < 20; n++) expect(await tier.look(place())).toBeNull()
  expect(performance.now() - startedAt).toBeLessThan(200)
  tier.close()
})
