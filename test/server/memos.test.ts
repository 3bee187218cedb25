// Without memories of their own, two gateways answer each other's callers byte for byte out of one Redis: never staler than read by read.
import { expect, onTestFinished, test } from 'vitest'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { KEY_PREFIX } from '../../src/cache/redis.ts'
import { looker } from '../support/cache.ts'
import { gateway } from '../support/gateway.ts'
import { startRedis } from '../support/redis.ts'
import { listen } from '../support/subscribing.ts'

/** Their keys. */
const ANSWERS = `${KEY_PREFIX}answer:*`
const SECRET = 'the secret of two gateways in a test'
const DEVICES = '{ devices { deviceIdentifier name status } }'
const RENAME = `mutation ($id: ID!, $name: String!) {
  configureDevice(input: { deviceIdentifier: $id, name: $name }) { command { outcome { status } } }
}`

async function served(privicore: Sandbox, redisUrl: string, env: Record<string, string> = {}) {
  const started = await gateway({
    privicore,
    env: { REDIS_URL: redisUrl, CACHE_SECRET: SECRET, CACHE_MEMORY_MB: '0', ...env },
  })
  await expect.poll(() => started.log.some((line) => line.includes('Redis answers')), { timeout: 3_000 }).toBe(true)
  const url = await listen(started.gateway)
  const ask = async (
    query: string,
    token: string | null = privicore.tokens.alice,
    more: Record<string, unknown> = {},
  ) => {
    const { headers, ...params } = more
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token && { authorization: `Bearer ${token}` }),
        ...(headers as Record<string, string>),
      },
      body: JSON.stringify({ query, ...params }),
    })
    const text = await response.text()
    return { text, body: JSON.parse(text), headers: response.headers }
  }
  /** Reads that an operation has made, wherever they came from: an answer that is given again makes none. */
  const reads = async () => {
    const metrics = await (await started.fetch('/metrics')).text()
    return [...metrics.matchAll(/^privicore_cache_reads_total\{.*\} (\d+)$/gm)].reduce(
      (sum, [, n]) => sum + Number(n),
      0,
    )
  }
  /** Whether it was given again, and as what. */
  const again = async (query: string, token?: string | null, more?: Record<string, unknown>) => {
    const before = await reads()
    const { body } = await ask(query, token, more)
    return { body, given: (await reads()) === before }
  }
  return { ...started, ask, reads, again }
}

async function fleet(settings: readonly string[] = []) {
  const redis = await startRedis(settings)
  const privicore = await startSandbox({ commandLatencyMs: 10 })
  onTestFinished(async () => {
    await privicore.close()
    await redis.close()
  })
  const [one, two] = await Promise.all([served(privicore, redis.url), served(privicore, redis.url)])
  return { privicore, redis, one, two, raw: () => looker(redis.url) }
}

const PATIENCE = { timeout: 5_000, interval: 10 }
/** Until it is given again: it was compiled, answered, and what was made of it has reached Redis. */
const given = (here: Awaited<ReturnType<typeof served>>, query: string, token?: string) =>
  expect.poll(async () => (await here.again(query, token)).given, PATIENCE).toBe(true)

