// Knows the life of sessions and passwords.
import { expect, test } from 'vitest'
import { client, start } from './client.ts'

test('a changed password leaves the tokens that were issued before', async () => {
  const { form, get, outcome } = await start()
  await outcome(form('/profile/change-password', { currentPassword: 'alice-password', newPassword: 'new' }))
  expect((await form('/profile/authenticate', { username: 'alice', password: 'alice-password' })).status).toBe(401)
  expect((await form('/profile/authenticate', { username: 'alice', password: 'new' })).status).toBe(200)
  expect((await get('/profile/retrieve-profile-id')).status).toBe(200)
})

test('a revoked token is 401 from then on, another of the same profile is not', async () => {
  const { sandbox, form, get } = await start()
  const other = client(sandbox, sandbox.issueToken('alice'))
  await form('/profile/revoke-authorization-token')
  expect((await get('/profile/retrieve-profile-id')).status).toBe(401)
  expect((await other.get('/profile/retrieve-profile-id')).status).toBe(200)
})

test('tokens expire by themselves, and by order', async () => {
  const { sandbox, get, bob } = await start({ tokenLifetimeMs: 60_000 })
  sandbox.expire(sandbox.tokens.alice)
  sandbox.revoke(sandbox.tokens.bob)
  expect((await get('/profile/retrieve-profile-id')).status).toBe(401)
  expect((await bob.get('/profile/retrieve-profile-id')).status).toBe(401)
})

test('a short-lived sandbox issues short-lived tokens', async () => {
  const { get } = await start({ tokenLifetimeMs: 0 })
  expect((await get('/profile/retrieve-profile-id')).status).toBe(401)
})

test('reauthorizing makes the same token live longer: ttl is in seconds', async () => {
  const { form, outcome } = await start()
  await outcome(form('/profile/reauthorize-authorization-token', { ttl: '7200' }))
  const { expiresAt } = (await form('/profile/authorization-token/expiry')).body
  expect(Math.abs(Date.parse(expiresAt) - Date.now() - 7_200_000)).toBeLessThan(5_000)
})

test('fixed tokens and a fixed seed make a demo repeatable', async () => {
  const demoTokens = { alice: 'alice-token', bob: 'bob-token' }
  const first = await start({ demoTokens })
  const second = await start({ demoTokens })
  expect(first.sandbox.tokens).toEqual(demoTokens)
  const devices = '/device/retrieve-profile-devices'
  expect((await second.get(devices)).body).toEqual((await first.get(devices)).body)
})

test('an empty sandbox has the two profiles and nothing of theirs', async () => {
  const { get } = await start({ seed: 'empty' })
  expect((await get('/public-key/retrieve-public-key')).status).toBe(200)
  expect((await get('/device/retrieve-profile-devices')).body).toEqual([])
  expect((await get('/data-token/list-data-tokens')).body).toMatchObject({ items: [], meta: { count: 0 } })
})
