// `command` and `commands`: the state now, then the change, then the end, alike over both transports.
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { gateway, type TestGatewayOptions } from '../support/gateway.ts'
import { listen, subscribe, type Transport, transports } from '../support/subscribing.ts'

const COMMAND = 'subscription ($id: ID!) { command(commandId: $id) { commandId operation status reason settledAt } }'
const SEND =
  'mutation ($name: String!) { requestDeviceIdentifier(input: { deviceName: $name }) { command { commandId } } }'

async function start(transport: Transport, options: TestGatewayOptions = {}) {
  const { gateway: started, privicore, run } = await gateway(options)
  const url = await listen(started)
  const token = privicore.tokens.alice
  return {
    privicore,
    run,
    url,
    gateway: started,
    send: async (name = 'a device'): Promise<string> => {
      const { data, errors } = await run(SEND, { name })
      expect(errors).toBeUndefined()
      return data?.requestDeviceIdentifier.command.commandId
    },
    follow: (query: string, variables: Record<string, unknown>, as: string | null = token) =>
      subscribe(transport, { url, token: as, query, variables }),
    metric: async (name: string) => {
      const text = await (await fetch(url.replace('/graphql', '/metrics'))).text()
      return Number(new RegExp(`^${name} (.+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
    },
  }
}

const isNotFound = (event: unknown) =>
  expect(event).toMatchObject({ errors: [{ extensions: { code: 'NOT_FOUND', requestId: expect.any(String) } }] })

describe.each(transports)('command over %s', (transport) => {
  test('the state now, then its outcome, then the end', async () => {
    const { privicore, send, follow } = await start(transport)
    const hold = privicore.hold('device.request')
    const id = await send()
    const events = follow(COMMAND, { id })
    expect(await events.next()).toEqual({
      data: {
        command: { commandId: id, operation: 'device.request', status: 'PENDING', reason: null, settledAt: null },
      },
    })
    hold.release()
    const rest = await events.rest()
    expect(rest).toMatchObject([{ data: { command: { status: 'SUCCEEDED', settledAt: expect.any(String) } } }])
  })

  test('a refusal is an outcome with its reason', async () => {
    const { privicore, send, follow } = await start(transport)
    privicore.reject('device.request', 'device.limit_reached')
    const all = await follow(COMMAND, { id: await send() }).rest()
    expect(all.at(-1)).toMatchObject({ data: { command: { status: 'REJECTED', reason: 'device.limit_reached' } } })
    expect(all.length).toBeLessThanOrEqual(2)
  })

  test('settled already: one event, then the end, and no call', async () => {
    const { privicore, send, follow, run } = await start(transport)
    const id = await send()
    await vi.waitFor(async () => {
      const { data } = await run('query ($id: ID!) { command(commandId: $id) { status } }', { id })
      expect(data?.command.status).toBe('SUCCEEDED')
    })
    privicore.reset()
    expect(await follow(COMMAND, { id }).rest()).toMatchObject([{ data: { command: { status: 'SUCCEEDED' } } }])
    expect(privicore.count()).toBe(0)
  })

  test('an unknown command and somebody else’s are the same NOT_FOUND', async () => {
    const { send, follow, privicore } = await start(transport)
    isNotFound(await follow(COMMAND, { id: 'no-such-command' }).next())
    const id = await send()
    isNotFound(await follow(COMMAND, { id }, privicore.tokens.bob).next())
    isNotFound(await follow(COMMAND, { id }, null).next())
  })

  test('a command that another client has sent can be followed as well', async () => {
    const { privicore, follow } = await start(transport)
    const hold = privicore.hold('device.request')
    const response = await fetch(`${privicore.url}/device/request-unique-identifier`, {
      method: 'POST',
      headers: { 'x-dpt-authorization': privicore.tokens.alice },
      body: new URLSearchParams({ deviceName: 'elsewhere' }),
    })
    const id = response.headers.get('x-dpt-cab-id') ?? ''
    const events = follow(COMMAND, { id })
    expect(await events.next()).toMatchObject({ data: { command: { operation: null, status: 'PENDING' } } })
    hold.release()
    expect(await events.rest()).toMatchObject([{ data: { command: { operation: null, status: 'SUCCEEDED' } } }])
  })

  test('what fails in one event is that event’s error: the subscription goes on', async () => {
    const { privicore, send, follow } = await start(transport)
    const hold = privicore.hold('device.request')
    const id = await send()
    const query = 'subscription ($id: ID!) { command(commandId: $id) { status outcome(timeoutMs: -1) { status } } }'
    const events = follow(query, { id })
    expect(await events.next()).toMatchObject({
      data: { command: { status: 'PENDING', outcome: null } },
      errors: [{ path: ['command', 'outcome'], extensions: { code: 'BAD_USER_INPUT' } }],
    })
    hold.release()
    expect(await events.rest()).toMatchObject([{ data: { command: { status: 'SUCCEEDED' } } }])
  })

  test('a client that leaves frees everything, and what nobody needs is not polled any more', async () => {
    const { privicore, send, follow, metric } = await start(transport, { env: { CACHE: 'off' } })
    privicore.hold('device.request')
    const id = await send()
    const events = follow(COMMAND, { id })
    await events.next()
    await vi.waitFor(() => expect(privicore.count('utility.requestStatus')).toBeGreaterThan(1))
    expect(await metric('privicore_graphql_subscriptions')).toBe(1)
    await events.leave()
    await vi.waitFor(async () => expect(await metric('privicore_graphql_subscriptions')).toBe(0))
    await sleep(20)
    const polls = privicore.count('utility.requestStatus')
    await sleep(150)
    expect(privicore.count('utility.requestStatus')).toBe(polls)
  })

  test('whoever comes back gets the state now, and the end once', async () => {
    const { privicore, send, follow } = await start(transport)
    const hold = privicore.hold('device.request')
    const id = await send()
    const first = follow(COMMAND, { id })
    await first.next()
    await first.leave()
    const second = follow(COMMAND, { id })
    expect(await second.next()).toMatchObject({ data: { command: { status: 'PENDING' } } })
    hold.release()
    expect(await second.rest()).toMatchObject([{ data: { command: { status: 'SUCCEEDED' } } }])
  })

  test('it ends with its token: revoked through the gateway', async () => {
    const { privicore, send, follow, run } = await start(transport)
    privicore.hold('device.request')
    const events = follow(COMMAND, { id: await send() })
    await events.next()
    const revokedAt = performance.now()
    await run('mutation { revokeToken { revoked } }')
    const end = await events.next().catch((error: unknown) => ({ errors: error }))
    expect(JSON.stringify(end)).toContain('UNAUTHENTICATED')
    expect(performance.now() - revokedAt).toBeLessThan(5_000)
  })

  test('it ends with its token: refused on any other call', async () => {
    const { privicore, send, follow, run } = await start(transport)
    privicore.hold('device.request')
    const events = follow(COMMAND, { id: await send() })
    await events.next()
    privicore.revoke(privicore.tokens.alice)
    await run('{ deviceConfiguration(deviceIdentifier: "x") { clientId } }')
    const end = await events.next().catch((error: unknown) => ({ errors: error }))
    expect(JSON.stringify(end)).toContain('UNAUTHENTICATED')
  })

  test('several at once: the state of each, then each outcome, then the end', async () => {
    const { privicore, send, follow } = await start(transport)
    const hold = privicore.hold('device.request')
    const ids = [await send('one'), await send('two'), await send('three')]
    const query = 'subscription ($ids: [ID!]!) { commands(commandIds: $ids) { commandId status } }'
    const events = follow(query, { ids: [...ids, ids[0]] })
    const seen: { commandId: string; status: string }[] = []
    for (let count = 0; count < 3; count++) seen.push((await events.next())?.data?.commands)
    expect(seen.map(({ commandId }) => commandId).sort()).toEqual([...ids].sort())
    expect(seen.every(({ status }) => status === 'PENDING')).toBe(true)
    hold.release()
    const rest = (await events.rest()).map((event) => event.data?.commands)
    expect(rest.map(({ commandId }) => commandId).sort()).toEqual([...ids].sort())
    expect(rest.every(({ status }) => status === 'SUCCEEDED')).toBe(true)
  })

  test('one that is not the caller’s refuses all; too many are refused by their number; none is an end', async () => {
    const { send, follow } = await start(transport)
    const query = 'subscription ($ids: [ID!]!) { commands(commandIds: $ids) { status } }'
    isNotFound(await follow(query, { ids: [await send(), 'nobody’s'] }).next())
    const many = Array.from({ length: 26 }, (_, index) => `command-${index}`)
    expect(await follow(query, { ids: many }).next()).toMatchObject({
      errors: [{ message: expect.stringContaining('25'), extensions: { code: 'LIMIT_EXCEEDED' } }],
    })
    expect(await follow(query, { ids: [] }).rest()).toEqual([])
  })
})

test('a thousand subscribers of one command cost as many polls as one', async () => {
  const { privicore, send, gateway: started } = await start('server-sent events')
  const hold = privicore.hold('device.request')
  const id = await send()
  const follow = async () => {
    const response = await started.handler.fetch('http://gateway.test/graphql', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'text/event-stream',
        authorization: `Bearer ${privicore.tokens.alice}`,
      },
      body: JSON.stringify({ query: COMMAND, variables: { id } }),
    })
    return response.text()
  }
  const followers = Array.from({ length: 1_000 }, follow)
  await sleep(500)
  const before = privicore.count('utility.requestStatus')
  await sleep(400)
  // At the longest pause of 40 ms, jittered: ten of one poller.
  expect(privicore.count('utility.requestStatus') - before).toBeLessThan(25)
  hold.release()
  for (const text of await Promise.all(followers)) {
    expect(text.match(/"status":"SUCCEEDED"/g)).toHaveLength(1)
    expect(text).toContain('event: complete')
  }
})
