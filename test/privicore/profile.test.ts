import { describe, expect, test } from 'vitest'
import type { Command } from '../../src/privicore/endpoint.ts'
import { profile } from '../../src/privicore/profile.ts'
import { Secret } from '../../src/privicore/secret.ts'
import { clientOf, json, startUpstream } from '../support/upstream.ts'

const token = new Secret('a-token')
const expiresAt = '2026-02-21T15:33:44+00:00'
const accepted = { status: 202, body: ['cmd-1'] }

test.each([
  [
    'profile.register',
    profile.register,
    { username: 'ada', password: 'p&=+ü' },
    '/profile/register-profile',
    'username=ada&password=p%26%3D%2B%C3%BC',
    false,
  ],
  [
    'profile.changePassword',
    profile.changePassword,
    { currentPassword: 'old', newPassword: 'new' },
    '/profile/change-password',
    'currentPassword=old&newPassword=new',
    true,
  ],
  [
    'profile.reauthorize',
    profile.reauthorize,
    { ttl: 3600 },
    '/profile/reauthorize-authorization-token',
    'ttl=3600',
    true,
  ],
  ['profile.reauthorize without a ttl', profile.reauthorize, {}, '/profile/reauthorize-authorization-token', '', true],
  ['profile.revoke', profile.revoke, {}, '/profile/revoke-authorization-token', '', true],
] as const)('%s is a form', async (_, endpoint, args, path, body, authorized) => {
  const upstream = await startUpstream(accepted)
  expect(await clientOf(upstream).send(endpoint as Command<string, unknown, unknown>, args, { token })).toEqual({
    commandId: 'cmd-1',
    beside: undefined,
  })
  const { headers, ...rest } = upstream.last()
  expect(rest).toEqual({ method: 'POST', path, body })
  expect(headers['content-type']).toBe('application/x-www-form-urlencoded')
  expect(headers['x-dpt-authorization']).toBe(authorized ? 'a-token' : undefined)
})

describe('profile.authenticate', () => {
  test('sends credentials as a form, without any token', async () => {
    const upstream = await startUpstream({ body: { authorizationToken: 't', expiresAt } })
    const session = await clientOf(upstream).read(profile.authenticate, { username: 'ada', password: 'pw' }, { token })
    expect(session.token.reveal()).toBe('t')
    expect(session.expiresAt).toBe(expiresAt)
    const { headers, ...rest } = upstream.last()
    expect(rest).toEqual({ method: 'POST', path: '/profile/authenticate', body: 'username=ada&password=pw' })
    expect(headers['x-dpt-authorization']).toBeUndefined()
  })

  test.each([[{ authorizationToken: 't' }], [{ expiresAt }], ['[]'], ['']])('%j is no session', async (body) => {
    const upstream = await startUpstream({ body })
    await expect(clientOf(upstream).read(profile.authenticate, { username: 'a', password: 'b' })).rejects.toMatchObject(
      { code: 'UPSTREAM_PROTOCOL' },
    )
  })
})

test.each([
  ['an object', { profileId: 'p-1' }],
  ['snake_case', { profile_id: 'p-1' }],
  ['a bare string', json('p-1')],
])('profile.id is understood as %s', async (_, body) => {
  const upstream = await startUpstream({ body })
  expect(await clientOf(upstream).read(profile.id, {}, { token })).toBe('p-1')
  expect(upstream.last()).toMatchObject({ method: 'GET', path: '/profile/retrieve-profile-id', body: '' })
})

test.each([
  ['qrToken', { qrToken: 'q', expiresAt }, expiresAt],
  ['token', { token: 'q' }, null],
  ['a bare string', json('q'), null],
])('profile.qrToken is understood as %s', async (_, body, expiry) => {
  const upstream = await startUpstream({ body })
  const found = await clientOf(upstream).read(profile.qrToken, {}, { token })
  expect(found.token.reveal()).toBe('q')
  expect(found.expiresAt).toBe(expiry)
  expect(upstream.last()).toMatchObject({ method: 'POST', path: '/profile/generate-token-qr', body: '' })
})

test('profile.reauthorize may answer with a new session at once', async () => {
  const upstream = await startUpstream({ body: { authorizationToken: 'new', expiresAt } })
  const { commandId, beside } = await clientOf(upstream).send(profile.reauthorize, {}, { token })
  expect(commandId).toBeNull()
  expect(beside?.token.reveal()).toBe('new')
})

test('profile.revoke may be done at once', async () => {
  const upstream = await startUpstream({ body: '' })
  expect(await clientOf(upstream).send(profile.revoke, {}, { token })).toEqual({ commandId: null, beside: undefined })
})

test('profile.tokenExpiry is a POST that reads', async () => {
  const upstream = await startUpstream({ body: { expiresAt } })
  expect(await clientOf(upstream).read(profile.tokenExpiry, {}, { token })).toBe(expiresAt)
  expect(upstream.last()).toMatchObject({ method: 'POST', path: '/profile/authorization-token/expiry', body: '' })
})
