// However many ask at once, Privicore is asked once: in an instance, and in a fleet.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PrivicoreError } from '../../src/privicore/errors.ts'
import { instance, misbehaving, someCaller, upstream } from '../support/cache.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.close())

const HUNDRED = Array.from({ length: 100 })

test('100 cold readers of one instance are one call', async () => {
  const { ask } = await instance()
  const devices = upstream(() => ['a device'], 20)
  const caller = someCaller()
  const answers = await Promise.all(HUNDRED.map(() => ask(caller, 'device.list', devices)))
  expect(answers).toEqual(HUNDRED.map(() => ['a device']))
  expect(devices.count).toBe(1)
})

test('100 cold readers on each of three instances are one call', async () => {
  const fleet = await Promise.all([1, 2, 3].map(() => instance({ redisUrl: server.url })))
  const devices = upstream(() => ['a device'], 60)
  const caller = someCaller()
  const answers = await Promise.all(fleet.flatMap(({ ask }) => HUNDRED.map(() => ask(caller, 'device.list', devices))))
  expect(answers).toEqual(Array.from({ length: 300 }, () => ['a device']))
  expect(devices.count).toBe(1)
  // And what is there afterwards is everybody's.
  await Promise.all(fleet.map(({ ask }) => ask(caller, 'device.list', devices)))
  expect(devices.count).toBe(1)
})

test.each([
  ['one instance', [undefined]],
  ['three instances', [1, 2, 3]],
])('a failing call of %s is shared, and neither repeated nor remembered', async (_, instances) => {
  const fleet = await Promise.all(
    instances.map((shared) => instance(shared === undefined ? {} : { redisUrl: server.url })),
  )
  let fails = true
  const devices = upstream(() => {
    if (fails) throw new PrivicoreError('RATE_LIMITED', 'too many', { status: 429, retryAfter: 7 })
    return ['a device']
  }, 60)
  const caller = someCaller()
  const outcomes = await Promise.allSettled(
    fleet.flatMap(({ ask }) => HUNDRED.map(() => ask(caller, 'device.list', devices))),
  )
  for (const outcome of outcomes) {
    expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'RATE_LIMITED', retryAfter: 7 } })
  }
  expect(devices.count).toBe(1)
  fails = false
  expect(await fleet[0]?.ask(caller, 'device.list', devices)).toEqual(['a device'])
  expect(devices.count).toBe(2)
})

test('one who leaves does not end the call of the others; the last one does', async () => {
  const { ask } = await instance()
  const caller = someCaller()
  let answer = (_: string[]) => {}
  const devices = upstream(() => new Promise<string[]>((resolve) => (answer = resolve)))
  const [first, second] = [new AbortController(), new AbortController()]
  const leaving = ask(caller, 'device.list', devices, { signal: first.signal })
  const staying = ask(caller, 'device.list', devices, { signal: second.signal })
  first.abort(new PrivicoreError('DEADLINE_EXCEEDED', 'its time is over'))
  await expect(leaving).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
  expect(devices.signals[0]?.aborted).toBe(false)
  answer(['a device'])
  expect(await staying).toEqual(['a device'])

  const alone = new AbortController()
  const storage = upstream(
    () =>
      new Promise<never>((_, reject) => storage.signals[0]?.addEventListener('abort', () => reject(new Error('cut')))),
  )
  const last = ask(caller, 'storage.list', storage, { signal: alone.signal })
  await expect.poll(() => storage.count).toBe(1)
  alone.abort(new PrivicoreError('CANCELLED', 'the client has left'))
  await expect(last).rejects.toMatchObject({ code: 'CANCELLED' })
  expect(storage.signals[0]?.aborted).toBe(true)
  // Whoever comes next starts anew.
  expect(await ask(caller, 'storage.list', async () => ['a device'])).toEqual(['a device'])
})

test('when the instance that asks for all dies, another takes over within its lease', async () => {
  const lost = new Set(['renew', 'keep', 'release'])
  const [dying, living] = await Promise.all([
    instance({
      redisUrl: server.url,
      between: (store) => misbehaving(store, (method) => (lost.has(method) ? 'lose it' : 'go on')),
    }),
    instance({ redisUrl: server.url }),
  ])
  const caller = someCaller()
  const dead = upstream(() => new Promise<never>(() => {}))
  void dying.ask(caller, 'device.list', dead).catch(() => undefined)
  await expect.poll(() => dead.count).toBe(1)
  const startedAt = performance.now()
  expect(await living.ask(caller, 'device.list', async () => ['a device'])).toEqual(['a device'])
  const waited = performance.now() - startedAt
  expect(waited).toBeGreaterThan(500)
  expect(waited).toBeLessThan(2_000)
})
