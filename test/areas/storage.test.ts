import { expect, test } from 'vitest'
import { gateway, type TestGateway } from '../support/gateway.ts'

/** Gives alice that many devices, each with both roles. */
function populate({ privicore }: TestGateway, count: number): string[] {
  const profile = privicore.state.profile('alice')
  const [pattern] = profile.devices.values()
  if (pattern === undefined) throw new Error('no device is seeded')
  for (const map of [profile.devices, profile.storage, profile.authenticators]) map.clear()
  return Array.from({ length: count }, (_, index) => {
    const deviceIdentifier = `device-${index}`
    profile.devices.set(deviceIdentifier, { ...pattern, deviceIdentifier, name: `Device ${index}`, approved: true })
    const role = { deviceIdentifier, createdAt: Date.now() }
    profile.storage.set(deviceIdentifier, role)
    profile.authenticators.set(deviceIdentifier, role)
    return deviceIdentifier
  })
}

test('roles and the devices that have them join at three calls, whatever their number', async () => {
  const started = await gateway()
  const identifiers = populate(started, 20)
  const { data, errors } = await started.run(
    '{ storageDevices { deviceIdentifier device { name } } authenticators { device { name } } devices { deviceIdentifier roles } }',
  )
  expect(errors).toBeUndefined()
  expect(data?.storageDevices).toEqual(
    identifiers.map((deviceIdentifier, index) => ({ deviceIdentifier, device: { name: `Device ${index}` } })),
  )
  expect(data?.authenticators).toHaveLength(20)
  expect(data?.devices).toEqual(
    identifiers.map((deviceIdentifier) => ({ deviceIdentifier, roles: ['STORAGE', 'AUTHENTICATOR'] })),
  )
  expect(started.privicore.count()).toBe(3)
})

test('each device has the roles that the lists give it', async () => {
  const { run, privicore } = await gateway()
  const { storage, authenticators } = privicore.state.profile('alice')
  const { data } = await run('{ devices { deviceIdentifier roles } }')
  for (const { deviceIdentifier, roles } of data?.devices ?? []) {
    expect(roles).toEqual([
      ...(storage.has(deviceIdentifier) ? ['STORAGE'] : []),
      ...(authenticators.has(deviceIdentifier) ? ['AUTHENTICATOR'] : []),
    ])
  }
})

test('a list of roles that cannot be read costs the roles, not the devices', async () => {
  const started = await gateway()
  populate(started, 2)
  started.privicore.fault('authenticator.list', { kind: 'status', status: 403 })
  const { data, errors } = await started.run('{ devices { deviceIdentifier roles } }')
  expect(data?.devices).toEqual([
    { deviceIdentifier: 'device-0', roles: null },
    { deviceIdentifier: 'device-1', roles: null },
  ])
  expect(errors?.map(({ path, extensions }) => [path, extensions?.code])).toEqual([
    [['devices', 0, 'roles'], 'FORBIDDEN'],
    [['devices', 1, 'roles'], 'FORBIDDEN'],
  ])
})

test('a storage device whose device is gone has none', async () => {
  const started = await gateway()
  populate(started, 1)
  started.privicore.fault('device.list', { kind: 'status', status: 200, body: '[]' })
  const { data, errors } = await started.run('{ storageDevices { deviceIdentifier device { name } } }')
  expect(errors).toBeUndefined()
  expect(data?.storageDevices).toEqual([{ deviceIdentifier: 'device-0', device: null }])
})

test('a device gets the role and loses it, each in one request', async () => {
  const started = await gateway({ sandbox: { retrievalLagMs: 30 } })
  populate(started, 1)
  const { run, privicore } = started
  privicore.state.profile('alice').storage.clear()
  const input = { deviceIdentifier: 'device-0' }

  const registered = await run(
    'mutation ($input: DeviceInput!) { registerStorageDevice(input: $input) { command { operation } storageDevice { id device { name roles } } userErrors { message } } }',
    { input },
  )
  const { id } = registered.data?.registerStorageDevice.storageDevice ?? {}
  expect(registered).toEqual({
    data: {
      registerStorageDevice: {
        command: { operation: 'storage.register' },
        storageDevice: { id, device: { name: 'Device 0', roles: ['STORAGE', 'AUTHENTICATOR'] } },
        userErrors: [],
      },
    },
  })
  expect((await run('query ($id: ID!) { node(id: $id) { __typename id } }', { id })).data?.node).toEqual({
    __typename: 'StorageDevice',
    id,
  })

  const removed = await run(
    'mutation ($input: DeviceInput!) { removeStorageDevice(input: $input) { device { name } deletedStorageDeviceId } }',
    { input },
  )
  expect(removed.data?.removeStorageDevice).toEqual({ device: { name: 'Device 0' }, deletedStorageDeviceId: id })
  expect(privicore.state.profile('alice').storage.size).toBe(0)
  expect(privicore.count('storage.register')).toBe(1)
  expect(privicore.count('storage.remove')).toBe(1)
})

test('a synchronized device is answered once it is done; one that is offline is a rejected command', async () => {
  const started = await gateway()
  populate(started, 2)
  const offline = started.privicore.state.device('device-1')
  offline.online = false
  started.privicore.state.device('device-0').online = true
  const sync = (deviceIdentifier: string) =>
    started.run(
      'mutation ($input: DeviceInput!) { synchronizeStorageDevice(input: $input) { command { outcome { status reason } } storageDevice { deviceIdentifier } userErrors { message } } }',
      { input: { deviceIdentifier } },
    )
  expect((await sync('device-0')).data?.synchronizeStorageDevice).toEqual({
    command: { outcome: { status: 'SUCCEEDED', reason: null } },
    storageDevice: { deviceIdentifier: 'device-0' },
    userErrors: [],
  })
  expect((await sync('device-1')).data?.synchronizeStorageDevice).toEqual({
    command: { outcome: { status: 'REJECTED', reason: 'device.offline' } },
    storageDevice: null,
    userErrors: [],
  })
})
