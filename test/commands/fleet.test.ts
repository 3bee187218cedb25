// A fleet of real processes on one real Redis: one poller for all, whatever dies. What one instance sends another can follow.
import { setTimeout as sleep } from 'node:timers/promises'
import { createClient } from 'graphql-ws'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { type GatewayProcess, startProcess } from '../support/process.ts'
import { type RedisServer, startRedis } from '../support/redis.ts'
import { subscribe } from '../support/subscribing.ts'

const SEND = 'mutation { requestDeviceIdentifier(input: { deviceName: "x" }) { command { commandId } } }'
const COMMAND = 'subscription ($id: ID!) { command(commandId: $id) { status } }'
/** COMMAND_POLL_MAX_MS of these gateways. */
const POLL_MAX_MS = 200

let redis: RedisServer
let privicore: Sandbox

beforeAll(async () => {
  redis = await startRedis()
  privicore = await startSandbox({ commandLatencyMs: 10 })
})
afterAll(async () => {
  await privicore.close()
  await redis.close()
})

interface Instance extends GatewayProcess {
  /** Of /graphql. */
  readonly url: string
}

async function fleet(count: number, env: Record<string, string> = {}): Promise<Instance[]> {
  privicore.reset()
  const started = Array.from({ length: count }, () =>
    startProcess({
      PRIVICORE_API_URL: privicore.url,
      REDIS_URL: redis.url,
      CACHE_SECRET: 'a secret of the whole fleet, for tests alone',
      COMMAND_POLL_MIN_MS: '20',
      COMMAND_POLL_MAX_MS: String(POLL_MAX_MS),
      ...env,
    }),
  )
  const instances = await Promise.all(started.map(async (one) => ({ ...one, url: `${await one.ready}/graphql` })))
  await vi.waitFor(() => {
    for (const { output } of instances) expect(output()).toContain('Redis answers')
  })
  return instances
}

async function run(url: string, query: string, variables: object = {}): Promise<any> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${privicore.tokens.alice}` },
    body: JSON.stringify({ query, variables }),
  })
  return response.json()
}

async function send(url: string): Promise<string> {
  const { data, errors } = await run(url, SEND)
  expect(errors).toBeUndefined()
  return data.requestDeviceIdentifier.command.commandId
}

function follow(url: string, id: string, token = privicore.tokens.alice) {
  return subscribe('server-sent events', { url, token, query: COMMAND, variables: { id } })
}

const polls = () => privicore.count('utility.requestStatus')

test('a command that one instance has sent is followed on all, by one poller', async () => {
  const [one, two, three] = (await fleet(3)) as [Instance, Instance, Instance]
  const hold = privicore.hold('device.request')
  const id = await send(one.url)
  const followers = [one, two, three].flatMap(({ url }) => Array.from({ length: 5 }, () => follow(url, id)))
  for (const events of followers) {
    expect(await events.next()).toMatchObject({ data: { command: { status: 'PENDING' } } })
  }
  const foreign = await follow(two.url, id, privicore.tokens.bob).next()
  expect(foreign).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND' } }] })
  await sleep(300)
  const before = polls()
  await sleep(1_500)
  // As many as one subscriber's, at 200 ms, jittered.
  expect(polls() - before).toBeLessThanOrEqual(11)
  expect(polls() - before).toBeGreaterThanOrEqual(5)
  hold.release()
  for (const events of followers) {
    expect(await events.rest()).toMatchObject([{ data: { command: { status: 'SUCCEEDED' } } }])
  }
})

test('kill -9 of the instance that polls: another takes over within 5 s, and everybody is told', async () => {
  const [one, two, three] = (await fleet(3)) as [Instance, Instance, Instance]
  const hold = privicore.hold('device.request')
  const id = await send(one.url)
  const followers = [follow(two.url, id), follow(three.url, id)]
  for (const events of followers) await events.next()
  await sleep(300)
  one.child.kill('SIGKILL')
  await one.exit
  await sleep(50)
  const before = polls()
  const killedAt = performance.now()
  await vi.waitFor(() => expect(polls()).toBeGreaterThan(before), { timeout: 6_000, interval: 20 })
  expect(performance.now() - killedAt).toBeLessThan(5_000)
  hold.release()
  for (const events of followers) {
    expect(await events.rest()).toMatchObject([{ data: { command: { status: 'SUCCEEDED' } } }])
  }
})

test('Redis restarted, empty, in the middle: each instance goes on alone, and the fleet comes together again', async () => {
  const [one, two] = (await fleet(2)) as [Instance, Instance]
  const hold = privicore.hold('device.request')
  const id = await send(one.url)
  const followers = [follow(one.url, id), follow(two.url, id)]
  for (const events of followers) await events.next()
  await redis.kill()
  await sleep(300)
  // Alone: what is sent now is followed all the same.
  const during = await send(two.url)
  const alone = follow(two.url, during)
  expect(await alone.next()).toMatchObject({ data: { command: { status: 'PENDING' } } })
  await redis.restart()
  await vi.waitFor(() => {
    for (const { output } of [one, two]) expect(output().match(/Redis answers/g)).toHaveLength(2)
  }, 5_000)
  const later = follow(one.url, during)
  expect(await later.next()).toMatchObject({ data: { command: { status: 'PENDING' } } })
  hold.release()
  for (const events of [...followers, alone, later]) {
    expect(await events.rest()).toMatchObject([{ data: { command: { status: 'SUCCEEDED' } } }])
  }
  for (const { output } of [one, two]) {
    expect(output().match(/Redis is away/g)).toHaveLength(1)
    expect(output()).not.toMatch(/"level":"(error|fatal)"(?!.*Redis is away)/)
  }
})

test('SIGTERM with open subscriptions: a clean end, and clients go on at the other instance', async () => {
  const [one, two] = (await fleet(2)) as [Instance, Instance]
  const hold = privicore.hold('device.request')
  const id = await send(one.url)
  const events = follow(one.url, id)
  expect(await events.next()).toMatchObject({ data: { command: { status: 'PENDING' } } })

  // A client of a fleet behind one address: it comes back by itself, to whoever answers.
  let url = one.url
  const closes: number[] = []
  const ws = createClient({
    url: () => url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${privicore.tokens.alice}` },
    retryWait: () => sleep(50),
    on: { closed: (event) => void closes.push((event as { code: number }).code) },
  })
  onTestFinished(() => ws.dispose() as Promise<void>)
  const states: string[] = []
  const done = (async () => {
    for await (const { data } of ws.iterate<{ command: { status: string } }>({ query: COMMAND, variables: { id } })) {
      states.push(data?.command.status ?? '')
    }
  })()
  await vi.waitFor(() => expect(states).toEqual(['PENDING']))

  url = two.url
  const endedAt = performance.now()
  one.child.kill('SIGTERM')
  expect(await events.next()).toBeUndefined()
  expect(await one.exit).toBe(0)
  expect(performance.now() - endedAt).toBeLessThan(3_000)
  await vi.waitFor(() => expect(states).toEqual(['PENDING', 'PENDING']), 3_000)
  expect(closes).toContain(1001)
  hold.release()
  await done
  expect(states).toEqual(['PENDING', 'PENDING', 'SUCCEEDED'])
  expect(await follow(two.url, id).rest()).toMatchObject([{ data: { command: { status: 'SUCCEEDED' } } }])
})

