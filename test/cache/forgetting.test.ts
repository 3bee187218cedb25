// What a command changes is not served older than its sending, and never as it was before once its success is known.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { forgottenBy } from '../../src/cache/policy.ts'
import { type Instance, instance, someCaller, upstream } from '../support/cache.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.close())

const fleets: Record<string, () => Promise<[Instance, Instance]>> = {
  'one instance': async () => {
    const only = await instance()
    return [only, only]
  },
  'two instances': () =>
    Promise.all([instance({ redisUrl: server.url }), instance({ redisUrl: server.url })]) as Promise<
      [Instance, Instance]
    >,
  'two instances without memory of their own': () =>
    Promise.all([
      instance({ redisUrl: server.url, memoryBytes: 0 }),
      instance({ redisUrl: server.url, memoryBytes: 0 }),
    ]) as Promise<[Instance, Instance]>,
}

const settled = (commandId: string, owner: string, status: 'SUCCEEDED' | 'REJECTED', operation = 'device.approve') => ({
  commandId,
  operation,
  owner,
  status,
})

describe.each(Object.entries(fleets))('%s', (_, start) => {
  test('a fill that was under way when a command was sent does not come back as the truth', async () => {
    const [sender, reader] = await start()
    const caller = someCaller()
    let release = () => {}
    const old = upstream(() => new Promise<string>((resolve) => (release = () => resolve('old'))))
    const reading = reader.ask(caller, 'device.list', old)
    await expect.poll(() => old.count).toBe(1)
    await sender.cache.sending(caller, 'device.approve')
    release()
    // Who asked before may get it; nobody else does.
    expect(await reading).toBe('old')
    await expect.poll(() => reader.ask(caller, 'device.list', async () => 'new')).toBe('new')
    expect(await sender.ask(caller, 'device.list', async () => 'newer')).toBe('new')
  })

  test('from the send on, nothing older is served; after success, nothing from before it', async () => {
    const [sender, reader] = await start()
    const caller = someCaller()
    let truth = 'before'
    const list = upstream(() => truth)
    expect(await reader.ask(caller, 'device.list', list)).toBe('before')
    expect(await reader.ask(caller, 'storage.list', list)).toBe('before')
    const sending = await sender.cache.sending(caller, 'device.request')
    truth = 'sent'
    await expect.poll(() => reader.ask(caller, 'device.list', list)).toBe('sent')
    sending?.accepted('command-1')
    truth = 'done'
    await sender.cache.settled(settled('command-1', caller, 'SUCCEEDED', 'device.request'))
    expect(await reader.ask(caller, 'device.list', list)).toBe('done')
    // Not its business.
    expect(await reader.ask(caller, 'storage.list', list)).toBe('before')
  })

  test('everything of the caller goes with his token, and nothing of anybody else', async () => {
    const [sender, reader] = await start()
    const [caller, other] = [someCaller(), someCaller()]
    const list = upstream(() => 'private')
    for (const id of ['device.list', 'policy.list', 'profile.id']) await reader.ask(caller, id, list)
    await reader.ask(other, 'device.list', list)
    expect(list.count).toBe(4)
    await sender.cache.settled(settled(someCaller(), caller, 'SUCCEEDED', 'profile.revoke'))
    const gone = upstream(() => 'asked anew')
    for (const id of ['device.list', 'policy.list', 'profile.id']) {
      await expect.poll(() => reader.ask(caller, id, gone)).toBe('asked anew')
    }
    expect(await reader.ask(other, 'device.list', gone)).toBe('private')
  })

  test('while a command is open, what is read counts for a second; rejected, for as long as ever', async () => {
    const [sender, reader] = await start()
    const caller = someCaller()
    const list = upstream(() => 'pending')
    const sending = await sender.cache.sending(caller, 'device.approve')
    sending?.accepted('open')
    await expect
      .poll(async () => {
        await reader.ask(caller, 'device.list', list)
        return list.count
      })
      .toBeGreaterThan(0)
    const asked = list.count
    await reader.ask(caller, 'device.list', list)
    expect(list.count).toBe(asked)
    await new Promise((done) => setTimeout(done, 1_050))
    await reader.ask(caller, 'device.list', list)
    expect(list.count).toBe(asked + 1)
    await sender.cache.settled(settled('open', caller, 'REJECTED'))
    await new Promise((done) => setTimeout(done, 1_050))
    await reader.ask(caller, 'device.list', list)
    await new Promise((done) => setTimeout(done, 1_050))
    await reader.ask(caller, 'device.list', list)
    expect(list.count).toBe(asked + 2)
  })
})

test('never the old truth once success was seen, whoever reads it and however hard', async () => {
  const fleet = await Promise.all([1, 2, 3].map(() => instance({ redisUrl: server.url })))
  const caller = someCaller()
  let truth = 0
  let seen = 0
  let stop = false
  const list = upstream(async () => {
    // What was true when the call came in, answered a moment later.
    const answer = truth
    await new Promise((done) => setTimeout(done, Math.random() * 4))
    return answer
  })
  const violations: string[] = []
  let reads = 0
  const reader = async (here: Instance) => {
    while (!stop) {
      const least = seen
      const answer = await here.ask(caller, 'device.list', list)
      reads++
      if (answer < least) violations.push(`read ${answer} after success ${least}`)
      await new Promise((done) => setImmediate(done))
    }
  }
  const readers = fleet.flatMap((here) => Array.from({ length: 8 }, () => reader(here)))
  for (let n = 1; n <= 40; n++) {
    const here = fleet[n % 3] as Instance
    const sending = await here.cache.sending(caller, 'device.configure')
    sending?.accepted(`command-${n}-${caller}`)
    // Privicore takes its time, as it does.
    await new Promise((done) => setTimeout(done, 5 + Math.random() * 10))
    truth = n
    await here.cache.settled(settled(`command-${n}-${caller}`, caller, 'SUCCEEDED', 'device.configure'))
    seen = n
  }
  stop = true
  await Promise.all(readers)
  expect(violations).toEqual([])
  expect(reads).toBeGreaterThan(500)
  expect(forgottenBy('device.configure')).toContain('device')
})
