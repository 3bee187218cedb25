// Secrets appear in the answer and nowhere else.
import { isObjectType } from 'graphql'
import { expect, onTestFinished, test } from 'vitest'
import { schema } from '../src/schema/schema.ts'
import { SECRET_FIELDS } from '../src/schema/secret-fields.ts'
import { looker } from './support/cache.ts'
import { gateway } from './support/gateway.ts'
import { startRedis } from './support/redis.ts'

const REVEAL = `mutation ($keys: AuthenticateInput!) {
  authenticate(input: $keys) { session { __typename token } }
  generateQrToken { qrToken { __typename token } }
  generateKeyPair { keyPair { __typename privateKeyHex } }
  registerOAuthApplication(input: { title: "App" }) { configuration { __typename clientId clientSecret } }
}`

const CODE = `mutation ($request: RequestOAuthAuthorizationCodeInput!) {
  requestOAuthAuthorizationCode(input: $request) { command { commandId outcome { status } } }
}`

const TAKE = `mutation ($code: RetrieveOAuthAuthorizationCodeInput!) {
  retrieveOAuthAuthorizationCode(input: $code) { authorizationCode { __typename code } }
}`

const EXCHANGE = `mutation ($obtain: ObtainOAuthAccessTokenInput!) {
  obtainOAuthAccessToken(input: $obtain) { accessToken { __typename token refreshToken } }
}`

const CONFIGURATION = `query ($id: ID!) {
  deviceConfiguration(deviceIdentifier: $id) {
    __typename clientId clientSecret rabbitUser rabbitPass file { __typename content }
  }
}`

/** Every `Type.field` of an answer that is on the list, with its value. */
function secretsIn(value: unknown, found = new Map<string, string[]>()): Map<string, string[]> {
  if (Array.isArray(value)) for (const item of value) secretsIn(item, found)
  else if (typeof value === 'object' && value !== null) {
    const { __typename } = value as { __typename?: string }
    for (const [key, inner] of Object.entries(value)) {
      const field = `${__typename}.${key}`
      if (SECRET_FIELDS.includes(field) && typeof inner === 'string')
        found.set(field, [...(found.get(field) ?? []), inner])
      secretsIn(inner, found)
    }
  }
  return found
}

async function everythingIn(url: string): Promise<string> {
  const redis = looker(url)
  const parts: string[] = []
  for (const key of await redis.keys('*')) {
    const type = await redis.type(key)
    const held =
      type === 'hash'
        ? Object.entries(await redis.hgetall(key))
        : type === 'string'
          ? await redis.get(key)
          : await redis.dump(key)
    parts.push(key, JSON.stringify(held))
  }
  return parts.join('\n')
}

test('the list names fields that exist, and clients are told that they are secret', () => {
  for (const field of SECRET_FIELDS) {
    const [typeName = '', name = ''] = field.split('.')
    const type = schema.getType(typeName)
    const found = isObjectType(type) ? type.getFields()[name] : undefined
    expect(found, field).toBeDefined()
    expect(`${type?.description} ${found?.description}`, field).toMatch(/secret/i)
  }
})

test('no secret is in the log, the metrics, an error or Redis', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.close())
  const revealed = new Map<string, string[]>()
  let written = ''
  let counted = ''
  for (const deviceConfiguration of ['kebab', 'file'] as const) {
    const { run, fetch, log } = await gateway({
      sandbox: { dialect: { deviceConfiguration } },
      env: { LOG_LEVEL: 'trace', REDIS_URL: redis.url, CACHE_SECRET: 'a secret of this test, long enough' },
    })
    const ask = async (document: string, variables: Record<string, unknown>) => {
      const { data, errors } = await run(document, variables)
      expect(errors).toBeUndefined()
      secretsIn(data, revealed)
      return data as Record<string, any>
    }
    const { registerOAuthApplication } = await ask(REVEAL, { keys: { username: 'alice', password: 'alice-password' } })
    const { __typename: _, ...client } = registerOAuthApplication.configuration
    const nonce = 'a nonce of this test'
    const { requestOAuthAuthorizationCode } = await ask(CODE, {
      request: { clientId: client.clientId, nonce, scopes: ['all'] },
    })
    const { commandId } = requestOAuthAuthorizationCode.command
    const { retrieveOAuthAuthorizationCode } = await ask(TAKE, { code: { ...client, commandId, nonce } })
    await ask(EXCHANGE, {
      obtain: { ...client, authorizationCode: retrieveOAuthAuthorizationCode.authorizationCode.code },
    })
    const { devices } = await ask('{ devices(status: APPROVED) { deviceIdentifier } }', {})
    await ask(CONFIGURATION, { id: devices[0].deviceIdentifier })
    // What is refused must not tell either.
    const refused = await run(TAKE, { code: { ...client, commandId, nonce } })
    written += JSON.stringify(refused) + log.join('')
    counted += await (await fetch('/metrics')).text()
  }
  expect([...revealed.keys()].toSorted()).toEqual([...SECRET_FIELDS].toSorted())
  const dump = await everythingIn(redis.url)
  expect(dump, 'a Redis that holds nothing proves nothing').not.toBe('')
  for (const [field, values] of revealed) {
    for (const value of values) {
      expect(written.includes(value), `${field} in the log or an error`).toBe(false)
      expect(counted.includes(value), `${field} in the metrics`).toBe(false)
      expect(dump.includes(value), `${field} in Redis`).toBe(false)
    }
  }
})
