// One contract for the store of tickets, in process and in Redis.
import { expect, onTestFinished, test } from 'vitest'
import { connectRedis } from '../../src/cache/redis.ts'
import { Seal } from '../../src/cache/seal.ts'
import { type Errand, TICKET_MS, Tickets, TicketUnknown } from '../../src/cache/tickets.ts'
import { Secret } from '../../src/privicore/secret.ts'
import { FLEET_SECRET, looker, silent, someCaller } from '../support/cache.ts'
import { anyRedis, startRedis } from '../support/redis.ts'

const LINK = 'https://stream.example/?auth=a-secret-of-privicore'
const errand: Errand = { direction: 'up', link: new Secret(LINK), fileName: 'films.bin' }

async function connected(url: string) {
  const redis = connectRedis([new Secret(url)], { log: silent })
  onTestFinished(() => redis.close())
  await redis.ready(2_000)
  return redis
}

const stores = [
  ['in process', async () => null],
  [
    'in Redis',
    async () => {
      const server = await anyRedis()
      onTestFinished(() => server.close())
      return connected(server.url)
    },
  ],
] as const

test.each(stores)('%s: a ticket is 256 random bits, and works once', async (_, redis) => {
  const tickets = new Tickets({ seal: new Seal(FLEET_SECRET), redis: await redis() })
  const caller = someCaller()
  const minted = await Promise.all(Array.from({ length: 20 }, () => tickets.mint(caller, errand)))
  const texts = minted.map((ticket) => ticket?.reveal() ?? '')
  expect(new Set(texts).size).toBe(20)
  for (const text of texts) expect(Buffer.from(text, 'base64url')).toHaveLength(32)
  const [ticket = ''] = texts
  const claims = await Promise.all(Array.from({ length: 50 }, () => tickets.claim(ticket, caller, 'up')))
  const taken = claims.filter((claim) => claim !== null)
  expect(taken).toHaveLength(1)
  expect(taken[0]?.errand.link.reveal()).toBe(LINK)
  expect(taken[0]?.errand.fileName).toBe('films.bin')
  expect(await tickets.claim(ticket, caller, 'up')).toBeNull()
})

test.each(stores)('%s: another caller, or the other direction, finds nothing and uses nothing up', async (_, redis) => {
  const tickets = new Tickets({ seal: new Seal(FLEET_SECRET), redis: await redis() })
  const caller = someCaller()
  const ticket = (await tickets.mint(caller, errand))?.reveal() ?? ''
  expect(await tickets.claim(ticket, someCaller(), 'up')).toBeNull()
  expect(await tickets.claim(ticket, '', 'up')).toBeNull()
  expect(await tickets.claim(ticket, caller, 'down')).toBeNull()
  expect(await tickets.look(ticket, someCaller(), 'up')).toBeNull()
  expect((await tickets.look(ticket, caller, 'up'))?.link.reveal()).toBe(LINK)
  expect(await tickets.claim(ticket, caller, 'up')).not.toBeNull()
})

test.each(stores)('%s: what was given back works again, for its remaining time and once', async (_, redis) => {
  let now = Date.now()
  const tickets = new Tickets({ seal: new Seal(FLEET_SECRET), redis: await redis(), clock: () => now })
  const caller = someCaller()
  const ticket = (await tickets.mint(caller, errand))?.reveal() ?? ''
  const first = await tickets.claim(ticket, caller, 'up')
  expect(await first?.giveBack()).toBe(true)
  const second = await tickets.claim(ticket, caller, 'up')
  expect(second?.errand.link.reveal()).toBe(LINK)
  now += TICKET_MS
  expect(await second?.giveBack()).toBe(false)
  expect(await tickets.claim(ticket, caller, 'up')).toBeNull()
})

test.each(stores)('%s: a ticket lives for five minutes, and never past its limit', async (_, redis) => {
  let now = Date.now()
  const tickets = new Tickets({ seal: new Seal(FLEET_SECRET), redis: await redis(), clock: () => now })
  const caller = someCaller()
  const since = now
  const usual = (await tickets.mint(caller, errand))?.reveal() ?? ''
  const short = (await tickets.mint(caller, errand, since + 60_000))?.reveal() ?? ''
  now = since + 59_999
  expect(await tickets.look(short, caller, 'up')).not.toBeNull()
  now = since + 60_000
  expect(await tickets.claim(short, caller, 'up')).toBeNull()
  expect(await tickets.look(usual, caller, 'up')).not.toBeNull()
  now = since + TICKET_MS
  expect(await tickets.claim(usual, caller, 'up')).toBeNull()
  expect(await tickets.mint(caller, errand, now)).toBeNull()
})

