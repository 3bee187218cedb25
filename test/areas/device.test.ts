import { expect, test } from 'vitest'
import {
  ApproveDeviceDocument,
  ConfigureDeviceDocument,
  DeviceConfigurationDocument,
  DevicesDocument,
  RequestDeviceIdentifierDocument,
} from '../generated/graphql.ts'
import { gateway, type TestGateway } from '../support/gateway.ts'

async function oneDevice({ run }: TestGateway, status: 'PENDING' | 'APPROVED') {
  const [device] = (await run(DevicesDocument, { status })).data?.devices ?? []
  if (device === undefined) throw new Error(`alice has no ${status} device`)
  return device
}

test('an approved device is answered as approved, in one request', async () => {
  const started = await gateway()
  const { deviceIdentifier } = await oneDevice(started, 'PENDING')
  const { data, errors } = await started.run(ApproveDeviceDocument, { deviceIdentifier })
  expect(errors).toBeUndefined()
  expect(data?.approveDevice).toEqual({
    command: {
      commandId: expect.any(String),
      operation: 'device.approve',
      status: 'PENDING',
      outcome: { status: 'SUCCEEDED', reason: null },
    },
    device: { deviceIdentifier, status: 'APPROVED' },
    userErrors: [],
  })
  expect(started.privicore.count('device.approve')).toBe(1)
})

test('a refused approval is an outcome, not an error', async () => {
  const { run, privicore } = await gateway()
  privicore.reject('device.approve', 'device.not_pending')
  const { data } = await run(ApproveDeviceDocument, { deviceIdentifier: 'dev-1' })
  expect(data?.approveDevice).toMatchObject({
    command: { outcome: { status: 'REJECTED', reason: 'device.not_pending' } },
    device: null,
    userErrors: [],
  })
})

test('any number of devices in one request cost one call', async () => {
  const { run, privicore } = await gateway({ env: { CACHE: 'off' } })
  const { data } = await run('{ devices { deviceIdentifier } }')
  const [first, second] = data?.devices ?? []
  privicore.reset()
  const result = await run(
    'query ($a: ID!, $b: ID!) { a: device(deviceIdentifier: $a) { name } b: device(deviceIdentifier: $b) { name } none: device(deviceIdentifier: "x") { name } }',
    {
      a: first.deviceIdentifier,
      b: second.deviceIdentifier,
    },
  )
  expect(result.errors).toBeUndefined()
  expect(result.data?.none).toBeNull()
  expect(privicore.count()).toBe(1)
})

test('a device’s free fields change without its name being given again', async () => {
  const started = await gateway()
  const { deviceIdentifier, name } = await oneDevice(started, 'APPROVED')
  const { data } = await started.run(ConfigureDeviceDocument, { input: { deviceIdentifier, extra: { room: 'B 12' } } })
  expect(data?.configureDevice).toMatchObject({ device: { name, meta: { room: 'B 12' } }, userErrors: [] })
  const sent = started.privicore.requests.find(({ endpoint }) => endpoint === 'device.configure')
  expect(sent?.fields).toMatchObject({ name })
})

test('free fields that are no object are a user error, without a call', async () => {
  const { run, privicore } = await gateway()
  const { data } = await run(
    'mutation { configureDevice(input: { deviceIdentifier: "d", extra: "text" }) { command { commandId } userErrors { field } } }',
  )
  expect(data?.configureDevice).toEqual({ command: null, userErrors: [{ field: ['input', 'extra'] }] })
  expect(privicore.count()).toBe(0)
})

test('a new device is asked for, named and found in one request', async () => {
  const { run, privicore } = await gateway({ sandbox: { retrievalLagMs: 300 } })
  const { data } = await run(RequestDeviceIdentifierDocument, { deviceName: 'My phone' })
  const { deviceIdentifier, device } = data?.requestDeviceIdentifier ?? {}
  expect(device).toEqual({ deviceIdentifier, name: 'My phone', status: 'PENDING' })
  expect(privicore.count('device.request')).toBe(1)
})

test.each(['rejectDevice', 'removeDevice'])('%s names the node that is gone', async (mutation) => {
  const { run } = await gateway()
  const [device] = (await run('{ devices(status: PENDING) { id deviceIdentifier } }')).data?.devices ?? []
  const { data } = await run(
    `mutation ($input: DeviceInput!) { ${mutation}(input: $input) { deletedDeviceId command { outcome { status } } } }`,
    { input: { deviceIdentifier: device.deviceIdentifier } },
  )
  expect(data?.[mutation]).toEqual({ deletedDeviceId: device.id, command: { outcome: { status: 'SUCCEEDED' } } })
  expect((await run('query ($id: ID!) { node(id: $id) { id } }', { id: device.id })).data?.node).toBeNull()
})

test('a configuration is secret: read anew each time, and kept out of the log', async () => {
  const started = await gateway()
  const { deviceIdentifier } = await oneDevice(started, 'APPROVED')
  const first = await started.run(DeviceConfigurationDocument, { deviceIdentifier })
  await started.run(DeviceConfigurationDocument, { deviceIdentifier })
  const { clientSecret, rabbitPort } = first.data?.deviceConfiguration ?? {}
  expect(rabbitPort).toEqual(expect.any(Number))
  expect(started.log.join('')).not.toContain(clientSecret)
  expect(started.privicore.count('device.configuration')).toBe(2)
})

test('node and nodes find devices by their Node ids, and answer null for what is none', async () => {
  const { run, privicore } = await gateway()
  const [a, b] = (await run('{ devices { id name } }')).data?.devices ?? []
  const ids = [
    b.id,
    'garbage',
    a.id,
    Buffer.from('Device:none').toString('base64url'),
    Buffer.from('Nope:1').toString('base64url'),
    `${a.id}=`,
    '',
  ]
  privicore.reset()
  const { data, errors } = await run(
    'query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Device { name } } }',
    { ids },
  )
  expect(errors).toBeUndefined()
  expect(data?.nodes).toEqual([
    { __typename: 'Device', ...b },
    null,
    { __typename: 'Device', ...a },
    null,
    null,
    null,
    null,
  ])
  expect(privicore.count()).toBeLessThanOrEqual(1)
})

test('another profile’s device is nobody’s', async () => {
  const { run, privicore } = await gateway()
  const [device] = (await run('{ devices { id } }')).data?.devices ?? []
  const { data } = await run(
    'query ($id: ID!) { node(id: $id) { id } }',
    { id: device.id },
    { token: privicore.tokens.bob },
  )
  expect(data?.node).toBeNull()
})

test('an identifier is found by its command, also where Privicore is late with it', async () => {
  const { run, privicore } = await gateway({ sandbox: { retrievalLagMs: 300 } })
  const requested = await run(
    'mutation { requestDeviceIdentifier(input: { deviceName: "My phone" }) { command { commandId outcome { status } } } }',
  )
  const { commandId } = requested.data?.requestDeviceIdentifier.command ?? {}
  const ASK = 'query ($commandId: ID!) { deviceIdentifier(commandId: $commandId) }'
  expect(await run(ASK, { commandId })).toEqual({ data: { deviceIdentifier: expect.any(String) } })
  expect(privicore.count('device.identifier')).toBeGreaterThan(1)
  expect(await run(ASK, { commandId: 'nothing' })).toEqual({ data: { deviceIdentifier: null } })
})
