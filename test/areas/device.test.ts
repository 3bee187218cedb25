import { expect, test } from 'vitest'
import { gateway } from '../support/gateway.ts'

test('an approved device is answered as approved, in one request', async () => {
  const { run, privicore } = await gateway()
  const pending = await run('{ devices(status: PENDING) { deviceIdentifier } }')
  const { deviceIdentifier } = pending.data?.devices[0]
  const result = await run(
    'mutation ($input: DeviceInput!) { approveDevice(input: $input) { command { status } device { status } userErrors { message } } }',
    { input: { deviceIdentifier } },
  )
  expect(result).toEqual({
    data: { approveDevice: { command: { status: 'PENDING' }, device: { status: 'APPROVED' }, userErrors: [] } },
  })
  expect(privicore.count('device.approve')).toBe(1)
})

test('a refused approval is an outcome, not an error', async () => {
  const { run, privicore } = await gateway()
  privicore.reject('device.approve', 'device.not_pending')
  const result = await run(
    'mutation { approveDevice(input: { deviceIdentifier: "dev-1" }) { command { outcome { status reason } } device { status } userErrors { message } } }',
  )
  expect(result.data?.approveDevice).toEqual({
    command: { outcome: { status: 'REJECTED', reason: 'device.not_pending' } },
    device: null,
    userErrors: [],
  })
})

test('any number of devices in one request cost one call', async () => {
  const { run, privicore } = await gateway()
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
