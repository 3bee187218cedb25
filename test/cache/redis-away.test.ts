// No read fails for Redis' sake: killed, paused, full, emptied, or lying.
import { expect, onTestFinished, test } from 'vitest'
import { instance, looker, misbehaving, someCaller, upstream } from '../support/cache.ts'
import { startRedis } from '../support/redis.ts'

async function redis(settings: readonly string[] = []) {
  const server = await startRedis(settings)
  onTestFinished(() => server.close())
  return server
}

const PATIENCE = { timeout: 6_000, interval: 25 }

test('killed: reads go on, forgetting goes on, and Redis is used again when it is back', async () => {
  const server = await redis()
  const [one, two] = await Promise.all([instance({ redisUrl: server.url }), instance({ redisUrl: server.url })])
  const caller = someCaller()
  let truth = 'old'
  const list = upstream(() => truth)
  expect(await one.ask(caller, 'device.list', list)).toBe('old')
  await server.kill()
  await expect.poll(() => one.redis?.up, PATIENCE).toBe(false)
  expect(await one.ask(caller, 'storage.list', list)).toBe('old')
  const sending = await one.cache.sending(caller, 'device.approve')
  truth = 'new'
  sending?.accepted('killed')
  await one.cache.settled({ commandId: 'killed', owner: caller, operation: 'device.approve', status: 'SUCCEEDED' })
  expect(await one.ask(caller, 'device.list', list)).toBe('new')
  await server.restart()
  await expect.poll(() => one.redis?.up && two.redis?.up, PATIENCE).toBe(true)
  const other = someCaller()
  // What one has filled the other gets, once both believe Redis again.
  await expect
    .poll(async () => {
      const asked = upstream(() => 'shared')
      const id = `${other}-${Math.random()}`
      await one.ask(id, 'policy.list', asked)
      await two.ask(id, 'policy.list', asked)
      return asked.count
    }, PATIENCE)
    .toBe(1)
})

test('paused: an operation loses a tenth of a second, once; the old truth does not come back with Redis', async () => {
  const server = await redis()
  const [one, two] = await Promise.all([instance({ redisUrl: server.url }), instance({ redisUrl: server.url })])
  const caller = someCaller()
  let truth = 'old'
  const list = upstream(() => truth)
  expect(await one.ask(caller, 'device.list', list)).toBe('old')
  server.pause()
  const startedAt = performance.now()
  for (let n = 0; n < 10; n++) expect(await two.ask(someCaller(), 'policy.list', list)).toBe('old')
  expect(performance.now() - startedAt).toBeLessThan(250)
  // The success is known while Redis cannot be told of it.
  truth = 'new'
  await one.cache.settled({ commandId: someCaller(), owner: caller, operation: 'device.approve', status: 'SUCCEEDED' })
  expect(await one.ask(caller, 'device.list', list)).toBe('new')
  server.resume()
  const until = performance.now() + 2_500
  const answers = new Set<string>()
  while (performance.now() < until) {
    answers.add(await two.ask(caller, 'device.list', list))
    await new Promise((done) => setTimeout(done, 20))
  }
  expect([...answers]).toEqual(['new'])
})

test('what could not be forgotten is forgotten later; until then Redis is not believed about that caller', async () => {
  const server = await redis()
  let cut = false
  const [one, two] = await Promise.all([
    instance({
      redisUrl: server.url,
      memoryBytes: 0,
      between: (store) =>
        misbehaving(store, (method) => {
          if (cut && method === 'apply') throw new Error('cut off')
          return 'go on'
        }),
    }),
    instance({ redisUrl: server.url, memoryBytes: 0 }),
  ])
  const caller = someCaller()
  let truth = 'old'
  const list = upstream(() => truth)
  expect(await one.ask(caller, 'device.list', list)).toBe('old')
  cut = true
  truth = 'new'
  await one.cache.settled({ commandId: someCaller(), owner: caller, operation: 'device.approve', status: 'SUCCEEDED' })
  // Longer than the store counts as away: the debt is what keeps the old truth out.
  await new Promise((done) => setTimeout(done, 400))
  expect(await one.ask(caller, 'device.list', list)).toBe('new')
  cut = false
  await expect.poll(() => two.ask(caller, 'device.list', list), PATIENCE).toBe('new')
  await expect
    .poll(async () => {
      await one.ask(caller, 'device.list', list)
      return one.count('shared')
    }, PATIENCE)
    .toBeGreaterThan(0)
})

