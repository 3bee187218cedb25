// Knows what is refused at once: forms, encodings, tokens, methods, profiles without a public key.
import { expect, test } from 'vitest'
import { seededKey } from '../../sandbox/seed.ts'
import { client, settled, start } from './client.ts'

const REQUIRED: [path: string, fields: string[]][] = [
  ['/profile/register-profile', ['username', 'password']],
  ['/profile/authenticate', ['username', 'password']],
  ['/profile/change-password', ['currentPassword', 'newPassword']],
  ['/profile/oauth-application-register', ['title']],
  ['/profile/retrieve-oauth-application-configuration', ['id']],
  ['/public-key/register-public-key', ['publicKey']],
  ['/data-token/reserve-token-space', ['context']],
  ['/data-token/exchange-data-for-token', ['temporaryTokenSpace', 'data']],
  ['/data-token/request-data', ['token']],
  ['/data-token/configure-information-security-risk-meta', ['token', 'classification', 'label', 'handling']],
  ['/data-token/configure-file-meta', ['token', 'fileName', 'extension', 'context', 'size', 'path']],
  ['/data-token/delete-data', ['token']],
  ['/device/request-unique-identifier', ['deviceName']],
  ['/device/retrieve-unique-identifier', ['id']],
  ['/device/configure-meta', ['deviceIdentifier', 'name']],
  ['/device/approve-device', ['deviceIdentifier']],
  ['/device/reject-device', ['deviceIdentifier']],
  ['/device/remove', ['deviceIdentifier']],
  ['/storage/register', ['deviceIdentifier']],
  ['/storage/sync-device', ['deviceIdentifier']],
  ['/storage/remove', ['deviceIdentifier']],
  ['/verified-authenticator/register', ['deviceIdentifier']],
  ['/verified-authenticator/remove', ['deviceIdentifier']],
  ['/verified-authenticator/set-quorum-size', ['size']],
  ['/verified-authenticator/set-quorum-strategy', ['strategy', 'strategy_params']],
  ['/verified-authenticator/set-voting-time-limit', ['timeLimit']],
  ['/verified-authenticator/set-maximum-voting-attempts', ['numberOfAttempts']],
  ['/policy/activate', ['policyId']],
  ['/policy/deactivate', ['policyId']],
  ['/policy/delete', ['policyId']],
]

const REQUIRED_JSON: typeof REQUIRED = [
  ['/data-token/update-data', ['dataToken', 'data']],
  ['/policy/register', ['policyTemplateId', 'applyingEventIds', 'name', 'configuration']],
  ['/voting/create', ['votingConfigurationId', 'question', 'title']],
  ['/verified-authenticator/voting-configuration/register', ['name', 'timeLimit', 'strategy', 'deviceIdentifiers']],
  ['/verified-authenticator/voting-configuration/update', ['id']],
]

test('every required field is demanded by its REST name', async () => {
  const { form, json } = await start()
  for (const [path, fields] of REQUIRED) {
    const { status, body } = await form(path)
    expect({ path, status, fields: Object.keys(body.errors) }).toEqual({ path, status: 422, fields })
  }
  for (const [path, fields] of REQUIRED_JSON) {
    const { status, body } = await json(path, {})
    expect({ path, status, fields: Object.keys(body.errors) }).toEqual({ path, status: 422, fields })
  }
})

