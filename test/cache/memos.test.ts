// Whole answers in Redis: true when they are kept, worth nothing once anything of their caller is forgotten, and opened only where they belong.
import { randomUUID } from 'node:crypto'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { SharedTier } from '../../src/cache/fleet-tier.ts'
import type { Recipe } from '../../src/cache/ingredients.ts'
import { Memos } from '../../src/cache/memos.ts'
import type { Area } from '../../src/cache/policy.ts'
import { connectRedis, KEY_PREFIX } from '../../src/cache/redis.ts'
import { RedisMemos } from '../../src/cache/redis-memos.ts'
import { RedisStore } from '../../src/cache/redis-store.ts'
import { Seal } from '../../src/cache/seal.ts'
import { Secret } from '../../src/privicore/secret.ts'
import { createLogger } from '../../src/server/log.ts'
import { FLEET_SECRET, looker, silent, someCaller } from '../support/cache.ts'
import { anyRedis } from '../support/redis.ts'

let redisUrl = ''
beforeEach(async () => {
  const server = await anyRedis()
  onTestFinished(() => server.close())
  redisUrl = server.url
})

async function stores(secret = FLEET_SECRET) {
  const redis = connectRedis([new Secret(redisUrl)], { log: silent })
  onTestFinished(() => redis.close())
  expect(await redis.ready(2_000)).toBe(true)
  let refused = 0
  const seal = new Seal(secret)
  const memos = new RedisMemos({ redis, seal, onRefused: () => refused++ })
  return { memos, store: new RedisStore({ redis, seal }), refusals: () => refused, raw: looker(redisUrl) }
}

const BODY = Buffer.from('{"data":{"devices":[{"name":"a canary"}]}}')

async function recipe(
  { store }: Awaited<ReturnType<typeof stores>>,
  partition: string,
  areas: Area[],
): Promise<Recipe> {
  const generations = new Map<Area, string>()
  for (const area of areas) generations.set(area, await store.begin({ partition, area, field: 'any' }))
  const at = Date.now()
  return { generations, at, freshUntil: at + 5_000.5 }
}

test('is there for its caller and its request alone, and Redis learns neither', async () => {
  const own = await stores()
  const { memos, raw } = own
  const partition = someCaller()
  const request = memos.nameOf('{"query":"{ devices { name } }"}')
  expect(await memos.keep({ partition, request }, await recipe(own, partition, ['device']), BODY)).toBe(true)
  const other = { partition: someCaller(), request }
  const [mine, theirs, another] = await memos.recall([
    { partition, request },
    other,
    { partition, request: memos.nameOf('{"query":"{ devices { status } }"}') },
  ])
  expect(mine?.body.equals(BODY)).toBe(true)
  expect(theirs).toBeNull()
  expect(another).toBeNull()
  const key = `${KEY_PREFIX}answer:{${partition}}:${request}`
  expect(`${key} ${(await raw.getBuffer(key))?.toString('latin1')}`).not.toMatch(/canary|devices/)
  expect(await raw.pttl(key)).toBeLessThanOrEqual(5_000)
})

test('a forget of any area of the caller ends it, of nobody else’s', async () => {
  const own = await stores()
  const { memos, store } = own
  const [alice, bob] = [someCaller(), someCaller()]
  for (const partition of [alice, bob])
    expect(
      await memos.keep({ partition, request: 'r' }, await recipe(own, partition, ['device', 'policy']), BODY),
    ).toBe(true)
  await store.apply({
    partition: alice,
    areas: ['policy'],
    forget: false,
    mark: { id: 'm', until: Date.now() + 9_000 },
  })
  expect(await memos.recall([{ partition: alice, request: 'r' }])).not.toEqual([null])
  await store.apply({ partition: alice, areas: ['policy'], forget: true })
  const [gone, there] = await memos.recall([alice, bob].map((partition) => ({ partition, request: 'r' })))
  expect(gone).toBeNull()
  expect(there).not.toBeNull()
})

test('what was read before a forget is not kept after it, and nothing that is out of date', async () => {
  const own = await stores()
  const { memos, store, raw } = own
  const place = { partition: someCaller(), request: 'r' }
  const before = await recipe(own, place.partition, ['device', 'policy'])
  await store.apply({ partition: place.partition, areas: ['policy'], forget: true })
  expect(await memos.keep(place, before, BODY)).toBe(false)
  const after = await recipe(own, place.partition, ['device', 'policy'])
  expect(await memos.keep(place, { ...after, freshUntil: Date.now() }, BODY)).toBe(false)
  expect(await raw.exists(`${KEY_PREFIX}answer:{${place.partition}}:r`)).toBe(0)
  expect(await memos.keep(place, after, BODY)).toBe(true)
})

