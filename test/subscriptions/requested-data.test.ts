// `requestedData`: data that was asked for and is pushed, kept for whoever comes for it, for its caller alone.
import { describe, expect, test, vi } from 'vitest'
import { gateway, type TestGatewayOptions } from '../support/gateway.ts'
import { listen, subscribe, type Transport, transports } from '../support/subscribing.ts'

const DATA = 'subscription ($id: ID!) { requestedData(requestId: $id) { requestId context inline downloadUrl } }'
const REQUEST = 'mutation ($token: ID!) { requestData(input: { token: $token }) { requestId } }'

async function start(transport: Transport, options: TestGatewayOptions = {}) {
  const { gateway: started, privicore, run } = await gateway({ push: true, ...options })
  const url = await listen(started)
  const payload = Buffer.from('ciphertext of forty-two bytes, or about so')
  const stored = await run(
    'mutation ($input: StoreDataInput!) { storeData(input: $input) { dataToken { token } stoppedAt } }',
    { input: { data: payload.toString('base64'), context: 'contracts', fileName: 'a', extension: 'b' } },
  )
  const token = stored.data?.storeData.dataToken.token as string
  return {
    privicore,
    run,
    payload: payload.toString('base64'),
    token,
    subscriptions: async () => {
      const text = await (await fetch(url.replace('/graphql', '/metrics'))).text()
      return Number(/^privicore_graphql_subscriptions (.+)$/m.exec(text)?.[1])
    },
    request: async () => (await run(REQUEST, { token })).data?.requestData.requestId as string,
    follow: (id: string, as: string | null = privicore.tokens.alice) =>
      subscribe(transport, { url, token: as, query: DATA, variables: { id } }),
  }
}

describe.each(transports)('requestedData over %s', (transport) => {
  test('one event when the data is there, then the end', async () => {
    const { privicore, request, follow, payload } = await start(transport)
    const hold = privicore.hold('dataToken.request')
    const requestId = await request()
    const events = follow(requestId)
    const first = events.next()
    hold.release()
    expect(await first).toEqual({
      data: { requestedData: { requestId, context: 'contracts', inline: payload, downloadUrl: null } },
    })
    expect(await events.next()).toBeUndefined()
  })

  test('what arrived before anybody came is kept for whoever comes, again and again', async () => {
    const { request, follow, payload, privicore } = await start(transport)
    const requestId = await request()
    await vi.waitFor(() => {
      const [asked] = [...privicore.state.commands.values()].filter(({ endpoint }) => endpoint === 'dataToken.request')
      expect(asked?.settledAt).not.toBeNull()
    })
    for (let round = 0; round < 2; round++) {
      expect(await follow(requestId).rest()).toMatchObject([{ data: { requestedData: { inline: payload } } }])
    }
  })

  test('it is the caller’s alone: another who knows the id gets nothing', async () => {
    const { privicore, request, follow } = await start(transport)
    const requestId = await request()
    expect(await follow(requestId).next()).toBeDefined()
    const foreign = follow(requestId, privicore.tokens.bob)
    const race = await Promise.race([foreign.next(), new Promise((resolve) => setTimeout(resolve, 200, 'nothing'))])
    expect(race).toBe('nothing')
    expect(JSON.stringify(await follow(requestId, null).next())).toContain('UNAUTHENTICATED')
  })

  test('a cut of the channel is mended: what is pushed after it arrives', async () => {
    const { privicore, request, follow, payload } = await start(transport)
    const hold = privicore.hold('dataToken.request')
    const requestId = await request()
    const events = follow(requestId)
    const first = events.next()
    await vi.waitFor(() => expect(privicore.push.channels).toBe(1))
    privicore.push.dropAll()
    await vi.waitFor(() => expect(privicore.push.channels).toBe(0))
    await vi.waitFor(() => expect(privicore.push.channels).toBe(1), { timeout: 3_000 })
    hold.release()
    expect(await first).toMatchObject({ data: { requestedData: { inline: payload } } })
  })

  test('without a push channel it says what the operators must set', async () => {
    const { request, follow } = await start(transport, { push: false })
    expect(await follow(await request()).next()).toMatchObject({
      errors: [{ message: expect.stringContaining('PRIVICORE_WS_URL'), extensions: { code: 'UPSTREAM_UNAVAILABLE' } }],
    })
  })

  test('a client that leaves frees what it held', async () => {
    const { privicore, request, follow, subscriptions } = await start(transport)
    privicore.hold('dataToken.request')
    const events = follow(await request())
    void events.next()
    await vi.waitFor(async () => expect(await subscriptions()).toBe(1))
    await events.leave()
    await vi.waitFor(async () => expect(await subscriptions()).toBe(0))
  })
})

test.each([
  ['base64', {}],
  ['text', { inlineBody: 'text' }],
] as const)('data in the answer of the mutation itself: %s', async (_, dialect) => {
  const { run, token, payload } = await start('server-sent events', { sandbox: { dialect } })
  const { data, errors } = await run(
    'mutation ($token: ID!) { requestData(input: { token: $token }) { requestId data { requestId context inline } } }',
    { token },
  )
  expect(errors).toBeUndefined()
  const { requestId } = data?.requestData ?? {}
  expect(data?.requestData.data).toEqual({ requestId, context: 'contracts', inline: payload })
})

test('data that does not arrive in time is null, not an error', async () => {
  const { run, token, privicore } = await start('server-sent events', { env: { REQUEST_TIMEOUT_MS: '1500' } })
  privicore.hold('dataToken.request')
  const { data, errors } = await run(
    'mutation ($token: ID!) { requestData(input: { token: $token }) { requestId data { inline } } }',
    { token },
  )
  expect(errors).toBeUndefined()
  expect(data?.requestData).toEqual({ requestId: expect.any(String), data: null })
})
