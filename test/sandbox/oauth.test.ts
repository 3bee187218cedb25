// Knows the OAuth rules: secrets and codes once, the nonce must match, which Basic value goes where, scopes.
import { expect, test } from 'vitest'
import type { Dialect } from '../../sandbox/sandbox.ts'
import { base64, basic, client, start } from './client.ts'

/** A sandbox with an application of alice's, registered and configured. */
async function application(dialect: Partial<Dialect> = {}) {
  const context = await start({ dialect })
  const { form, outcome, sandbox } = context
  const registered = await form('/profile/oauth-application-register', { title: 'App' })
  await outcome(registered)
  const both = { id: registered.id, applicationId: registered.id }
  const { clientId, clientSecret } = (await form('/profile/retrieve-oauth-application-configuration', both)).body
  const app = client(sandbox, null)
  const credentials = basic(base64(`${clientId}:${clientSecret}`))
  const consent = (scope = 'all', nonce = 'n1') =>
    context.bob.get(
      `/profile/oauth-application-request-authorization-code?client_id=${clientId}&nonce=${nonce}&scope[]=${scope}`,
    )
  const code = async (scope?: string) => {
    const { id } = await consent(scope)
    await outcome({ ...registered, id })
    const path = '/oauth-application/retrieve-authorization-code'
    return (await app.form(path, { id, nonce: 'n1' }, credentials)).body.authorizationCode
  }
  const access = async (scope?: string) => {
    const fields = { authorization_code: await code(scope) }
    return (await app.form('/oauth-application/obtain-access-token', fields, credentials)).body
  }
  return { ...context, app, clientId, clientSecret, credentials, both, consent, code, access }
}

test('the configuration is handed out once, to its owner', async () => {
  const { form, bob, both } = await application()
  const path = '/profile/retrieve-oauth-application-configuration'
  const again = await form(path, both)
  expect(again).toMatchObject({ status: 422, body: { message: 'oauth.already_retrieved' } })
  expect(await bob.form(path, both)).toMatchObject({ status: 403, body: { message: 'profile.not_an_owner' } })
  expect((await form(path, { id: 'x', applicationId: 'x' })).status).toBe(404)
})

test('a code is handed out once, for the nonce it was asked with', async () => {
  const { app, bob, consent, credentials } = await application()
  const asked = await consent()
  await bob.outcome(asked)
  const retrieve = (nonce: string) =>
    app.form('/oauth-application/retrieve-authorization-code', { id: asked.id, nonce }, credentials)
  expect(await retrieve('n2')).toMatchObject({ status: 422, body: { message: 'oauth.nonce_mismatch' } })
  expect((await retrieve('n1')).body).toMatchObject({ nonce: 'n1', authorizationCode: expect.any(String) })
  expect(await retrieve('n1')).toMatchObject({ status: 422, body: { message: 'oauth.already_retrieved' } })
})

test('a code buys one access token', async () => {
  const { app, code, credentials } = await application()
  const fields = { authorization_code: await code() }
  const obtain = () => app.form('/oauth-application/obtain-access-token', fields, credentials)
  expect((await obtain()).status).toBe(200)
  expect((await obtain()).status).toBe(422)
})

test('the Basic value differs per call: client credentials in base64, access tokens raw', async () => {
  const { app, access, clientId, clientSecret, credentials } = await application()
  const { token, refreshToken } = await access()
  const scope = (value: string) => app.get('/oauth-application/retrieve-oauth-application-scope', basic(value))
  expect((await scope(token)).status).toBe(200)
  expect((await scope(base64(token))).status).toBe(401)
  const fields = { refresh_token: refreshToken }
  const refresh = (headers: HeadersInit) => app.form('/oauth-application/refresh-access-token', fields, headers)
  expect((await refresh(credentials)).status).toBe(401)
  expect((await refresh(basic(token))).status).toBe(200)
  const obtain = (value: string) =>
    app.form('/oauth-application/obtain-access-token', { authorization_code: 'x' }, basic(value))
  expect((await obtain(`${clientId}:${clientSecret}`)).status).toBe(401)
  expect((await obtain(base64(`${clientId}:wrong`))).status).toBe(401)
  expect((await obtain(base64(`${clientId}:${clientSecret}`))).status).toBe(404)
})

test.each(['kept', 'replaced'] as const)(
  'a refresh ends the old access token; the refresh token is %s',
  async (form) => {
    const { app, access } = await application({ oauthRefreshToken: form })
    const { token, refreshToken } = await access()
    const path = '/oauth-application/refresh-access-token'
    expect((await app.form(path, { refresh_token: 'wrong' }, basic(token))).status).toBe(422)
    const { body } = await app.form(path, { refresh_token: refreshToken }, basic(token))
    expect(body.refreshToken === refreshToken).toBe(form === 'kept')
    const scope = (value: string) => app.get('/oauth-application/retrieve-oauth-application-scope', basic(value))
    expect((await scope(token)).status).toBe(401)
    expect((await scope(body.token)).status).toBe(200)
  },
)

test('an access token works as a token of the consenting profile, as far as its scopes go', async () => {
  const { sandbox, access } = await application()
  const { token } = await access('device.all')
  const app = client(sandbox, token)
  const devices = await app.get('/device/retrieve-profile-devices')
  expect(devices.body[0].name).toMatch(/^Bob/)
  expect(await app.get('/storage/list-storage-devices')).toMatchObject({
    status: 403,
    body: { message: 'oauth.scope_missing' },
  })
})

test('an application cannot be granted more than it was registered for', async () => {
  const { form, get, outcome } = await start()
  const registered = await form('/profile/oauth-application-register', { title: 'App', 'scope[]': 'device.all' })
  await outcome(registered)
  const both = { id: registered.id, applicationId: registered.id }
  const { clientId } = (await form('/profile/retrieve-oauth-application-configuration', both)).body
  const consent = (scope: string) =>
    get(`/profile/oauth-application-request-authorization-code?client_id=${clientId}&nonce=n&scope[]=${scope}`)
  expect(await outcome(consent('device.remove'))).toBe('succeeded')
  expect(await outcome(consent('all'))).toBe('oauth.scope_not_allowed')
})
