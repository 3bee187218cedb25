import { expect } from 'vitest'
import { base64, basic, client, type Reply } from '../client.ts'
import { type Context, forms, seen, text, time } from './forms.ts'

forms('healthBody', async ({ get }) => (await get('/health')).text, {
  status: '{"status":"ok"}',
  text: 'OK',
  empty: '',
})
forms(
  'usernameTaken',
  async ({ form, outcome }) => {
    const reply = await form('/profile/register-profile', { username: 'bob', password: 'x' })
    return reply.status === 202 ? [202, await outcome(reply)] : [reply.status, reply.body.message]
  },
  { rejected: [202, 'profile.username_taken'], '409': [409, 'profile.username_taken'] },
)
forms('profileId', async ({ get }) => (await get('/profile/retrieve-profile-id')).body, {
  object: { profileId: text },
  text,
})
forms('qrToken', async ({ form }) => (await form('/profile/generate-token-qr')).body, {
  qrToken: { qrToken: text, expiresAt: time },
  token: { token: text, expiresAt: time },
  text,
})
forms('reauthorize', async ({ form }) => seen(await form('/profile/reauthorize-authorization-token')), {
  '202': { status: 202, body: [text], header: true },
  '200': { status: 200, body: { authorizationToken: text, expiresAt: time }, header: false },
})
forms(
  'revoke',
  async ({ form, get, outcome }) => {
    const reply = await form('/profile/revoke-authorization-token')
    if (reply.status === 202) await outcome(reply)
    return [reply.status, (await get('/profile/retrieve-profile-id')).status]
  },
  { '200': [200, 401], '202': [202, 401] },
)

const register = ({ form }: Context) => form('/profile/oauth-application-register', { title: 'App' })
forms('oauthRegisterBody', async (context) => seen(await register(context)), {
  none: { status: 202, body: undefined, header: true },
  'as-others': { status: 202, body: [text], header: true },
})
const configured = async (context: Context, name?: string): Promise<Reply> => {
  const { id } = await register(context)
  await context.outcome({ id } as Reply)
  const both = { id, applicationId: id }
  return context.form('/profile/retrieve-oauth-application-configuration', name ? { [name]: id } : both)
}
forms(
  'oauthConfigurationKey',
  async (context) => {
    return [
      (await configured(context)).status,
      (await configured(context, 'id')).status,
      (await configured(context, 'applicationId')).status,
    ]
  },
  { id: [200, 200, 422], applicationId: [200, 422, 200] },
)
const APPLICATION = ['clientId', 'clientSecret', 'id', 'profileId', 'redirectUri', 'title']
forms(
  'oauthKeys',
  async (context) => {
    const list = await context.get('/profile/retrieve-oauth-application-list')
    return [Object.keys((await configured(context)).body).sort(), Object.keys(list.body[0])]
  },
  {
    camel: [APPLICATION, ['id', 'title', 'clientId', 'redirectUri', 'createdAt']],
    snake: [
      ['client_id', 'client_secret', 'id', 'profile_id', 'redirect_uri', 'title'],
      ['id', 'title', 'client_id', 'redirect_uri', 'created_at'],
    ],
  },
)
forms('oauthList', async ({ get }) => (await get('/profile/retrieve-oauth-application-list')).body, {
  array: [expect.objectContaining({ title: text })],
  items: { items: [expect.objectContaining({ title: text })] },
})

/** An access token of alice's, by way of a consent to two scopes. */
async function accessToken(context: Context) {
  const { clientId, clientSecret } = (await configured(context)).body
  const query = `client_id=${clientId}&nonce=n&scope[]=device.all&scope[]=voting.create`
  const { id } = await context.get(`/profile/oauth-application-request-authorization-code?${query}`)
  await context.outcome({ id } as Reply)
  const app = client(context.sandbox, null)
  const credentials = basic(base64(`${clientId}:${clientSecret}`))
  const code = await app.form('/oauth-application/retrieve-authorization-code', { id, nonce: 'n' }, credentials)
  const fields = { authorization_code: code.body.authorizationCode }
  return { app, ...(await app.form('/oauth-application/obtain-access-token', fields, credentials)).body }
}
forms(
  'oauthScope',
  async (context) => {
    const { app, token } = await accessToken(context)
    return (await app.get('/oauth-application/retrieve-oauth-application-scope', basic(token))).body
  },
  {
    array: ['device.all', 'voting.create'],
    text: 'device.all voting.create',
    'scope-text': { scope: 'device.all voting.create' },
    'scope-array': { scope: ['device.all', 'voting.create'] },
    scopes: { scopes: ['device.all', 'voting.create'] },
  },
)
forms(
  'oauthRefreshToken',
  async (context) => {
    const { app, token, refreshToken } = await accessToken(context)
    const fields = { refresh_token: refreshToken }
    const renewed = await app.form('/oauth-application/refresh-access-token', fields, basic(token))
    return renewed.body.refreshToken === refreshToken
  },
  { kept: true, replaced: false },
)