test('what one has answered the other gives again, to the byte and without a read, under a request id of its own', async () => {
  const { privicore, one, two } = await fleet()
  await given(two, DEVICES, privicore.tokens.bob)
  await given(one, DEVICES)
  privicore.reset()
  const before = await two.reads()
  const first = await one.ask(DEVICES)
  const second = await two.ask(DEVICES)
  expect(await two.reads()).toBe(before)
  expect(privicore.count()).toBe(0)
  expect(second.text).toBe(first.text)
  expect(second.headers.get('cache-control')).toBe('private, no-store')
  expect(second.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'))
  expect(two.log.filter((line) => line.includes('"msg":"operation"')).length).toBeGreaterThan(1)
})

test('another token never gets it', async () => {
  const { privicore, one, two } = await fleet()
  await given(one, DEVICES)
  await given(two, DEVICES)
  for (const { ask } of [one, two]) {
    expect((await ask(DEVICES, privicore.tokens.bob)).text).not.toContain('Alice')
    for (const token of [null, `${privicore.tokens.alice}x`])
      expect((await ask(DEVICES, token)).body.errors[0].extensions.code).toBe('UNAUTHENTICATED')
  }
})

test('a command makes an end of it on both, when it is sent and when it has succeeded', async () => {
  const { one, two } = await fleet()
  const ids = (await one.ask(DEVICES)).body.data.devices.map(
    (device: { deviceIdentifier: string }) => device.deviceIdentifier,
  )
  for (const [name, here, there] of [
    ['first', one, two],
    ['second', two, one],
  ] as const) {
    await given(one, DEVICES)
    await given(two, DEVICES)
    const sent = await here.ask(RENAME, undefined, { variables: { id: ids[0], name } })
    expect(sent.body.data.configureDevice.command.outcome.status).toBe('SUCCEEDED')
    for (const { again } of [there, here]) {
      const { body } = await again(DEVICES)
      expect(body.data.devices[0].name).toBe(name)
    }
  }
  await given(two, DEVICES)
  await one.ask(`mutation { removeDevice(input: { deviceIdentifier: "${ids[1]}" }) { command { commandId } } }`)
  expect((await two.again(DEVICES)).given).toBe(false)
})

test('never the old name once the success was seen, on either, under load', async () => {
  const { one, two } = await fleet()
  const id = (await one.ask(DEVICES)).body.data.devices[0].deviceIdentifier
  let seen = -1
  let stop = false
  const wrong: string[] = []
  const nameOn = async ({ ask }: typeof one): Promise<string> => (await ask(DEVICES)).body.data.devices[0].name
  const reader = async (here: typeof one) => {
    while (!stop) {
      const least = seen
      const name = await nameOn(here)
      if (Number(/^name (\d+)$/.exec(name)?.[1] ?? -1) < least) wrong.push(`${name} after ${least}`)
    }
  }
  const readers = [one, two].flatMap((here) => [reader(here), reader(here), reader(here)])
  for (let n = 0; n < 20; n++) {
    const [here, there] = n % 2 === 0 ? [one, two] : [two, one]
    const { body } = await here.ask(RENAME, undefined, { variables: { id, name: `name ${n}` } })
    expect(body.data.configureDevice.command.outcome.status).toBe('SUCCEEDED')
    seen = n
    expect(await nameOn(there)).toBe(`name ${n}`)
  }
  stop = true
  await Promise.all(readers)
  expect(wrong).toEqual([])
})

test('a revoked token is given nothing', async () => {
  const { privicore, one, two } = await fleet()
  const token = privicore.issueToken('alice')
  for (const here of [one, two]) await given(here, DEVICES, token)
  expect((await one.ask('mutation { revokeToken { revoked } }', token)).body.data.revokeToken.revoked).toBe(true)
  for (const { ask } of [two, one])
    expect((await ask(DEVICES, token)).body.errors[0].extensions.code).toBe('UNAUTHENTICATED')
})

test('while a command changes an area it counts for a second at most', async () => {
  const { privicore, one, raw } = await fleet()
  const kept = raw()
  privicore.fault('device.configure', { kind: 'latency', ms: 1_500 })
  const [{ deviceIdentifier: id }] = (await one.ask(DEVICES)).body.data.devices
  const renaming = one.ask(RENAME, undefined, { variables: { id, name: 'later' } })
  await expect.poll(() => privicore.count('device.configure'), PATIENCE).toBe(1)
  await given(one, DEVICES)
  const keys = await kept.keys(ANSWERS)
  expect(keys).toHaveLength(1)
  expect(await kept.pttl(keys[0] as string)).toBeLessThanOrEqual(1_000)
  await renaming
})

test('it lasts no longer than what is out of date first in it, and no key stays for ever', async () => {
  const { one, raw } = await fleet()
  const kept = raw()
  await given(one, '{ devices { name } dataTokens(first: 1) { totalCount } }')
  const [answer = ''] = await kept.keys(ANSWERS)
  expect(await kept.pttl(answer)).toBeLessThanOrEqual(10_000)
  for (const key of await kept.keys('*')) expect(await kept.pttl(key)).not.toBe(-1)
})

test('what a secret, a command, a failure or a look into the cache went into is kept nowhere', async () => {
  const { privicore, one, raw } = await fleet()
  const kept = raw()
  const [device] = (await one.ask('{ devices(status: APPROVED) { deviceIdentifier } }')).body.data.devices
  const gone = await one.ask('mutation { removeDevice(input: { deviceIdentifier: "none" }) { command { commandId } } }')
  const { commandId } = gone.body.data.removeDevice.command
  const never = [
    `{ devices { name } deviceConfiguration(deviceIdentifier: "${device.deviceIdentifier}") { clientSecret } }`,
    `{ devices { name } command(commandId: "${commandId}") { status } }`,
    '{ devices { name } policy(name: "none") { name } }',
    '{ devices { name } cabPublicKey { keyHex } }',
    '{ __typename }',
  ]
  for (const query of never)
    for (let time = 0; time < 4; time++) expect((await one.ask(query)).body.errors, query).toBeUndefined()
  privicore.fault('storage.list', { kind: 'status', status: 500 }, 4)
  const failing = '{ devices { name } storageDevices { deviceIdentifier } }'
  for (let time = 0; time < 4; time++) expect((await one.ask(failing)).body.errors).toHaveLength(1)
  for (let time = 0; time < 4; time++) await one.ask(DEVICES, undefined, { headers: { 'x-cache-debug': '1' } })
  // The next write is there: so would be those before.
  await given(one, '{ storageDevices { deviceIdentifier } }')
  expect(await kept.keys(ANSWERS)).toHaveLength(1)
})

test('Redis is paused, then killed: every answer comes, late by a tenth of a second at most, and is shared again afterwards', async () => {
  const { redis, one, two } = await fleet()
  for (const here of [one, two]) await given(here, DEVICES)
  redis.pause()
  const startedAt = performance.now()
  for (let time = 0; time < 5; time++) expect((await one.ask(DEVICES)).body.errors).toBeUndefined()
  expect(performance.now() - startedAt).toBeLessThan(600)
  redis.resume()
  await given(one, DEVICES)
  let stop = false
  const failures: unknown[] = []
  const reader = async ({ ask }: typeof one) => {
    while (!stop) {
      const { errors } = (await ask(DEVICES)).body
      if (errors) failures.push(errors)
    }
  }
  const readers = [one, two].flatMap((here) => [reader(here), reader(here)])
  await redis.kill()
  await new Promise((done) => setTimeout(done, 400))
  await redis.restart()
  for (const here of [one, two]) await given(here, DEVICES)
  stop = true
  await Promise.all(readers)
  expect(failures).toEqual([])
})

test('with a memory of its own an instance keeps no answers in Redis', async () => {
  const { privicore, redis, raw } = await fleet()
  const kept = raw()
  const here = await served(privicore, redis.url, { CACHE_MEMORY_MB: '64' })
  await given(here, DEVICES)
  expect(await kept.keys(ANSWERS)).toEqual([])
})

test('in a cluster, too', async () => {
  const node = await startRedis(['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'])
  const privicore = await startSandbox({ commandLatencyMs: 10 })
  onTestFinished(async () => {
    await privicore.close()
    await node.close()
  })
  const raw = looker(node.url)
  await raw.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
  await expect.poll(async () => String(await raw.call('CLUSTER', 'INFO')), PATIENCE).toContain('cluster_state:ok')
  const [one, two] = await Promise.all([1, 2].map(() => served(privicore, `${node.url},${node.url}`)))
  if (one === undefined || two === undefined) throw new Error('two were started')
  const tokens = [privicore.tokens.alice, privicore.tokens.bob]
  for (const here of [one, two]) for (const token of tokens) await given(here, DEVICES, token)
  const before = await one.reads()
  const texts = await Promise.all([...tokens, ...tokens].map(async (token) => (await one.ask(DEVICES, token)).text))
  expect(await one.reads()).toBe(before)
  expect(new Set(texts).size).toBe(2)
  const [{ deviceIdentifier: id }] = JSON.parse(texts[0] as string).data.devices
  await two.ask(RENAME, undefined, { variables: { id, name: 'in a cluster' } })
  expect((await one.ask(DEVICES)).body.data.devices[0].name).toBe('in a cluster')
})
