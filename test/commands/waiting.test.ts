// Mutations and queries that wait: with @defer and without, never past their time, and no longer than their client.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { gateway } from '../support/gateway.ts'
import { listen } from '../support/subscribing.ts'

const DEFER = `mutation { requestDeviceIdentifier(input: { deviceName: "x" }) {
  command { commandId status ... @defer { outcome { status reason } } }
} }`
const WAIT = 'mutation { requestDeviceIdentifier(input: { deviceName: "x" }) { command { outcome { status } } } }'

test.each([
  ['multipart/mixed', /"status":"PENDING"[\s\S]*"hasNext":true[\s\S]*"status":"SUCCEEDED"/],
  ['text/event-stream', /"status":"PENDING"[\s\S]*"hasNext":true[\s\S]*"status":"SUCCEEDED"/],
])('@defer: the id at once, the outcome when it is known, as %s', async (accept, parts) => {
  const { fetch, privicore } = await gateway()
  const hold = privicore.hold('device.request')
  const response = await fetch('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept, authorization: `Bearer ${privicore.tokens.alice}` },
    body: JSON.stringify({ query: DEFER }),
  })
  expect(response.headers.get('content-type')).toContain(accept)
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (!text.includes('PENDING')) text += (await reader?.read())?.value ?? ''
  expect(text).not.toContain('SUCCEEDED')
  hold.release()
  for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read())
    text += part.value
  expect(text).toMatch(parts)
})

test('waiting ends with the request’s time: PENDING, in time, and no error', async () => {
  const { run, privicore } = await gateway({ env: { REQUEST_TIMEOUT_MS: '1200' } })
  privicore.hold('device.request')
  const startedAt = performance.now()
  const { data, errors } = await run(WAIT)
  expect(errors).toBeUndefined()
  expect(data?.requestDeviceIdentifier.command.outcome.status).toBe('PENDING')
  expect(performance.now() - startedAt).toBeLessThan(1_200)
})

