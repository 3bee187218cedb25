// What is published reaches whoever has subscribed, on every instance; and a listener knows when it may have missed something.
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { type Bus, LocalBus, RedisBus } from '../../src/cache/bus.ts'
import { connectRedis, KEY_PREFIX, RedisAway, script } from '../../src/cache/redis.ts'
import { Secret } from '../../src/privicore/secret.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

const log = pino({ level: 'silent' })
let redis: RedisServer

beforeAll(async () => {
  redis = await startRedis()
})
afterAll(() => redis.close())

function connection(url = redis.url) {
  const connected = connectRedis([new Secret(url)], { log })
  onTestFinished(() => connected.close())
  return connected
}

function instance(name: string, connected = connection()): Bus {
  const bus = new RedisBus(connected, name, log)
  onTestFinished(() => bus.close())
  return bus
}

const eventually = (check: () => void) => vi.waitFor(check, { timeout: 5_000, interval: 10 })

for (const [kind, make] of [
  ['in process', () => new LocalBus(log)],
  ['over Redis', () => instance(`one-${Math.random()}`)],
] as const) {
  test(`${kind}: a message reaches its channel's listeners, once, until they leave`, async () => {
    const bus = make()
    const heard: unknown[] = []
    const leave = await bus.subscribe('a', (message) => heard.push(message))
    await bus.subscribe('b', () => heard.push('wrong channel'))
    await bus.publish('a', { number: 1 })
    leave()
    await bus.publish('a', { number: 2 })
    await sleep(30)
    expect(heard).toEqual([{ number: 1 }])
  })

  test(`${kind}: one listener's failure does not keep the message from the next`, async () => {
    const bus = make()
    const heard: unknown[] = []
    await bus.subscribe('a', () => {
      throw new Error('a bug')
    })
    await bus.subscribe('a', (message) => heard.push(message))
    await bus.publish('a', 1)
    expect(heard).toEqual([1])
  })
}

test('an acknowledged subscription hears everything that another instance publishes from then on', async () => {
  const [one, other] = [connection(), connection()]
  await Promise.all([one.ready(2_000), other.ready(2_000)])
  const [here, there] = [instance('here', one), instance('there', other)]
  await here.subscribe('warm-up', () => undefined)
  await sleep(50)
  for (let round = 0; round < 50; round++) {
    const heard: unknown[] = []
    const leave = await here.subscribe(`channel-${round % 3}`, (message) => heard.push(message))
    await there.publish(`channel-${round % 3}`, round)
    await eventually(() => expect(heard).toEqual([round]))
    leave()
  }
})

test('what is not a message of the bus is ignored', async () => {
  const connected = connection()
  await connected.ready(2_000)
  const bus = instance('here', connected)
  const heard: unknown[] = []
  await bus.subscribe('a', (message) => heard.push(message))
  await sleep(50)
  for (const text of ['{"broken', 'null', '[]', '"text"', '{"message":1}', 'x'.repeat(100_000)]) {
    await connected.use((client) => client.publish(`${KEY_PREFIX}bus:a`, text))
  }
  await connected.use((client) =>
    client.publish(`${KEY_PREFIX}bus:a`, JSON.stringify({ from: 'other', message: 'good' })),
  )
  await eventually(() => expect(heard).toEqual(['good']))
})

test('after an outage the listeners are told to read again, and hear what comes next', async () => {
  const own = await startRedis()
  onTestFinished(() => own.close())
  const [one, other] = [connection(own.url), connection(own.url)]
  await Promise.all([one.ready(2_000), other.ready(2_000)])
  const [here, there] = [instance('here', one), instance('there', other)]
  const heard: unknown[] = []
  await here.subscribe('a', (message) => heard.push(message))
  await sleep(50)
  let reconnects = 0
  here.onReconnect(() => reconnects++)
  const gone = vi.fn()
  one.onDown(gone)
  await own.kill()
  await eventually(() => expect(one.up).toBe(false))
  expect(gone).toHaveBeenCalledOnce()
  // Alone: this instance still hears itself, at once, and a subscription does not wait for Redis.
  const startedAt = performance.now()
  await here.subscribe('b', (message) => heard.push(message))
  await here.publish('b', 'alone')
  expect(heard).toEqual(['alone'])
  expect(performance.now() - startedAt).toBeLessThan(600)
  await own.restart()
  await eventually(() => expect(reconnects).toBe(1))
  await eventually(() => expect(other.up).toBe(true))
  await there.publish('a', 'again')
  await there.publish('b', 'both')
  await eventually(() => expect(heard).toEqual(['alone', 'again', 'both']))
})

test('a Redis that is silent costs one timeout, not one per call', async () => {
  const own = await startRedis()
  onTestFinished(() => own.close())
  const connected = connection(own.url)
  expect(await connected.ready(2_000)).toBe(true)
  own.pause()
  onTestFinished(() => own.resume())
  const startedAt = performance.now()
  const get = () => connected.use((client) => client.get('x'))
  await expect(get()).rejects.toThrow(RedisAway)
  for (let call = 0; call < 50; call++) await expect(get()).rejects.toThrow(RedisAway)
  expect(performance.now() - startedAt).toBeLessThan(400)
  own.resume()
  await eventually(() => expect(connected.up).toBe(true))
  expect(await get()).toBeNull()
})

test('an error of Redis itself is not an outage, and a script is sent once', async () => {
  const connected = connection()
  await connected.ready(2_000)
  const failing = script(`return redis.error_reply('ERR no')`)
  await expect(connected.run(failing, ['k'], [])).rejects.toThrow('ERR no')
  expect(connected.up).toBe(true)
  const adding = script(`return ARGV[1] + ARGV[2] -- ${Math.random()}`)
  expect(await connected.run(adding, ['k'], [1, 2])).toBe(3)
  expect(await connected.run(adding, ['k'], [3, 4])).toBe(7)
})
