import { expect, test } from 'vitest'
import { gateway } from '../support/gateway.ts'

const SIGN_UP = `mutation ($input: SignUpInput!) { signUp(input: $input) {
  session { token } stoppedAt command { commandId operation status reason } userErrors { field code }
} }`

async function start(options: Parameters<typeof gateway>[0] = {}) {
  const one = await gateway({ as: null, ...options })
  const generated = await one.run('mutation { generateKeyPair { keyPair { publicKey { signedHex } } } }')
  const publicKeyHex: string = generated.data?.generateKeyPair.keyPair.publicKey.signedHex
  one.privicore.reset()
  return { ...one, input: { username: 'carol', password: 'carols-password', publicKeyHex } }
}

test('a wrong key is found out before anything is sent', async () => {
  const { run, privicore, input } = await start()
  const { data } = await run(SIGN_UP, { input: { ...input, publicKeyHex: `${input.publicKeyHex}00` } })
  expect(data?.signUp).toEqual({
    session: null,
    stoppedAt: 'REGISTER',
    command: null,
    userErrors: [{ field: ['input', 'publicKeyHex'], code: 'VALIDATION_FAILED' }],
  })
  expect(privicore.count()).toBe(0)
})

test('a taken username stops at REGISTER, as the rejection of its command', async () => {
  const { run, privicore, input } = await start()
  const { data, errors } = await run(SIGN_UP, { input: { ...input, username: 'alice' } })
  expect(errors).toBeUndefined()
  expect(data?.signUp).toMatchObject({
    session: null,
    stoppedAt: 'REGISTER',
    command: { operation: 'profile.register', status: 'REJECTED' },
  })
  expect(privicore.count('profile.authenticate')).toBe(0)
})

test('a taken username that is refused at once is CONFLICT', async () => {
  const { run, input } = await start({ sandbox: { dialect: { usernameTaken: '409' } } })
  const { data, errors } = await run(SIGN_UP, { input: { ...input, username: 'alice' } })
  expect(data).toEqual({ signUp: null })
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'CONFLICT' })
})

test('a new profile that cannot sign in for a moment is asked again; registering is not', async () => {
  const { run, privicore, input } = await start()
  privicore.fault('profile.authenticate', { kind: 'status', status: 401 }, 1)
  const { data, errors } = await run(SIGN_UP, { input })
  expect(errors).toBeUndefined()
  expect(data?.signUp).toMatchObject({ session: { token: expect.any(String) }, stoppedAt: null })
  expect(privicore.count('profile.register')).toBe(1)
})

test('failing to sign in is an error of the session, with the command that made the profile', async () => {
  const { run, privicore, input } = await start()
  privicore.fault('profile.authenticate', { kind: 'status', status: 503 })
  const { data, errors } = await run(SIGN_UP, { input })
  expect(data?.signUp).toMatchObject({
    session: null,
    stoppedAt: 'AUTHENTICATE',
    command: { operation: 'profile.register', status: 'SUCCEEDED' },
    userErrors: [],
  })
  expect(errors?.map(({ path, extensions }) => [path, extensions?.code])).toEqual([
    [['signUp', 'session'], 'UPSTREAM_UNAVAILABLE'],
  ])
  expect(privicore.count('publicKey.register')).toBe(0)
})

test('a key whose registration fails leaves the session to go on with', async () => {
  const { run, privicore, input } = await start()
  privicore.fault('publicKey.register', { kind: 'reset-after' })
  const { data, errors } = await run(SIGN_UP, { input })
  expect(data?.signUp).toMatchObject({
    session: { token: expect.any(String) },
    stoppedAt: 'REGISTER_KEY',
    command: null,
  })
  expect(errors?.map(({ path, extensions }) => [path, extensions?.code])).toEqual([
    [['signUp', 'command'], 'OUTCOME_UNKNOWN'],
  ])
  expect(privicore.count('publicKey.register')).toBe(1)
})

test('a key that Privicore refuses is a userError beside the session', async () => {
  const { run, privicore, input } = await start()
  privicore.fault('publicKey.register', { kind: 'status', status: 422, body: '{"errors":{"publicKey":["in use"]}}' })
  const { data } = await run(SIGN_UP, { input })
  expect(data?.signUp).toMatchObject({
    session: { token: expect.any(String) },
    stoppedAt: 'REGISTER_KEY',
    userErrors: [{ field: ['input', 'publicKeyHex'], code: 'VALIDATION_FAILED' }],
  })
})

test('a key that is still being registered is told with its command, which the new session can follow', async () => {
  const { run, privicore, input } = await start({ env: { REQUEST_TIMEOUT_MS: '1500' } })
  privicore.hold('publicKey.register')
  const { data } = await run(SIGN_UP, { input })
  const { session, command, stoppedAt } = data?.signUp ?? {}
  expect({ stoppedAt, command }).toMatchObject({
    stoppedAt: 'REGISTER_KEY',
    command: { operation: 'publicKey.register', status: 'PENDING' },
  })
  const ASK = 'query ($id: ID!) { command(commandId: $id) { operation } }'
  const own = await run(ASK, { id: command.commandId }, { token: session.token })
  expect(own.data?.command).toEqual({ operation: 'publicKey.register' })
  const foreign = await run(ASK, { id: command.commandId }, { token: privicore.tokens.bob })
  expect(foreign.data?.command).toBeNull()
})
