import { expect, test } from 'vitest'
import { gateway } from '../support/gateway.ts'

const DEVICES = '{ devices { name } }'

test('a token is taken from Authorization: Bearer', async () => {
  const { run, privicore } = await gateway()
  const { data } = await run(DEVICES, {}, { token: privicore.tokens.bob })
  expect(data?.devices[0].name).toMatch(/^Bob/)
  expect(privicore.requests.at(-1)?.headers['x-dpt-authorization']).toBe(privicore.tokens.bob)
})

test('a token is taken from X-DPT-AUTHORIZATION', async () => {
  const { run, privicore } = await gateway({ as: null })
  const { data } = await run(DEVICES, {}, { headers: { 'X-DPT-Authorization': privicore.tokens.alice } })
  expect(data?.devices[0].name).toMatch(/^Alice/)
})

test('a field that needs a token and has none is UNAUTHENTICATED without an upstream call', async () => {
  const { run, privicore } = await gateway({ as: null })
  const { data, errors } = await run(DEVICES)
  expect(data).toEqual({ devices: null })
  expect(errors?.[0]).toMatchObject({ path: ['devices'], extensions: { code: 'UNAUTHENTICATED' } })
  expect(privicore.count()).toBe(0)
})

test('a token that Privicore does not accept is UNAUTHENTICATED', async () => {
  const { run } = await gateway()
  const { errors } = await run(DEVICES, {}, { token: 'nonsense' })
  expect(errors?.[0]?.extensions?.code).toBe('UNAUTHENTICATED')
})

test('a token that was revoked is UNAUTHENTICATED', async () => {
  const { run } = await gateway()
  expect((await run('mutation { revokeToken { revoked userErrors { message } } }')).data?.revokeToken).toEqual({
    revoked: true,
    userErrors: [],
  })
  expect((await run(DEVICES)).errors?.[0]?.extensions?.code).toBe('UNAUTHENTICATED')
})

test('what needs no token works without one', async () => {
  const { run } = await gateway({ as: null })
  const { errors, data } = await run('{ health { status upstream { reachable status latencyMs } } }')
  expect(errors).toBeUndefined()
  expect(data?.health).toMatchObject({ status: 'OK', upstream: { reachable: true, status: 'ok' } })
})

test('a profile is registered, followed and signed in to without a token', async () => {
  const { run } = await gateway({ as: null })
  const registered = await run(
    'mutation { registerProfile(input: { username: "ada", password: "a long password" }) { command { commandId outcome { status } } userErrors { message } } }',
  )
  expect(registered.data?.registerProfile.command.outcome.status).toBe('SUCCEEDED')
  const commandId = registered.data?.registerProfile.command.commandId
  expect(
    (await run('query ($id: ID!) { command(commandId: $id) { status } }', { id: commandId })).data?.command,
  ).toEqual({ status: 'SUCCEEDED' })
  const session = await run(
    'mutation { authenticate(input: { username: "ada", password: "a long password" }) { session { token expiresAt } } }',
  )
  expect(session.data?.authenticate.session.token).toEqual(expect.any(String))
})

test('no other header of the client reaches Privicore', async () => {
  const { run, privicore } = await gateway()
  await run(
    DEVICES,
    {},
    {
      headers: {
        cookie: 'session=1',
        'x-forwarded-for': '10.0.0.1',
        'x-custom': 'yes',
        'user-agent': 'spy',
        'x-request-id': 'r',
      },
    },
  )
  const sent = Object.keys(privicore.requests.at(-1)?.headers ?? {}).toSorted()
  expect(sent).toEqual(['accept', 'connection', 'host', 'x-dpt-authorization'])
})

test('an answer to a token is kept by nobody in between', async () => {
  const { fetch, privicore } = await gateway()
  const ask = (headers: Record<string, string>) =>
    fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query: '{ __typename }' }),
    })
  expect((await ask({ authorization: `Bearer ${privicore.tokens.alice}` })).headers.get('cache-control')).toBe(
    'private, no-store',
  )
  expect((await ask({})).headers.get('cache-control')).toBeNull()
})

test('neither the token nor a variable nor an answer is in the log', async () => {
  const { run, privicore, log } = await gateway({ env: { LOG_LEVEL: 'trace' } })
  await run('mutation ($input: AuthenticateInput!) { authenticate(input: $input) { session { token } } }', {
    input: { username: 'alice', password: 'alice-password' },
  })
  await run('{ devices { name } deviceConfiguration(deviceIdentifier: "x") { clientSecret } }')
  const written = log.join('')
  expect(written).toContain('device.list')
  for (const secret of [privicore.tokens.alice, 'alice-password', 'Office laptop'])
    expect(written).not.toContain(secret)
})
