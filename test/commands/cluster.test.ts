// REDIS_URL as a list of nodes: the same store and the same bus over a real cluster of three.
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { RedisBus } from '../../src/cache/bus.ts'
import { connectRedis } from '../../src/cache/redis.ts'
import { foundCommand } from '../../src/commands/command.ts'
import { RedisStore } from '../../src/commands/redis-store.ts'
import { Secret } from '../../src/privicore/secret.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

const log = pino({ level: 'silent' })
const SLOTS = ['0 5460', '5461 10922', '10923 16383']
let nodes: RedisServer[] = []

beforeAll(async () => {
  nodes = await Promise.all(SLOTS.map(() => startRedis(['--cluster-enabled', 'yes'])))
  const clients = nodes.map(({ port }) => new Redis(port, '127.0.0.1'))
  await Promise.all(
    clients.map((client, index) => client.cluster('ADDSLOTSRANGE', ...(SLOTS[index] ?? '').split(' ').map(Number))),
  )
  for (const { port } of nodes) await clients[0]?.cluster('MEET', '127.0.0.1', port)
  await vi.waitFor(
    async () => {
      for (const client of clients) expect(await client.cluster('INFO')).toContain('cluster_state:ok')
      for (const client of clients) expect(await client.cluster('INFO')).toContain('cluster_known_nodes:3')
    },
    { timeout: 15_000, interval: 50 },
  )
  for (const client of clients) client.disconnect()
})
afterAll(() => Promise.all(nodes.map((node) => node.close())))

async function connection() {
  const connected = connectRedis(
    nodes.map(({ url }) => new Secret(url)),
    { log },
  )
  onTestFinished(() => connected.close())
  expect(await connected.ready(5_000)).toBe(true)
  return connected
}

test('commands of every shard are kept, claimed together and settled once', async () => {
  const connected = await connection()
  const [one, other] = [new RedisStore(connected, 'one'), new RedisStore(connected, 'other')]
  const ids = Array.from({ length: 200 }, (_, index) => `command-${index}-{${index}}`)
  await Promise.all(ids.map((id) => one.accept({ ...foundCommand(id), operation: 'device.approve', owner: 'digest' })))
  const [mine, theirs] = [await one.claim(ids), await other.claim(ids)]
  expect(mine.every((claim) => typeof claim === 'number')).toBe(true)
  expect(theirs.every((claim) => claim === 'taken')).toBe(true)
  const settled = await Promise.all(
    ids.flatMap((id) => [one, other].map((store) => store.settle(id, { status: 'SUCCEEDED', reason: null }))),
  )
  expect(settled.filter(({ first }) => first)).toHaveLength(ids.length)
  expect(await other.claim(ids)).toEqual(ids.map(() => 'settled'))
})

test('what is published on one node is heard by whoever subscribes at another', async () => {
  const [one, other] = [await connection(), await connection()]
  const [here, there] = [new RedisBus(one, 'here', log), new RedisBus(other, 'there', log)]
  onTestFinished(() => {
    here.close()
    there.close()
  })
  const heard: unknown[] = []
  await here.subscribe('a', (message) => heard.push(message))
  await sleep(200)
  await there.publish('a', 1)
  await vi.waitFor(() => expect(heard).toEqual([1]), 3_000)
})