test('a form row does not read JSON, a JSON row does not take a form', async () => {
  const { form, json, send } = await start()
  expect((await json('/device/request-unique-identifier', { deviceName: 'Watch' })).status).toBe(422)
  expect((await form('/voting/create', { title: 'A vote' })).status).toBe(415)
  const broken = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{' }
  expect((await send('/voting/create', broken)).status).toBe(422)
})

test.each([
  ['/data-token/reserve-token-space', { context: 'c', ttl: '300' }, 'ttl'],
  ['/data-token/reserve-token-space', { context: 'c', ttl: '61' }, 'ttl'],
  ['/data-token/reserve-token-space', { context: 'c', meta: 'not json' }, 'meta'],
  ['/data-token/exchange-data-for-token', { temporaryTokenSpace: 't', data: 'a-b_' }, 'data'],
  ['/data-token/exchange-data-for-token', { temporaryTokenSpace: 't', data: 'A'.repeat(96 * 1024) }, 'data'],
  ['/profile/oauth-application-register', { title: 't', redirect_uri: 'nowhere' }, 'redirect_uri'],
  ['/profile/oauth-application-register', { title: 't', 'scope[]': 'kitchen.all' }, 'scope'],
  ['/profile/reauthorize-authorization-token', { ttl: 'soon' }, 'ttl'],
  ['/verified-authenticator/set-quorum-size', { size: '0' }, 'size'],
  ['/verified-authenticator/set-quorum-strategy', { strategy: 'dice', strategy_params: '5' }, 'strategy'],
  ['/verified-authenticator/set-quorum-strategy', { strategy: 'consensus', strategy_params: '101' }, 'strategy_params'],
  ['/public-key/register-public-key', { publicKey: 'ab' }, 'publicKey'],
  ['/public-key/register-public-key', { publicKey: `${seededKey('a').slice(0, -1)}x` }, 'publicKey'],
  ['/public-key/register-public-key', { publicKey: `0${seededKey('a').slice(1, -1)}0` }, 'publicKey'],
])('%s refuses %j', async (path, fields, field) => {
  const { form } = await start()
  const { status, body } = await form(path, fields)
  expect(status).toBe(422)
  expect(Object.keys(body.errors)).toEqual([field])
})

test('percentageRequired goes with minimum_percentage, and with nothing else', async () => {
  const { json } = await start()
  const path = '/verified-authenticator/voting-configuration/register'
  const base = { name: 'n', timeLimit: 60, deviceIdentifiers: [] }
  const refused = { status: 422, body: { errors: { percentageRequired: [expect.any(String)] } } }
  expect(await json(path, { ...base, strategy: 'minimum_percentage' })).toMatchObject(refused)
  expect(await json(path, { ...base, strategy: 'consensus', percentageRequired: 50 })).toMatchObject(refused)
  expect((await json(path, { ...base, strategy: 'minimum_percentage', percentageRequired: 50 })).status).toBe(202)
})

test('the version tag of a public key is not judged, nor the case of its hex', async () => {
  const { form, get } = await start()
  const { body } = await get('/generate-keys')
  for (const publicKey of [body.public, body.public.toUpperCase()]) {
    expect((await form('/public-key/register-public-key', { publicKey })).status).toBe(202)
  }
})

test('a token is taken as it is: with a scheme in front, or none at all, it is invalid', async () => {
  const { sandbox } = await start()
  for (const token of [null, 'nonsense', `Bearer ${sandbox.tokens.alice}`]) {
    const { status, body } = await client(sandbox, token).get('/device/retrieve-profile-devices')
    expect({ status, body }).toEqual({ status: 401, body: { message: 'invalid token' } })
  }
})

test('a wrong password is 401, and says so in its own words', async () => {
  const { form } = await start()
  const { status, body } = await form('/profile/authenticate', { username: 'alice', password: 'wrong' })
  expect({ status, body }).toEqual({ status: 401, body: { message: 'invalid credentials' } })
})

test('an unknown path is 404, a wrong method 405; both are recorded as no row of the contract', async () => {
  const { sandbox, get, form } = await start()
  expect((await get('/device')).status).toBe(404)
  expect((await get('/device/approve-device')).status).toBe(405)
  expect((await form('/health')).headers.get('allow')).toBe('GET')
  expect(sandbox.requests.map(({ endpoint }) => endpoint)).toEqual([null, null, null])
})

test('until its public key is registered, a profile is refused everything but the way there', async () => {
  const { sandbox, form } = await start()
  const carol = { username: 'carol', password: 'secret' }
  await settled(sandbox, (await form('/profile/register-profile', carol)).id)
  const { body } = await form('/profile/authenticate', carol)
  const { get, form: post, outcome } = client(sandbox, body.authorizationToken)

  const refused = { status: 403, body: { message: 'public_key.not_registered' } }
  expect(await get('/device/retrieve-profile-devices')).toMatchObject(refused)
  expect(await post('/device/request-unique-identifier', { deviceName: 'x' })).toMatchObject(refused)
  expect((await get('/profile/retrieve-profile-id')).status).toBe(200)
  expect((await post('/profile/authorization-token/expiry')).status).toBe(200)
  expect((await get('/public-key/retrieve-public-key')).status).toBe(404)

  expect(await outcome(post('/public-key/register-public-key', { publicKey: seededKey('carol') }))).toBe('succeeded')
  expect((await get('/device/retrieve-profile-devices')).body).toEqual([])
})