test('forgets and keeps at once: what is found afterwards was kept after the last forget', async () => {
  const own = await stores()
  const { memos, store } = own
  const place = { partition: someCaller(), request: 'r' }
  let truth = 0
  const wrong: string[] = []
  const keeping = async () => {
    for (let time = 0; time < 60; time++) {
      const made = await recipe(own, place.partition, ['device'])
      const read = truth
      await new Promise((done) => setImmediate(done))
      await memos.keep(place, made, Buffer.from(String(read)))
    }
  }
  const looking = async () => {
    for (let time = 0; time < 5; time++) {
      const least = truth
      const [memo] = await memos.recall([place])
      if (memo && Number(memo.body) < least) wrong.push(`${memo.body} after ${least}`)
    }
  }
  const forgetting = async () => {
    for (let next = 1; next <= 60; next++) {
      await store.apply({ partition: place.partition, areas: ['device'], forget: true })
      truth = next
      await store.apply({ partition: place.partition, areas: ['device'], forget: true })
      await looking()
    }
  }
  await Promise.all([keeping(), keeping(), forgetting()])
  expect(wrong).toEqual([])
})

test('one that was touched, moved, given another era or sealed under another secret is a miss, and counted', async () => {
  const own = await stores()
  const { memos, raw, refusals } = own
  const [partition, other] = [someCaller(), someCaller()]
  for (const who of [partition, other])
    await memos.keep({ partition: who, request: 'r' }, await recipe(own, who, ['device']), BODY)
  const key = (who: string, request: string) => `${KEY_PREFIX}answer:{${who}}:${request}`
  const sealed = (await raw.getBuffer(key(partition, 'r'))) as Buffer
  const era = (await raw.get(`${KEY_PREFIX}era:{${partition}}`)) as string
  const put = async (name: string, value: Buffer) => {
    await raw.set(name, value, 'PX', 5_000)
    await raw.set(`${KEY_PREFIX}era:{${other}}`, era, 'PX', 5_000)
  }
  const touched = Buffer.from(sealed)
  touched[touched.length - 1] = (touched.at(-1) as number) ^ 1
  const later = Buffer.from(
    sealed.toString('latin1').replace(/(\d)\n/, (_, digit) => `${(Number(digit) + 1) % 10}\n`),
    'latin1',
  )
  const cases = [
    [key(partition, 'r'), touched, partition, 'r'],
    [key(partition, 'r'), later, partition, 'r'],
    [key(partition, 's'), sealed, partition, 's'],
    [key(other, 'r'), sealed, other, 'r'],
    [key(partition, 'r'), Buffer.from('no line'), partition, 'r'],
    [key(partition, 'r'), sealed.subarray(0, 80), partition, 'r'],
  ] as const
  for (const [index, [name, value, who, request]] of cases.entries()) {
    await put(name, value)
    expect(await memos.recall([{ partition: who, request }]), `case ${index}`).toEqual([null])
    expect(refusals(), `case ${index}`).toBe(index + 1)
  }
  await put(key(partition, 'r'), sealed)
  expect(await memos.recall([{ partition, request: 'r' }])).not.toEqual([null])
  const newEra = randomUUID()
  await raw.set(`${KEY_PREFIX}era:{${partition}}`, newEra)
  expect(await memos.recall([{ partition, request: 'r' }])).toEqual([null])
  await put(key(partition, 'r'), Buffer.from(sealed.toString('latin1').replace(era, newEra), 'latin1'))
  expect(await memos.recall([{ partition, request: 'r' }])).toEqual([null])
  expect(refusals()).toBe(cases.length + 1)
  await raw.set(`${KEY_PREFIX}era:{${partition}}`, era)
  await put(key(partition, 'r'), sealed)
  const foreign = await stores(new Secret('a secret of somebody else, which is as long'))
  expect(await foreign.memos.recall([{ partition, request: 'r' }])).toEqual([null])
  expect(foreign.refusals()).toBe(1)
})

test('who fails over its answer keeps none from those that asked with it, and is logged', async () => {
  const own = await stores()
  const lines: string[] = []
  const log = createLogger('error', { write: (line: string) => void lines.push(line) })
  const tier = new SharedTier({ store: own.store, log })
  const memos = new Memos({ store: own.memos, tier, isFresh: () => true, log })
  const caller = someCaller()
  const made = await recipe(own, caller, ['device'])
  for (const request of ['a', 'b']) memos.keep(caller, request, { body: BODY, name: undefined }, made)
  const told = Promise.withResolvers<unknown>()
  memos.look(caller, 'a', () => {
    throw new Error('a bug')
  })
  memos.look(caller, 'b', told.resolve)
  await told.promise
  expect(lines.filter((line) => line.includes('a bug'))).toHaveLength(1)
})
