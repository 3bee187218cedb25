// A Redis that fails over: no read fails for it, and the new master is shared by all as the old one was.
import { expect, onTestFinished, test } from 'vitest'
import { instance, looker, someCaller, upstream } from '../support/cache.ts'
import { startRedis, startSentinel } from '../support/redis.ts'

test('the master dies: reads go on, and once another is master the instances share again', {
  timeout: 40_000,
}, async () => {
  const master = await startRedis()
  const replica = await startRedis(['--replicaof', '127.0.0.1', String(master.port)])
  const sentinel = await startSentinel(master)
  onTestFinished(async () => {
    await Promise.all([sentinel.close(), replica.close(), master.close()])
  })
  const watched = looker(`redis://127.0.0.1:${new URL(sentinel.url).port}`)
  // A Sentinel learns of replicas from their master.
  await expect
    .poll(async () => ((await watched.call('SENTINEL', 'REPLICAS', 'data')) as unknown[]).length, { timeout: 15_000 })
    .toBe(1)

  const [one, two] = await Promise.all([instance({ redisUrl: sentinel.url }), instance({ redisUrl: sentinel.url })])
  await expect.poll(() => one.redis?.up && two.redis?.up, { timeout: 5_000 }).toBe(true)
  const caller = someCaller()
  const list = upstream(() => 'before')
  await one.ask(caller, 'device.list', list)
  expect(await two.ask(caller, 'device.list', list)).toBe('before')
  expect(list.count).toBe(1)

  await master.kill()
  const startedAt = performance.now()
  expect(
    await one.ask(
      someCaller(),
      'device.list',
      upstream(() => 'meanwhile'),
    ),
  ).toBe('meanwhile')
  expect(performance.now() - startedAt).toBeLessThan(1_000)

  // Shared again: what one has filled the other gets without a call of its own.
  await expect
    .poll(
      async () => {
        const asked = upstream(() => 'after')
        const somebody = someCaller()
        await one.ask(somebody, 'policy.list', asked)
        await two.ask(somebody, 'policy.list', asked)
        return asked.count
      },
      { timeout: 20_000, interval: 250 },
    )
    .toBe(1)
})