test('full: nothing is kept there, everything is still forgotten', async () => {
  const server = await redis(['--maxmemory', '3mb', '--maxmemory-policy', 'noeviction'])
  const caller = someCaller()
  const without = await Promise.all([1, 2].map(() => instance({ redisUrl: server.url, memoryBytes: 0 })))
  const [one, two] = without as [(typeof without)[number], (typeof without)[number]]
  let truth = 'old'
  const list = upstream(() => truth)
  expect(await one.ask(caller, 'device.list', list)).toBe('old')
  const raw = looker(server.url)
  await expect(
    (async () => {
      for (let n = 0; n < 2_000; n++) await raw.set(`ballast-${n}`, 'x'.repeat(8_192))
    })(),
  ).rejects.toThrow('OOM')
  expect(await two.ask(caller, 'device.list', list)).toBe('old')
  expect(await two.ask(someCaller(), 'storage.list', list)).toBe('old')
  truth = 'new'
  await one.cache.settled({ commandId: someCaller(), owner: caller, operation: 'device.approve', status: 'SUCCEEDED' })
  expect(await two.ask(caller, 'device.list', list)).toBe('new')
})

test('emptied: what is gone is asked for anew, and a fill that was under way is not kept', async () => {
  const server = await redis()
  const here = await instance({ redisUrl: server.url, memoryBytes: 0 })
  const raw = looker(server.url)
  const caller = someCaller()
  await here.ask(caller, 'device.list', async () => 'first')
  await raw.flushall()
  let answer = () => {}
  const slow = upstream(() => new Promise<string>((resolve) => (answer = () => resolve('second'))))
  const reading = here.ask(caller, 'device.list', slow)
  await expect.poll(() => slow.count).toBe(1)
  await raw.flushall()
  answer()
  expect(await reading).toBe('second')
  expect(await here.ask(caller, 'device.list', async () => 'third')).toBe('third')
})

test.each([
  ['throws', () => Promise.reject(new Error('broken'))],
  ['hangs', () => new Promise<never>(() => {})],
  [
    'loses every write',
    async (method: string) => (['keep', 'apply'].includes(method) ? ('lose it' as const) : ('go on' as const)),
  ],
  ['is slow', () => new Promise<'go on'>((done) => setTimeout(done, 30, 'go on'))],
  ['fails at random', async () => (Math.random() < 0.5 ? Promise.reject(new Error('broken')) : ('go on' as const))],
])('a shared store that %s: reads succeed, and are right on the instance that changed things', async (_, before) => {
  const server = await redis()
  const here = await instance({ redisUrl: server.url, between: (store) => misbehaving(store, before) })
  const callers = Array.from({ length: 8 }, someCaller)
  const truths = new Map(callers.map((caller) => [caller, 0]))
  await Promise.all(
    callers.map(async (caller) => {
      for (let turn = 1; turn <= 2; turn++) {
        const ask = () => here.ask(caller, 'device.list', async () => truths.get(caller) as number)
        expect(await ask()).toBe(turn - 1)
        const sending = await here.cache.sending(caller, 'device.approve')
        truths.set(caller, turn)
        const commandId = `${caller}-${turn}`
        sending?.accepted(commandId)
        await here.cache.settled({ commandId, owner: caller, operation: 'device.approve', status: 'SUCCEEDED' })
        expect(await ask()).toBe(turn)
      }
    }),
  )
})