test('two instances share tickets and limits; what lies in Redis tells nothing', async () => {
  const server = await startRedis()
  onTestFinished(() => server.close())
  const instance = async () => new Tickets({ seal: new Seal(FLEET_SECRET), redis: await connected(server.url) })
  const [one, other] = [await instance(), await instance()]
  const caller = someCaller()
  const ticket = (await one.mint(caller, errand))?.reveal() ?? ''
  await one.limit(`${caller} a-command`, 4_102_444_800_000)
  expect(await other.limitOf(`${caller} a-command`)).toBe(4_102_444_800_000)
  expect(await other.limitOf(`${caller} another`)).toBe(Number.POSITIVE_INFINITY)
  const redis = looker(server.url)
  const keys = await redis.keys('*')
  const values = await Promise.all(keys.map((key) => redis.dumpBuffer(key)))
  const dump = Buffer.concat([...keys.map((key) => Buffer.from(key)), ...values]).toString('latin1')
  expect(keys).toHaveLength(2)
  for (const secret of [ticket, LINK, 'a-secret', caller, 'films', 'a-command']) expect(dump).not.toContain(secret)
  for (const key of keys) expect(await redis.pttl(key)).toBeGreaterThan(0)
  const claims = await Promise.all([one, other, one, other].map((tickets) => tickets.claim(ticket, caller, 'up')))
  expect(claims.filter((claim) => claim !== null)).toHaveLength(1)
})

test('with Redis away links are minted and used on the instance; those in Redis are neither lost nor used up', async () => {
  const server = await startRedis()
  onTestFinished(() => server.close())
  const redis = await connected(server.url)
  const tickets = new Tickets({ seal: new Seal(FLEET_SECRET), redis })
  const caller = someCaller()
  const inRedis = (await tickets.mint(caller, errand))?.reveal() ?? ''
  server.pause()
  const here = (await tickets.mint(caller, errand))?.reveal() ?? ''
  expect(await tickets.claim(here, caller, 'up')).not.toBeNull()
  await expect.poll(() => redis.up).toBe(false)
  const failure = await tickets.claim(inRedis, caller, 'up').catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(TicketUnknown)
  expect((failure as TicketUnknown).untouched).toBe(true)
  server.resume()
  await expect.poll(() => redis.up, { timeout: 5_000 }).toBe(true)
  expect(await tickets.claim(inRedis, caller, 'up')).not.toBeNull()
})

test('with Redis slow a ticket works once all the same, wherever Redis keeps what it was told too late', async () => {
  const server = await startRedis()
  onTestFinished(() => server.close())
  const redis = await connected(server.url)
  const [one, other] = [redis, await connected(server.url)].map(
    (connection) => new Tickets({ seal: new Seal(FLEET_SECRET), redis: connection }),
  ) as [Tickets, Tickets]
  const caller = someCaller()
  const shared = (await one.mint(caller, errand))?.reveal() ?? ''
  const taken = await one.claim(shared, caller, 'up')
  server.pause()
  // Both are sent, and carried out only when Redis goes on.
  const [minted, again] = await Promise.all([one.mint(caller, errand), taken?.giveBack()])
  const here = minted?.reveal() ?? ''
  expect(again, 'nobody knows').toBe(false)
  expect(await one.claim(here, caller, 'up')).not.toBeNull()
  expect(await one.claim(shared, caller, 'up').catch(() => null)).toBeNull()
  server.resume()
  const inRedis = looker(server.url)
  await expect.poll(() => inRedis.dbsize()).toBe(2)
  await expect.poll(() => redis.up).toBe(true)
  expect(await one.claim(here, caller, 'up')).toBeNull()
  expect(await other.claim(here, caller, 'up')).toBeNull()
  const claims = [await one.claim(shared, caller, 'up'), await other.claim(shared, caller, 'up')]
  expect(claims.filter((claim) => claim !== null)).toHaveLength(1)
})