test('a client that leaves ends its waiting, not the command', async () => {
  const { gateway: started, privicore } = await gateway()
  const url = await listen(started)
  const hold = privicore.hold('device.request')
  const client = new AbortController()
  const answer = fetch(url, {
    method: 'POST',
    signal: client.signal,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${privicore.tokens.alice}` },
    body: JSON.stringify({ query: WAIT }),
  })
  await vi.waitFor(() => expect(privicore.count('device.request')).toBe(1))
  await sleep(30)
  client.abort()
  await expect(answer).rejects.toThrow()
  hold.release()
  await vi.waitFor(() => {
    const [command] = [...privicore.state.commands.values()].filter(({ endpoint }) => endpoint === 'device.request')
    expect(command?.settledAt).not.toBeNull()
  })
  expect(privicore.count('device.request')).toBe(1)
})

test('an outcome is learnt whoever waits: what a command changed is read anew by everybody', async () => {
  const { run, privicore } = await gateway()
  await run('{ devices { name } }')
  const { data } = await run(
    'mutation { requestDeviceIdentifier(input: { deviceName: "new one" }) { command { commandId } } }',
  )
  expect(data?.requestDeviceIdentifier.command.commandId).toBeDefined()
  // Nobody has asked for the outcome.
  await vi.waitFor(async () => {
    const { data: read } = await run('{ devices { name } }')
    expect(read?.devices.map(({ name }: { name: string }) => name)).toContain('new one')
  })
  // What may be changing is read upstream anyway, so this read may have been quicker than the first poll.
  await vi.waitFor(() => expect(privicore.count('utility.requestStatus')).toBeGreaterThan(0))
})

test.each([
  ['garbage', { kind: 'malformed-json' }],
  ['an error', { kind: 'status', status: 500 }],
  ['a broken connection', { kind: 'reset-before' }],
] as const)('%s is no outcome: it is asked again', async (_, fault) => {
  const { run, privicore } = await gateway()
  privicore.fault('utility.requestStatus', fault, 4)
  const { data } = await run(WAIT)
  expect(data?.requestDeviceIdentifier.command.outcome.status).toBe('SUCCEEDED')
})

test('the older server: a fresh id that is not known yet is pending; one that is forgotten later is rejected', async () => {
  const { run, privicore } = await gateway({ sandbox: { dialect: { freshUnknownMs: 150, statusRejected: '404' } } })
  const { data } = await run(WAIT)
  expect(data?.requestDeviceIdentifier.command.outcome.status).toBe('SUCCEEDED')
  privicore.reject('device.request', 'device.limit_reached')
  const startedAt = performance.now()
  const refused = await run(WAIT)
  expect(refused.data?.requestDeviceIdentifier.command.outcome.status).toBe('REJECTED')
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(1_900)
})

test('a command that waits for a vote is polled slowly, and its outcome is the vote’s', async () => {
  const { run, privicore } = await gateway({ env: { COMMAND_POLL_MIN_MS: '5', COMMAND_POLL_MAX_MS: '200' } })
  const hold = privicore.hold('device.request')
  const answer = run(WAIT)
  await sleep(500)
  const before = privicore.count('utility.requestStatus')
  await sleep(800)
  expect(privicore.count('utility.requestStatus') - before).toBeLessThanOrEqual(6)
  hold.release()
  expect((await answer).data?.requestDeviceIdentifier.command.outcome.status).toBe('SUCCEEDED')
})

test('a command that nobody settles is given up after COMMAND_WATCH_MAX_MS', async () => {
  const { run, privicore } = await gateway({ env: { COMMAND_WATCH_MAX_MS: '300' } })
  privicore.hold('device.request')
  await run('mutation { requestDeviceIdentifier(input: { deviceName: "x" }) { command { commandId } } }')
  await sleep(400)
  const polls = privicore.count('utility.requestStatus')
  expect(polls).toBeGreaterThan(3)
  await sleep(150)
  expect(privicore.count('utility.requestStatus')).toBe(polls)
})

test('a command that one query asks about in several places is asked for once', async () => {
  const { run, privicore } = await gateway()
  privicore.fault('device.identifier', { kind: 'latency', ms: 100 })
  const answer = await run(
    '{ command(commandId: "none") { status } again: command(commandId: "none") { status } deviceIdentifier(commandId: "none") }',
  )
  expect(answer).toEqual({ data: { command: null, again: null, deviceIdentifier: null } })
  // An unknown id is asked for in both ways that Privicore may have (privicore.md §1.2).
  const looks = privicore.requests.filter(({ path }) => path.startsWith('/request-status/'))
  expect(looks.map(({ method }) => method).sort()).toEqual(['GET', 'POST'])
})

test('in a mutation each field sees a command as it is then: they run one after the other', async () => {
  const { run, privicore } = await gateway({ sandbox: { retrievalLagMs: 500 } })
  const hold = privicore.hold('oauth.register')
  const { data } = await run(
    'mutation { registerOAuthApplication(input: { title: "x", redirectUri: "https://x.example", scopes: ["all"] }) { command { commandId } } }',
  )
  const { commandId } = data?.registerOAuthApplication.command ?? {}
  const between = Promise.withResolvers<void>()
  privicore.fault('publicKey.generate', { kind: 'wait', until: between.promise })
  const answer = run(
    `mutation ($id: ID!) {
      before: retrieveOAuthApplicationConfiguration(input: { applicationId: $id }) { configuration { clientId } }
      generateKeyPair { userErrors { message } }
      after: retrieveOAuthApplicationConfiguration(input: { applicationId: $id }) { configuration { clientId } }
    }`,
    { id: commandId },
  )
  await vi.waitFor(() => expect(privicore.count('publicKey.generate')).toBe(1))
  hold.release()
  between.resolve()
  expect((await answer).data?.after).toEqual({ configuration: { clientId: expect.any(String) } })
})
