import { describe, expect, test } from 'vitest'
import { oauth } from '../../src/privicore/oauth.ts'
import { Secret } from '../../src/privicore/secret.ts'
import { clientOf, json, startUpstream } from '../support/upstream.ts'

const token = new Secret('a-token')
const basic = new Secret('Y2xpZW50OnNlY3JldA==')

const revealed = (value: unknown): unknown =>
  value instanceof Secret
    ? `secret:${value.reveal()}`
    : value !== null && typeof value === 'object' && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, revealed(inner)]))
      : value

describe('oauth.register', () => {
  test('is a form, with the scopes as a PHP list', async () => {
    const upstream = await startUpstream({ status: 202, headers: { 'x-dpt-cab-id': 'app-1' } })
    const sent = await clientOf(upstream).send(
      oauth.register,
      {
        title: 'My app',
        redirect_uri: 'https://app.example/back',
        scope: ['data_token.all', 'profile.retrieve_profile_id'],
      },
      { token },
    )
    expect(sent).toEqual({ commandId: 'app-1', beside: undefined })
    const { method, path, headers, body } = upstream.last()
    expect({ method, path }).toEqual({ method: 'POST', path: '/profile/oauth-application-register' })
    expect(headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(headers['x-dpt-authorization']).toBe('a-token')
    expect(headers.authorization).toBeUndefined()
    expect([...new URLSearchParams(body)]).toEqual([
      ['title', 'My app'],
      ['redirect_uri', 'https://app.example/back'],
      ['scope[]', 'data_token.all'],
      ['scope[]', 'profile.retrieve_profile_id'],
    ])
  })

  test('leaves out what was not given', async () => {
    const upstream = await startUpstream({ status: 202, body: ['app-1'] })
    await clientOf(upstream).send(oauth.register, { title: 'My app' }, { token })
    expect(upstream.last().body).toBe('title=My+app')
  })
})

describe('oauth.configuration', () => {
  const configuration = {
    id: 'app-1',
    title: 'My app',
    redirectUri: null,
    profileId: 'p-1',
    clientId: 'client-1',
    clientSecret: 's3cret',
  }
  const decoded = {
    applicationId: 'app-1',
    title: 'My app',
    redirectUri: null,
    profileId: 'p-1',
    clientId: 'client-1',
    clientSecret: 'secret:s3cret',
  }

  test('sends the id under both of its names', async () => {
    const upstream = await startUpstream({ body: configuration })
    await clientOf(upstream).read(oauth.configuration, { id: 'app-1' }, { token })
    const { method, path, headers, body } = upstream.last()
    expect({ method, path }).toEqual({ method: 'POST', path: '/profile/retrieve-oauth-application-configuration' })
    expect(headers['x-dpt-authorization']).toBe('a-token')
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({ id: 'app-1', applicationId: 'app-1' })
  })

  test.each([
    ['camelCase', configuration, decoded],
    [
      'snake_case',
      {
        id: 'app-1',
        title: 'My app',
        redirect_uri: 'https://a.example',
        profile_id: 'p-1',
        client_id: 'client-1',
        client_secret: 's3cret',
      },
      { ...decoded, redirectUri: 'https://a.example' },
    ],
    [
      'only what matters',
      { clientId: 'client-1', clientSecret: 's3cret' },
      { ...decoded, applicationId: null, title: null, profileId: null },
    ],
  ])('reads %s', async (_, body, expected) => {
    const upstream = await startUpstream({ body })
    expect(revealed(await clientOf(upstream).read(oauth.configuration, { id: 'app-1' }, { token }))).toEqual(expected)
  })

  test('is asked once: a secret that was handed out and lost is not asked for again', async () => {
    const upstream = await startUpstream({ status: 503 })
    await expect(clientOf(upstream).read(oauth.configuration, { id: 'a' }, { token })).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
    })
    expect(upstream.asked).toHaveLength(1)
  })

  test('tells the second retrieval by its key', async () => {
    const upstream = await startUpstream({ status: 422, body: { errors: ['oauth.already_retrieved'] } })
    await expect(clientOf(upstream).read(oauth.configuration, { id: 'a' }, { token })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      reason: 'oauth.already_retrieved',
    })
  })

  test('refuses one without a secret', async () => {
    const upstream = await startUpstream({ body: { clientId: 'client-1' } })
    await expect(clientOf(upstream).read(oauth.configuration, { id: 'a' }, { token })).rejects.toMatchObject({
      code: 'UPSTREAM_PROTOCOL',
    })
  })
})

