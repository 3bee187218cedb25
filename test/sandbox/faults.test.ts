// Knows what each fault does to an answer and to the state, and what is recorded of a request.
import { expect, test } from 'vitest'
import { deviceNamed, start } from './client.ts'

const LIST = '/device/retrieve-profile-devices'

async function removal() {
  const context = await start()
  const deviceIdentifier = deviceNamed(context.sandbox, 'Home NAS')
  const commands = () => context.sandbox.state.commands.size
  return { ...context, commands, remove: () => context.form('/device/remove', { deviceIdentifier }) }
}

test('status answers without handling the request, as often as ordered', async () => {
  const { sandbox, remove, commands } = await removal()
  const headers = { 'Retry-After': '7' }
  sandbox.fault('device.remove', { kind: 'status', status: 503, body: '{"message":"busy"}', headers }, 2)
  for (let times = 0; times < 2; times++) {
    const refused = await remove()
    expect(refused).toMatchObject({ status: 503, body: { message: 'busy' } })
    expect(refused.headers.get('retry-after')).toBe('7')
  }
  expect(commands()).toBe(0)
  expect((await remove()).status).toBe(202)
})

test('html-502 looks like a proxy', async () => {
  const { sandbox, get } = await start()
  sandbox.fault('*', { kind: 'html-502' })
  const answer = await get(LIST)
  expect(answer).toMatchObject({ status: 502, text: expect.stringContaining('<h1>502') })
  expect(answer.headers.get('content-type')).toBe('text/html')
  sandbox.clearFaults()
  expect((await get(LIST)).status).toBe(200)
})

test.each([
  ['reset-before', 0],
  ['reset-after', 1],
  ['reset-mid-body', 1],
] as const)('%s: the client has no answer, and %i command exists', async (kind, count) => {
  const { sandbox, remove, commands } = await removal()
  sandbox.fault('device.remove', { kind }, 1)
  await expect(remove()).rejects.toThrow()
  expect(commands()).toBe(count)
  expect(sandbox.requests).toMatchObject([{ endpoint: 'device.remove', rawBody: expect.stringContaining('deviceId') }])
  expect(sandbox.requests[0]?.aborted).toBe(false)
  expect((await remove()).status).toBe(202)
})

test('malformed-json keeps status and headers', async () => {
  const { sandbox, remove, commands } = await removal()
  sandbox.fault('device.remove', { kind: 'malformed-json' })
  const answer = await remove()
  expect(answer.status).toBe(202)
  expect(() => JSON.parse(answer.text)).toThrow()
  expect(commands()).toBe(1)
})

test('huge-body is as large as ordered, and valid JSON', async () => {
  const { sandbox, get } = await start()
  sandbox.fault('device.list', { kind: 'huge-body', bytes: 1_000_000 })
  const { text, body } = await get(LIST)
  expect(text).toHaveLength(1_000_000)
  expect(body).toHaveLength(999_998)
})

test('latency delays the answer', async () => {
  const { sandbox, get } = await start()
  sandbox.fault('device.list', { kind: 'latency', ms: 60 })
  const since = performance.now()
  await get(LIST)
  expect(performance.now() - since).toBeGreaterThan(55)
})

test('wait handles the request at once and answers when the test lets it', async () => {
  const { sandbox, form, outcome } = await start()
  const { promise, resolve } = Promise.withResolvers<void>()
  sandbox.fault('device.request', { kind: 'wait', until: promise }, 1)
  const slow = form('/device/request-unique-identifier', { deviceName: 'Watch' })
  await expect.poll(() => sandbox.state.commands.size).toBe(1)
  expect(sandbox.requests[0]?.status).toBeNull()
  resolve()
  expect(await outcome(slow)).toBe('succeeded')
})

test('a delay and another fault apply to one request', async () => {
  const { sandbox, get } = await start()
  sandbox.fault('device.list', { kind: 'latency', ms: 20 }, 1)
  sandbox.fault('*', { kind: 'malformed-json' }, 1)
  const since = performance.now()
  expect((await get(LIST)).body).toBeUndefined()
  expect(performance.now() - since).toBeGreaterThan(15)
  expect((await get(LIST)).body).toHaveLength(14)
})

test('hang never answers; a client that leaves is recorded as such', async () => {
  const { sandbox } = await start()
  sandbox.fault('utility.health', { kind: 'hang' })
  const leaving = new AbortController()
  const answer = fetch(`${sandbox.url}/health`, { signal: leaving.signal })
  await expect.poll(() => sandbox.count('utility.health')).toBe(1)
  leaving.abort()
  await expect(answer).rejects.toThrow()
  await expect.poll(() => sandbox.requests[0]?.aborted).toBe(true)
  expect(sandbox.requests[0]).toMatchObject({ endpoint: 'utility.health', status: null })
})

test('requests are recorded as they were sent', async () => {
  const { sandbox, form, get } = await start()
  await form('/device/configure-meta', { deviceIdentifier: 'd', name: 'n', 'size[width]': '3' })
  await get('/policy/retrieve-policy/a%2Fb?x[]=1')
  expect(sandbox.requests[0]).toMatchObject({
    endpoint: 'device.configure',
    method: 'POST',
    path: '/device/configure-meta',
    rawBody: 'deviceIdentifier=d&name=n&size%5Bwidth%5D=3',
    fields: { deviceIdentifier: 'd', name: 'n', size: { width: '3' } },
    headers: { 'x-dpt-authorization': sandbox.tokens.alice },
    status: 202,
  })
  expect(sandbox.requests[1]).toMatchObject({ path: '/policy/retrieve-policy/a%2Fb', query: { x: ['1'] }, rawBody: '' })
  expect([sandbox.count(), sandbox.count('device.configure'), sandbox.count('device.list')]).toEqual([2, 1, 0])
})

test('reset forgets requests, faults and orders, but not the data', async () => {
  const { sandbox, remove, outcome } = await removal()
  sandbox.fault('*', { kind: 'html-502' })
  sandbox.reject('device.remove', 'x')
  sandbox.hold('device.remove')
  await remove()
  sandbox.reset()
  expect(sandbox.count()).toBe(0)
  expect(await outcome(remove())).toBe('succeeded')
  sandbox.reset()
  expect(sandbox.state.profile('alice').devices.size).toBe(13)
})
