// How many calls an operation costs, through the whole gateway.
import { expect, test } from 'vitest'
import { gateway } from '../support/gateway.ts'

const DASHBOARD = `{
  devices { deviceIdentifier name status roles }
  policies { name state votingConfiguration { name strategy } template { name } }
  storageDevices { deviceIdentifier device { name } }
  authenticators { deviceIdentifier device { name } }
  profile { profileId }
}`

test('roles and the devices behind them: three calls', async () => {
  const { run, privicore } = await gateway()
  const query = `{
    storageDevices { deviceIdentifier device { name } }
    authenticators { deviceIdentifier device { name } }
    devices { name roles }
  }`
  const result = await run(query)
  expect(result.errors).toBeUndefined()
  expect(result.data?.devices.length).toBeGreaterThan(10)
  expect(privicore.count()).toBe(3)
})

test('policies with their configurations and templates: at most three calls, and none when asked again', async () => {
  const { run, privicore } = await gateway()
  const query = '{ policies { name votingConfiguration { name } template { name } } }'
  const result = await run(query)
  expect(result.errors).toBeUndefined()
  expect(result.data?.policies.length).toBeGreaterThan(2)
  expect(privicore.count()).toBeLessThanOrEqual(3)
  privicore.reset()
  expect(await run(query)).toEqual(result)
  expect(privicore.count()).toBe(0)
})

test('the dashboard: one call for each endpoint, then none; another caller pays for himself', async () => {
  const { run, privicore } = await gateway()
  const result = await run(DASHBOARD)
  expect(result.errors).toBeUndefined()
  const endpoints = privicore.requests.map(({ endpoint }) => endpoint)
  expect(endpoints.length).toBe(new Set(endpoints).size)
  privicore.reset()
  expect(await run(DASHBOARD)).toEqual(result)
  expect(privicore.count()).toBe(0)
  await run(DASHBOARD, {}, { token: privicore.tokens.bob })
  expect(privicore.count()).toBe(endpoints.length)
})

test('CACHE=off: every operation asks, and still each endpoint once', async () => {
  const { run, privicore } = await gateway({ env: { CACHE: 'off' } })
  await run(DASHBOARD)
  const once = privicore.count()
  expect(once).toBe(new Set(privicore.requests.map(({ endpoint }) => endpoint)).size)
  await run(DASHBOARD)
  expect(privicore.count()).toBe(2 * once)
})

test('extensions.cache: only where it is asked for, and allowed', async () => {
  const { run } = await gateway()
  const headers = { 'x-cache-debug': '1' }
  const query = '{ profile { profileId } devices { name } }'
  expect((await run(query)).extensions).toBeUndefined()
  const { extensions } = await run(query, {}, { headers })
  expect(extensions?.cache).toHaveLength(2)
  expect(extensions?.cache).toContainEqual({ read: 'device.list', status: 'HIT', ageMs: expect.any(Number) })
  const guarded = await gateway({ env: { CACHE_DEBUG: 'off' } })
  expect((await guarded.run(query, {}, { headers })).extensions).toBeUndefined()
})
