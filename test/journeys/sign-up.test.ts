import { expect, test } from 'vitest'
import { gateway } from '../support/gateway.ts'

test('somebody new gets a key pair, signs up, and works at once', async () => {
  const { run, privicore } = await gateway({ as: null, sandbox: { retrievalLagMs: 100 } })

  const generated = await run(
    'mutation { generateKeyPair { keyPair { privateKeyHex publicKey { signedHex valid } } } }',
  )
  const { publicKey, privateKeyHex } = generated.data?.generateKeyPair.keyPair ?? {}
  expect(publicKey.valid).toBe(true)
  expect(privateKeyHex).toMatch(/^[0-9a-f]{64}$/i)

  const signedUp = await run(
    `mutation ($input: SignUpInput!) {
      signUp(input: $input) { session { token expiresAt } stoppedAt command { operation status } userErrors { message } }
    }`,
    { input: { username: 'carol', password: 'carols-password', publicKeyHex: publicKey.signedHex } },
  )
  expect(signedUp.errors).toBeUndefined()
  const { session, ...rest } = signedUp.data?.signUp ?? {}
  expect(rest).toEqual({
    stoppedAt: null,
    command: { operation: 'publicKey.register', status: 'SUCCEEDED' },
    userErrors: [],
  })
  expect(privicore.count('profile.register')).toBe(1)
  expect(privicore.count('publicKey.register')).toBe(1)

  await expect
    .poll(async () => {
      const own = await run('{ profile { publicKey { signedHex valid } } }', {}, { token: session.token })
      return own.data?.profile.publicKey
    })
    .toEqual({ signedHex: publicKey.signedHex, valid: true })
})