test('oauth.requestCode is a command that is a GET, never sent twice', async () => {
  const upstream = await startUpstream({ status: 202, body: { commandId: 'cmd-1' } })
  const args = { client_id: 'client 1', nonce: 'n&1', scope: ['all', 'device.all'] }
  expect(await clientOf(upstream).send(oauth.requestCode, args, { token })).toMatchObject({ commandId: 'cmd-1' })
  const { method, path, headers, body } = upstream.last()
  const url = new URL(path, upstream.url)
  expect({ method, path: url.pathname, body }).toEqual({
    method: 'GET',
    path: '/profile/oauth-application-request-authorization-code',
    body: '',
  })
  expect([...url.searchParams]).toEqual([
    ['client_id', 'client 1'],
    ['nonce', 'n&1'],
    ['scope[]', 'all'],
    ['scope[]', 'device.all'],
  ])
  expect(headers['x-dpt-authorization']).toBe('a-token')
  upstream.answer = { status: 503 }
  await expect(clientOf(upstream).send(oauth.requestCode, args, { token })).rejects.toMatchObject({
    code: 'UPSTREAM_UNAVAILABLE',
  })
  expect(upstream.asked).toHaveLength(2)
})

describe('oauth.code', () => {
  test.each([
    ['camelCase', { clientId: 'c', nonce: 'n', authorizationCode: 'code', expiresAt: '2026-02-21T15:33:44+00:00' }],
    ['snake_case', { client_id: 'c', nonce: 'n', authorization_code: 'code', expires_at: '2026-02-21T15:33:44+00:00' }],
  ])('is asked for as the application, and read in %s', async (_, answer) => {
    const upstream = await startUpstream({ body: answer })
    const code = await clientOf(upstream).read(oauth.code, { id: 'cmd-1', nonce: 'n' }, { basic })
    expect(revealed(code)).toEqual({
      code: 'secret:code',
      clientId: 'c',
      nonce: 'n',
      expiresAt: '2026-02-21T15:33:44+00:00',
    })
    const { method, path, headers, body } = upstream.last()
    expect({ method, path, body }).toEqual({
      method: 'POST',
      path: '/oauth-application/retrieve-authorization-code',
      body: 'id=cmd-1&nonce=n',
    })
    expect(headers.authorization).toBe('Basic Y2xpZW50OnNlY3JldA==')
    expect(headers['x-dpt-authorization']).toBeUndefined()
  })
})

const granted = {
  clientId: 'c',
  token: 'access',
  refreshToken: 'refresh',
  type: 'bearer',
  scope: 'a b',
  expiresAt: '2026-02-21T15:33:44+00:00',
  refreshTokenExpiresAt: '2026-03-21T15:33:44+00:00',
}
const read = {
  clientId: 'c',
  token: 'secret:access',
  refreshToken: 'secret:refresh',
  type: 'bearer',
  scopes: ['a', 'b'],
  expiresAt: '2026-02-21T15:33:44+00:00',
  refreshTokenExpiresAt: '2026-03-21T15:33:44+00:00',
}
const snake = {
  client_id: 'c',
  token: 'access',
  refresh_token: 'refresh',
  type: 'bearer',
  scope: ['a', 'b'],
  expires_at: '2026-02-21T15:33:44+00:00',
  refresh_token_expires_at: '2026-03-21T15:33:44+00:00',
}

describe('oauth.accessToken', () => {
  test.each([
    ['camelCase', granted],
    ['snake_case, scopes as a list', snake],
  ])('changes a code as the application, read in %s', async (_, answer) => {
    const upstream = await startUpstream({ body: answer })
    const token = await clientOf(upstream).read(oauth.accessToken, { authorization_code: 'code' }, { basic })
    expect(revealed(token)).toEqual(read)
    const { method, path, headers, body } = upstream.last()
    expect({ method, path, body }).toEqual({
      method: 'POST',
      path: '/oauth-application/obtain-access-token',
      body: 'authorization_code=code',
    })
    expect(headers.authorization).toBe('Basic Y2xpZW50OnNlY3JldA==')
  })

  test('refuses one without a refresh token', async () => {
    const upstream = await startUpstream({ body: { token: 'access' } })
    await expect(
      clientOf(upstream).read(oauth.accessToken, { authorization_code: 'x' }, { basic }),
    ).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' })
  })
})

