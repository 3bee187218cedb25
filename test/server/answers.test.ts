// An answer that was given before goes out again, as long as each read it was made of would be served from memory, and not longer.
import { expect, test } from 'vitest'
import { gateway, type TestGatewayOptions } from '../support/gateway.ts'
import { listen } from '../support/subscribing.ts'

async function served(options: TestGatewayOptions = {}) {
  const started = await gateway(options)
  const url = await listen(started.gateway)
  const ask = async (query: string, token: string | null = started.privicore.tokens.alice, variables?: unknown) => {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) })
    return {
      body: await response.json(),
      requestId: response.headers.get('x-request-id'),
      caching: response.headers.get('cache-control'),
    }
  }
  return { ...started, ask }
}

const DEVICES = '{ devices { name status } }'
const times = async <T>(count: number, act: () => Promise<T>): Promise<T[]> => {
  const done: T[] = []
  for (let time = 0; time < count; time++) done.push(await act())
  return done
}

test('it is the same to the byte, with a request id of its own, and kept by nobody in between', async () => {
  const { ask, privicore } = await served()
  const answers = await times(6, () => ask(DEVICES))
  for (const { body, caching } of answers) {
    expect(body).toEqual(answers[0]?.body)
    expect(caching).toBe('private, no-store')
  }
  expect(new Set(answers.map(({ requestId }) => requestId)).size).toBe(6)
  expect(privicore.count('device.list')).toBe(1)
})

test('it is given to its own caller only', async () => {
  const { ask, privicore } = await served()
  await times(4, () => ask(DEVICES))
  expect(JSON.stringify((await ask(DEVICES, privicore.tokens.bob)).body)).not.toContain('Alice')
  expect((await ask(DEVICES, null)).body.errors[0].extensions.code).toBe('UNAUTHENTICATED')
  expect((await ask(DEVICES, `${privicore.tokens.alice}x`)).body.errors[0].extensions.code).toBe('UNAUTHENTICATED')
})

test('it depends on the variables', async () => {
  const { ask, privicore } = await served()
  const query = 'query ($status: DeviceStatus) { devices(status: $status) { status } }'
  for (const status of ['PENDING', 'APPROVED', 'PENDING', 'APPROVED', 'PENDING', 'APPROVED']) {
    const { body } = await ask(query, privicore.tokens.alice, { status })
    expect(new Set(body.data.devices.map((device: { status: string }) => device.status))).toEqual(new Set([status]))
  }
})

test('it is not given again once a command has changed what it was made of', async () => {
  const { ask } = await served()
  const [, , , last] = await times(4, () => ask('{ devices(status: PENDING) { deviceIdentifier } }'))
  const [first] = last?.body.data.devices
  const approved = await ask(
    `mutation { approveDevice(input: { deviceIdentifier: "${first.deviceIdentifier}" }) { device { status } } }`,
  )
  expect(approved.body.data.approveDevice.device.status).toBe('APPROVED')
  for (const { body } of await times(4, () => ask('{ devices(status: PENDING) { deviceIdentifier } }'))) {
    expect(body.data.devices).not.toContainEqual(first)
  }
})

test('it is not given again once its token is revoked', async () => {
  const { ask } = await served()
  await times(4, () => ask(DEVICES))
  expect((await ask('mutation { revokeToken { revoked } }')).body.data.revokeToken.revoked).toBe(true)
  expect((await ask(DEVICES)).body.errors[0].extensions.code).toBe('UNAUTHENTICATED')
})

test('it is not kept where something else went into it: secrets, commands, failures', async () => {
  const { ask, privicore } = await served()
  const [device] = (await ask('{ devices(status: APPROVED) { deviceIdentifier } }')).body.data.devices
  const secret = `{ devices { name } deviceConfiguration(deviceIdentifier: "${device.deviceIdentifier}") { clientSecret } }`
  await times(4, () => ask(secret))
  expect(privicore.count('device.configuration')).toBe(4)
  const { body } = await ask('mutation { removeDevice(input: { deviceIdentifier: "none" }) { command { commandId } } }')
  const { commandId } = body.data.removeDevice.command
  const states = await times(4, () => ask(`{ devices { name } command(commandId: "${commandId}") { status } }`))
  await expect
    .poll(
      async () =>
        (await ask(`{ devices { name } command(commandId: "${commandId}") { status } }`)).body.data.command.status,
    )
    .toBe('REJECTED')
  expect(states).toHaveLength(4)
  privicore.fault('storage.list', { kind: 'status', status: 500 }, 2)
  const failing = await times(4, () => ask('{ devices { name } storageDevices { deviceIdentifier } }'))
  expect(failing.map(({ body }) => body.errors === undefined)).toEqual([false, false, true, true])
})

test('with CACHE=off it is made anew each time', async () => {
  const { ask, privicore } = await served({ env: { CACHE: 'off' } })
  await times(4, () => ask(DEVICES))
  expect(privicore.count('device.list')).toBe(4)
})

test('operations that are answered so are counted and logged like any other', async () => {
  const { ask, fetch, log } = await served()
  await times(5, () => ask('query Mine { devices { name } }'))
  expect(await (await fetch('/metrics')).text()).toContain(
    'privicore_graphql_operations_total{type="query",code="none"} 5',
  )
  expect(log.filter((line) => line.includes('"operation":"Mine"'))).toHaveLength(5)
})
