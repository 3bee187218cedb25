import { expect, test } from 'vitest'
import { gateway } from '../support/gateway.ts'

const EVERYTHING = `query ($id: ID!, $text: String!) {
  profile { profileId publicKey { valid } tokenExpiresAt }
  cabPublicKey { valid }
  oauthApplications { title }
  oauthAccessTokenScopes(accessToken: $text)
  dataTokens(first: 5) { nodes { token } }
  dataToken(token: $id) { token }
  temporaryDataToken(commandId: $id) { token }
  devices { name roles }
  device(deviceIdentifier: $id) { name }
  deviceIdentifier(commandId: $id)
  deviceConfiguration(deviceIdentifier: $id) { clientId }
  storageDevices { device { name } }
  authenticators { device { name } }
  votingStrategy { quorumSize }
  votingConfigurations { devices { name } }
  votingConfiguration(configurationId: $id) { name }
  policyTemplates { name }
  policyTemplate(templateId: $id) { name }
  policies { name state template { name } events { name } votingConfiguration { name } }
  policy(name: $text) { name }
  votingPool(poolId: $id) { state }
  command(commandId: $id) { status }
}`

test('what Privicore does not know is null in a query, never an error', async () => {
  const { run, privicore } = await gateway()
  privicore.fault('*', { kind: 'status', status: 404, body: '{"message":"record not found"}' })
  const { data, errors } = await run(EVERYTHING, { id: 'x', text: 'x' })
  expect(errors).toBeUndefined()
  expect(Object.values(data ?? {}).filter((value) => value !== null)).toEqual([])
})

test('where one list is not there, what was joined from it is null, and the rest is answered', async () => {
  const { run, privicore } = await gateway()
  for (const endpoint of [
    'device.list',
    'policy.templates',
    'votingConfiguration.list',
    'authenticator.list',
    'profile.tokenExpiry',
    'publicKey.own',
  ]) {
    privicore.fault(endpoint, { kind: 'status', status: 404 })
  }
  const { data, errors } = await run(
    '{ storageDevices { deviceIdentifier device { name } } policies { name template { name } votingConfiguration { name } } profile { profileId tokenExpiresAt publicKey { valid } } }',
  )
  expect(errors).toBeUndefined()
  expect(data?.storageDevices.length).toBeGreaterThan(0)
  for (const { deviceIdentifier, device } of data?.storageDevices ?? [])
    expect([typeof deviceIdentifier, device]).toEqual(['string', null])
  for (const { name, ...joined } of data?.policies ?? [])
    expect([typeof name, joined]).toEqual(['string', { template: null, votingConfiguration: null }])
  expect(data?.profile).toEqual({ profileId: expect.any(String), tokenExpiresAt: null, publicKey: null })
})