describe('oauth.list', () => {
  const application = {
    id: 'app-1',
    title: 'My app',
    clientId: 'c',
    redirectUri: 'https://a.example',
    createdAt: '2026-02-21T15:33:44+00:00',
  }
  const { id, ...rest } = application
  test.each([
    ['an array', [application]],
    ['items', { items: [application] }],
    [
      'snake_case',
      [
        {
          id: 'app-1',
          title: 'My app',
          client_id: 'c',
          redirect_uri: 'https://a.example',
          created_at: '2026-02-21T15:33:44+00:00',
        },
      ],
    ],
  ])('is read from %s', async (_, answer) => {
    const upstream = await startUpstream({ body: answer })
    expect(await clientOf(upstream).read(oauth.list, {}, { token })).toEqual([{ applicationId: id, ...rest }])
    const { method, path, headers } = upstream.last()
    expect({ method, path }).toEqual({ method: 'GET', path: '/profile/retrieve-oauth-application-list' })
    expect(headers['x-dpt-authorization']).toBe('a-token')
  })

  test('none is an empty list', async () => {
    const upstream = await startUpstream({ body: [] })
    expect(await clientOf(upstream).read(oauth.list, {}, { token })).toEqual([])
  })
})

describe('oauth.scope', () => {
  test.each([
    ['a list', ['a', 'b']],
    ['text', json('a b')],
    ['bare text', 'a b'],
    ['scope as text', { scope: 'a b' }],
    ['scope as a list', { scope: ['a', 'b'] }],
    ['scopes', { scopes: ['a', 'b'] }],
    ['scopes as text', { scopes: 'a b' }],
    ['a PHP list with holes', { scope: { 0: 'a', 2: 'b' } }],
  ])('is read from %s', async (_, answer) => {
    const upstream = await startUpstream({ body: answer })
    expect(await clientOf(upstream).read(oauth.scope, {}, { basic: new Secret('raw-access') })).toEqual(['a', 'b'])
    const { method, path, headers } = upstream.last()
    expect({ method, path }).toEqual({
      method: 'GET',
      path: '/oauth-application/retrieve-oauth-application-scope',
    })
    expect(headers.authorization).toBe('Basic raw-access')
    expect(headers['x-dpt-authorization']).toBeUndefined()
  })

  test.each([{ scopes: null }, { scope: null }, { scopes: [] }, {}, 'null'])('is none in %j', async (body) => {
    const upstream = await startUpstream({ body })
    expect(await clientOf(upstream).read(oauth.scope, {}, { basic })).toEqual([])
  })

  test('what is no scope is not taken for one', async () => {
    const upstream = await startUpstream({ body: { allowed: true } })
    await expect(clientOf(upstream).read(oauth.scope, {}, { basic })).rejects.toMatchObject({
      code: 'UPSTREAM_PROTOCOL',
    })
  })
})

describe('oauth.refresh', () => {
  test('authenticates with the raw access token', async () => {
    const upstream = await startUpstream({ body: granted })
    const answer = await clientOf(upstream).read(
      oauth.refresh,
      { refresh_token: 'old refresh' },
      { basic: new Secret('raw-access') },
    )
    expect(revealed(answer)).toEqual(read)
    const { method, path, headers, body } = upstream.last()
    expect({ method, path, body }).toEqual({
      method: 'POST',
      path: '/oauth-application/refresh-access-token',
      body: 'refresh_token=old+refresh',
    })
    expect(headers.authorization).toBe('Basic raw-access')
  })

  test('may leave the refresh token as it is', async () => {
    const upstream = await startUpstream({ body: { token: 'access', expires_at: '2026-02-21T15:33:44+00:00' } })
    const answer = await clientOf(upstream).read(oauth.refresh, { refresh_token: 'r' }, { basic })
    expect(revealed(answer)).toMatchObject({ token: 'secret:access', refreshToken: null, type: 'bearer', scopes: [] })
  })
})