test('a token that is refused on one instance ends its subscriptions on all; data that one has received another gives', async () => {
  const [one, two] = (await fleet(2, { PRIVICORE_WS_URL: privicore.wsUrl })) as [Instance, Instance]
  const token = privicore.issueToken('alice')
  const ask = (url: string, query: string, variables = {}) =>
    fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ query, variables }),
    }).then((response) => response.json() as Promise<any>)

  const payload = Buffer.from('ciphertext').toString('base64')
  const stored = await ask(
    one.url,
    'mutation ($input: StoreDataInput!) { storeData(input: $input) { dataToken { token } } }',
    { input: { data: payload, context: 'contracts', fileName: 'a', extension: 'b' } },
  )
  const asked = await ask(
    one.url,
    'mutation ($token: ID!) { requestData(input: { token: $token }) { requestId data { inline } } }',
    { token: stored.data.storeData.dataToken.token },
  )
  const { requestId, data } = asked.data.requestData
  expect(data.inline).toBe(payload)
  const elsewhere = subscribe('server-sent events', {
    url: two.url,
    token,
    query: 'subscription ($id: ID!) { requestedData(requestId: $id) { inline } }',
    variables: { id: requestId },
  })
  expect(await elsewhere.next()).toEqual({ data: { requestedData: { inline: payload } } })

  const hold = privicore.hold('device.request')
  const sent = await ask(two.url, SEND)
  const events = follow(two.url, sent.data.requestDeviceIdentifier.command.commandId, token)
  await events.next()
  privicore.revoke(token)
  await ask(one.url, '{ deviceConfiguration(deviceIdentifier: "x") { clientId } }')
  const refusedAt = performance.now()
  const end = await events.next().catch((error: unknown) => ({ errors: error }))
  expect(JSON.stringify(end)).toContain('UNAUTHENTICATED')
  expect(performance.now() - refusedAt).toBeLessThan(5_000)
  hold.release()
})
