// Two gateways on one Redis: what one has changed the other shows, once the success is known. And what one has read the other has.
import { expect, onTestFinished, test } from 'vitest'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { gateway } from '../support/gateway.ts'
import { startRedis } from '../support/redis.ts'

const DEVICES = '{ devices { deviceIdentifier name status } }'
const RENAME = `mutation ($id: ID!, $name: String!) {
  configureDevice(input: { deviceIdentifier: $id, name: $name }) { command { outcome { status } } device { name } userErrors { message } }
}`

async function fleet() {
  const redis = await startRedis()
  const privicore = await startSandbox({ commandLatencyMs: 10 })
  onTestFinished(async () => {
    await privicore.close()
    await redis.close()
  })
  const env = { REDIS_URL: redis.url, CACHE_SECRET: 'the secret of two gateways in a test' }
  const [one, two] = await Promise.all([gateway({ privicore, env }), gateway({ privicore, env })])
  for (const { log } of [one, two]) {
    await expect.poll(() => log.some((line) => line.includes('Redis answers')), { timeout: 3_000 }).toBe(true)
  }
  return { privicore, redis, one, two }
}

test('a read that one has filled is served by the other without a call', async () => {
  const { privicore, one, two } = await fleet()
  const result = await one.run(DEVICES)
  expect(privicore.count()).toBe(1)
  await expect
    .poll(async () => (await two.run(DEVICES, {}, { headers: { 'x-cache-debug': '1' } })).extensions?.cache)
    .toMatchObject([{ status: 'HIT' }])
  expect(await two.run(DEVICES)).toEqual(result)
  expect(privicore.count('device.list')).toBeLessThanOrEqual(2)
})

test('never the old name once the success was seen, on either, under load', async () => {
  const { one, two } = await fleet()
  const id = (await one.run(DEVICES)).data?.devices[0].deviceIdentifier
  const nameOn = async (here: typeof one): Promise<string> =>
    (await here.run(DEVICES)).data?.devices.find(
      (device: { deviceIdentifier: string }) => device.deviceIdentifier === id,
    ).name
  let seen = -1
  let stop = false
  const wrong: string[] = []
  const reader = async (here: typeof one) => {
    while (!stop) {
      const least = seen
      const name = await nameOn(here)
      const number = Number(/^name (\d+)$/.exec(name)?.[1] ?? -1)
      if (number < least) wrong.push(`${name} after ${least}`)
      await new Promise((done) => setImmediate(done))
    }
  }
  const readers = [one, two].flatMap((here) => [reader(here), reader(here), reader(here)])
  for (let n = 0; n < 12; n++) {
    const here = n % 2 === 0 ? one : two
    const { data, errors } = await here.run(RENAME, { id, name: `name ${n}` })
    expect(errors).toBeUndefined()
    expect(data?.configureDevice).toMatchObject({
      command: { outcome: { status: 'SUCCEEDED' } },
      device: { name: `name ${n}` },
    })
    seen = n
    expect(await nameOn(here === one ? two : one)).toBe(`name ${n}`)
  }
  stop = true
  await Promise.all(readers)
  expect(wrong).toEqual([])
})

test('a revoked token is served nothing, by either', async () => {
  const { privicore, one, two } = await fleet()
  const token = privicore.issueToken('alice')
  for (const { run } of [one, two]) expect((await run(DEVICES, {}, { token })).errors).toBeUndefined()
  const revoked = await one.run('mutation { revokeToken { revoked } }', {}, { token })
  expect(revoked.data?.revokeToken.revoked).toBe(true)
  for (const { run } of [one, two]) {
    await expect
      .poll(async () => (await run(DEVICES, {}, { token })).errors?.[0]?.extensions?.code)
      .toBe('UNAUTHENTICATED')
  }
})

test('Redis dies under load: no read fails', async () => {
  const { redis, one, two } = await fleet()
  let stop = false
  const failures: unknown[] = []
  let reads = 0
  const reader = async (here: typeof one) => {
    while (!stop) {
      const { errors } = await here.run(DEVICES)
      reads++
      if (errors) failures.push(errors)
      // A read out of memory waits for nothing: without this nothing else would come to its turn.
      await new Promise((done) => setImmediate(done))
    }
  }
  const readers = [one, two].flatMap((here) => [reader(here), reader(here)])
  await new Promise((done) => setTimeout(done, 100))
  await redis.kill()
  await new Promise((done) => setTimeout(done, 500))
  await redis.restart()
  await new Promise((done) => setTimeout(done, 700))
  stop = true
  await Promise.all(readers)
  expect(failures).toEqual([])
  expect(reads).toBeGreaterThan(100)
})
