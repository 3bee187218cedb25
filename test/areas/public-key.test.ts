import { expect, test } from 'vitest'
import { gateway } from '../support/gateway.ts'

const REGISTER = `mutation ($signedHex: String!) {
  registerPublicKey(input: { signedHex: $signedHex }) {
    command { operation status }
    publicKey { signedHex keyHex valid status createdAt }
    userErrors { field code message }
  }
}`

const aKey = async (run: Awaited<ReturnType<typeof gateway>>['run']): Promise<string> => {
  const { data } = await run('mutation { generateKeyPair { keyPair { publicKey { signedHex } } } }')
  return data?.generateKeyPair.keyPair.publicKey.signedHex
}

test('a key is registered in place of the old one, and read when it is there', async () => {
  const { run, privicore } = await gateway({ sandbox: { retrievalLagMs: 150 } })
  const signedHex = await aKey(run)
  const { data, errors } = await run(REGISTER, { signedHex: signedHex.toUpperCase() })
  expect(errors).toBeUndefined()
  expect(data?.registerPublicKey).toMatchObject({
    command: { operation: 'publicKey.register', status: 'PENDING' },
    publicKey: { keyHex: expect.stringMatching(/^[0-9a-f]{64}$/i), valid: true, status: 'active' },
    userErrors: [],
  })
  expect(data?.registerPublicKey.publicKey.signedHex.toLowerCase()).toBe(signedHex.toLowerCase())
  expect(privicore.count('publicKey.register')).toBe(1)
})

test.each([
  ['too short', (hex: string) => hex.slice(2)],
  ['not hex', (hex: string) => `z${hex.slice(1)}`],
  ['mistyped', (hex: string) => (hex.at(-1) === '0' ? `${hex.slice(0, -1)}1` : `${hex.slice(0, -1)}0`)],
])('a key that is %s is a userError, and nothing is sent', async (_, spoil) => {
  const { run, privicore, log } = await gateway()
  const signedHex = spoil(await aKey(run))
  privicore.reset()
  const { data, errors } = await run(REGISTER, { signedHex })
  expect(errors).toBeUndefined()
  expect(data?.registerPublicKey).toMatchObject({
    command: null,
    publicKey: null,
    userErrors: [{ field: ['input', 'signedHex'], code: 'VALIDATION_FAILED' }],
  })
  expect(privicore.count()).toBe(0)
  expect(log.join()).not.toContain(signedHex)
})

test("what Privicore finds wrong is told in the input's words", async () => {
  const { run, privicore } = await gateway()
  privicore.fault('publicKey.register', { kind: 'status', status: 422, body: '{"errors":{"publicKey":["in use"]}}' })
  const { data } = await run(REGISTER, { signedHex: await aKey(run) })
  expect(data?.registerPublicKey.userErrors).toEqual([
    { field: ['input', 'signedHex'], code: 'VALIDATION_FAILED', message: 'in use' },
  ])
})

test('a profile without a key has none, and the engine has one', async () => {
  const { run, privicore } = await gateway()
  privicore.fault('publicKey.own', { kind: 'status', status: 404 })
  const { data, errors } = await run('{ profile { profileId publicKey { signedHex } } cabPublicKey { keyHex valid } }')
  expect(errors).toBeUndefined()
  expect(data).toMatchObject({ profile: { publicKey: null }, cabPublicKey: { valid: true } })
})

test('a key whose hash is wrong is shown as such', async () => {
  const { run, privicore } = await gateway()
  privicore.fault('publicKey.own', {
    kind: 'status',
    status: 200,
    body: JSON.stringify({ publicKey: 'ab'.repeat(100) }),
  })
  const { data } = await run('{ profile { publicKey { valid keyHex } } }')
  expect(data?.profile.publicKey).toEqual({ valid: false, keyHex: 'ab'.repeat(32) })
})
