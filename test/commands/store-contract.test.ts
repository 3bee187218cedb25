// What every store of commands promises: a final state never changes, each transition happens once, each command has one poller.
import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { connectRedis, type RedisConnection } from '../../src/cache/redis.ts'
import { type CommandRecord, foundCommand } from '../../src/commands/command.ts'
import { FleetStore } from '../../src/commands/fleet-store.ts'
import { RedisStore } from '../../src/commands/redis-store.ts'
import { type CommandStore, LocalStore } from '../../src/commands/store.ts'
import { Secret } from '../../src/privicore/secret.ts'
import { anyRedis, startRedis } from '../support/redis.ts'
import { SharedMemory } from '../support/shared-store.ts'

const log = pino({ level: 'silent' })
let redis: Awaited<ReturnType<typeof anyRedis>>
let connection: RedisConnection

beforeAll(async () => {
  redis = await anyRedis()
  connection = connectRedis([new Secret(redis.url)], { log })
  await connection.ready(2_000)
})
afterAll(async () => {
  connection.close()
  await redis.close()
})

const succeeded = { status: 'SUCCEEDED', reason: null } as const
const rejected = { status: 'REJECTED', reason: 'device.not_pending' } as const

function sent(): CommandRecord {
  return {
    ...foundCommand(`${randomUUID()} {odd}/id`),
    operation: 'device.approve',
    owner: 'digest',
    acceptedAt: new Date().toISOString(),
  }
}

const memory = new SharedMemory()
const stores: Record<string, () => CommandStore> = {
  'in process': () => new LocalStore(),
  'in Redis': () => new RedisStore(connection, 'one'),
  'of a fleet': () => new FleetStore(connection, 'one', log),
  'of the tests': () => memory.as('one'),
}

describe.each(Object.entries(stores))('the store %s', (_, make) => {
  test('knows what it was given, and nothing else', async () => {
    const store = make()
    const command = sent()
    expect(await store.find(command.commandId)).toBeNull()
    expect(await store.accept(command)).toEqual(command)
    expect(await store.find(command.commandId)).toEqual(command)
  })

  test('settles a command once, whoever comes with whatever outcome', async () => {
    const store = make()
    const command = await store.accept(sent())
    const reports = await Promise.all(
      Array.from({ length: 20 }, (__, index) => store.settle(command.commandId, index % 2 ? succeeded : rejected)),
    )
    expect(reports.filter(({ first }) => first)).toHaveLength(1)
    const records = reports.map(({ record }) => record)
    expect(new Set(records.map((record) => JSON.stringify(record))).size).toBe(1)
    expect(records[0]).toMatchObject({ operation: 'device.approve', owner: 'digest', acceptedAt: command.acceptedAt })
    expect(await store.find(command.commandId)).toEqual(records[0])
    expect(await store.accept(command)).toEqual(records[0])
  })

  test('keeps an outcome that came before the command was known, and fills in how it began', async () => {
    const store = make()
    const command = sent()
    const { record, first } = await store.settle(command.commandId, rejected)
    expect(first).toBe(true)
    expect(record).toMatchObject({ status: 'REJECTED', operation: null, owner: null })
    expect(await store.accept(command)).toMatchObject({
      status: 'REJECTED',
      reason: 'device.not_pending',
      operation: 'device.approve',
      owner: 'digest',
    })
  })

  test('a settled command is nobody’s to poll', async () => {
    const store = make()
    const [open, done] = [await store.accept(sent()), await store.accept(sent())]
    await store.settle(done.commandId, succeeded)
    const [mine, gone] = await store.claim([open.commandId, done.commandId])
    expect(mine).toBeTypeOf('number')
    expect(gone).toBe('settled')
  })
})

const shared: Record<string, (holder: string) => CommandStore> = {
  'in Redis': (holder) => new RedisStore(connection, holder),
  'of a fleet': (holder) => new FleetStore(connection, holder, log),
  'of the tests': (holder) => memory.as(holder),
}

describe.concurrent.each(Object.entries(shared))('the shared store %s', (_, make) => {
  test('gives each command to one poller, renews it for that one, and passes it on when it lets go', async () => {
    const [one, other] = [make('one'), make('other')]
    const commands = await Promise.all(Array.from({ length: 30 }, () => one.accept(sent())))
    const ids = commands.map(({ commandId }) => commandId)
    const claims = await Promise.all([one.claim(ids), other.claim(ids)])
    for (const index of ids.keys()) {
      expect(claims.filter((claim) => typeof claim[index] === 'number')).toHaveLength(1)
    }
    expect(await one.claim(ids)).toEqual(claims[0])
    const [first = ''] = ids
    const [held] = await one.claim([first])
    if (typeof held !== 'number') throw new Error('the first claim is the first instance’s')
    await other.release(first, held)
    expect(await other.claim([first])).toEqual(['taken'])
    await one.release(first, held)
    const [passed] = await other.claim([first])
    expect(passed).toBeGreaterThan(held)
  })

  test('a lease that is not renewed is another’s, and what its late holder finds is not taken', async () => {
    const [one, other] = [make('one'), make('other')]
    const { commandId } = await one.accept(sent())
    const [late] = (await one.claim([commandId])) as [number]
    await vi.waitFor(async () => expect((await other.claim([commandId]))[0]).toBeTypeOf('number'), {
      timeout: 5_000,
      interval: 50,
    })
    expect(await one.settle(commandId, rejected, late)).toMatchObject({ fenced: true, first: false })
    const [current] = (await other.claim([commandId])) as [number]
    expect(current).toBeGreaterThan(late)
    expect(await other.settle(commandId, succeeded, current)).toMatchObject({ first: true })
    // What was pushed needs no lease, but comes too late.
    expect(await one.settle(commandId, rejected)).toMatchObject({ first: false, record: { status: 'SUCCEEDED' } })
  })
})

test('while Redis is away the fleet’s store goes on alone, and tells Redis when it is back', async () => {
  const own = await startRedis()
  onTestFinished(() => own.close())
  const connected = connectRedis([new Secret(own.url)], { log })
  onTestFinished(() => connected.close())
  await connected.ready(2_000)
  const store = new FleetStore(connected, 'one', log)
  const before = await store.accept(sent())
  await own.kill()
  await vi.waitFor(() => expect(connected.up).toBe(false))
  const during = await store.accept(sent())
  expect((await store.settle(before.commandId, succeeded)).first).toBe(true)
  expect((await store.settle(before.commandId, rejected)).first).toBe(false)
  expect(await store.claim([during.commandId])).toEqual([1])
  await own.restart()
  const other = new RedisStore(connected, 'other')
  await vi.waitFor(
    async () => {
      expect(await other.find(during.commandId)).toEqual(during)
      expect(await other.find(before.commandId)).toMatchObject({ status: 'SUCCEEDED', operation: 'device.approve' })
    },
    { timeout: 5_000, interval: 20 },
  )
})
