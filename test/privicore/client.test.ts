import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { createSecureServer } from 'node:http2'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Privicore } from '../../src/privicore/client.ts'
import { device } from '../../src/privicore/device.ts'
import { profile } from '../../src/privicore/profile.ts'
import { Secret } from '../../src/privicore/secret.ts'
import { CERTIFICATE, PRIVATE_KEY } from '../support/certificate.ts'
import { clientOf, json, startUpstream } from '../support/upstream.ts'

const token = new Secret('a-token')
const approve = { deviceIdentifier: 'dev-1' }

describe('the id of an accepted command', () => {
  const header = { 'X-Dpt-Cab-Id': 'cmd-1' }
  test.each([
    ['an array', 202, {}, ['cmd-1']],
    ['a string', 202, {}, json('cmd-1')],
    ['commandId', 202, {}, { commandId: 'cmd-1' }],
    ['X-DPT-CAB-ID', 202, {}, { 'X-DPT-CAB-ID': 'cmd-1' }],
    ['the header alone', 202, header, ''],
    ['the header, whatever the body says', 202, header, json('succeeded')],
    ['the header, with a body that is broken', 202, header, '{"comm'],
    ['the header, with markup', 202, header, '<html>'],
    ['200 with an id', 200, {}, ['cmd-1']],
    ['200 with the header', 200, header, ''],
    ['the second name, where the first is null', 202, {}, { commandId: null, 'X-DPT-CAB-ID': 'cmd-1' }],
    ['an array with nothing else in it', 202, {}, ['cmd-1', null]],
    ['the body, where the header is empty', 202, { 'X-Dpt-Cab-Id': ' ' }, ['cmd-1']],
  ])('is found in %s', async (_, status, headers, body) => {
    const upstream = await startUpstream({ status, headers, body })
    expect((await clientOf(upstream).send(device.approve, approve, { token })).commandId).toBe('cmd-1')
  })

  test.each([
    ['no body', ''],
    ['null', 'null'],
    ['an empty object', {}],
    ['an empty array', []],
    ['a word', json('succeeded')],
    ['a sentence', json('Device approved')],
    ['a word that nobody has listed', json('removed')],
    ['a word in an array', ['removed']],
    ['two texts', ['cmd-1', 'cmd-2']],
  ])('is none where 200 comes with %s: it has completed', async (_, body) => {
    const upstream = await startUpstream({ status: 200, body })
    expect((await clientOf(upstream).send(device.approve, approve, { token })).commandId).toBeNull()
  })

  test('may be a word where 202 says it, or be long', async () => {
    const upstream = await startUpstream({ status: 202, body: json('removed') })
    const id = async () => (await clientOf(upstream).send(device.approve, approve, { token })).commandId
    expect(await id()).toBe('removed')
    upstream.answer = { status: 200, body: json('abcdefghijklmnop') }
    expect(await id()).toBe('abcdefghijklmnop')
  })

  test.each(['<html>', '{"comm'])(
    'is not known where 200 comes with %s: nor is what has become of it',
    async (body) => {
      const upstream = await startUpstream({ status: 200, body })
      await expect(clientOf(upstream).send(device.approve, approve, { token })).rejects.toMatchObject({
        code: 'OUTCOME_UNKNOWN',
        status: 200,
      })
      upstream.answer = { status: 202, body }
      await expect(clientOf(upstream).send(device.approve, approve, { token })).rejects.toMatchObject({
        code: 'UPSTREAM_PROTOCOL',
      })
    },
  )

  test('is missing where 202 names none: that makes no sense', async () => {
    const upstream = await startUpstream({ status: 202 })
    await expect(clientOf(upstream).send(device.approve, approve, { token })).rejects.toMatchObject({
      code: 'UPSTREAM_PROTOCOL',
    })
  })
})

describe('a refusal', () => {
  test.each([
    [401, 'UNAUTHENTICATED'],
    [403, 'FORBIDDEN'],
    [404, 'NOT_FOUND'],
    [409, 'CONFLICT'],
    [422, 'VALIDATION_FAILED'],
    [429, 'RATE_LIMITED'],
    [500, 'UPSTREAM_UNAVAILABLE'],
    [502, 'UPSTREAM_UNAVAILABLE'],
    [302, 'UPSTREAM_PROTOCOL'],
    [418, 'UPSTREAM_PROTOCOL'],
    [400, 'UPSTREAM_PROTOCOL'],
  ])('%i is %s, for reads and commands alike', async (status, code) => {
    const upstream = await startUpstream({ status, headers: { location: 'http://127.0.0.1:9/' } })
    await expect(clientOf(upstream).read(device.list, {}, { token })).rejects.toMatchObject({ code, status })
    await expect(clientOf(upstream).send(device.approve, approve, { token })).rejects.toMatchObject({ code, status })
  })

  const blank = 'This value should not be blank.'
  test.each([
    ['a text', json(blank), [{ field: null, message: blank }]],
    ['a list', [blank], [{ field: null, message: blank }]],
    ['message', { message: blank }, [{ field: null, message: blank }]],
    ['error', { error: blank }, [{ field: null, message: blank }]],
    ['a list of errors', { errors: [blank] }, [{ field: null, message: blank }]],
    [
      'errors by field, several each',
      { errors: { device_name: [blank, 'Too short.'] } },
      [
        { field: 'deviceName', message: blank },
        { field: 'deviceName', message: 'Too short.' },
      ],
    ],
    ['errors by field', { errors: { deviceName: blank } }, [{ field: 'deviceName', message: blank }]],
    [
      'violations',
      { violations: [{ propertyPath: 'deviceName', message: blank }] },
      [{ field: 'deviceName', message: blank }],
    ],
    [
      'violations of a form',
      { violations: [{ propertyPath: 'children[deviceName].data', message: blank }] },
      [{ field: 'deviceName', message: blank }],
    ],
    ['an empty list of errors beside a message', { errors: [], message: blank }, [{ field: null, message: blank }]],
    [
      'a list of errors with their fields',
      {
        errors: [{ field: 'device_name', message: blank }, { propertyPath: 'data.name', message: 'Too short.' }, blank],
      },
      [
        { field: 'deviceName', message: blank },
        { field: 'name', message: 'Too short.' },
        { field: null, message: blank },
      ],
    ],
    ['violations by field', { violations: { deviceName: [blank] } }, [{ field: 'deviceName', message: blank }]],
    ['no body', '', []],
    ['markup', '<html><body>422</body></html>', []],
    ['broken JSON', '{"errors":', []],
  ])('says what is wrong as %s', async (_, body, violations) => {
    const upstream = await startUpstream({ status: 422, body })
    await expect(clientOf(upstream).send(device.request, { deviceName: '' }, { token })).rejects.toMatchObject({
      code: 'VALIDATION_FAILED',
      violations,
    })
  })

  test.each([
    [json('oauth.already_retrieved')],
    [{ message: 'oauth.already_retrieved' }],
    [{ errors: ['oauth.already_retrieved'] }],
  ])('carries a dotted key: %j', async (body) => {
    const upstream = await startUpstream({ status: 422, body })
    await expect(clientOf(upstream).read(profile.id, {}, { token })).rejects.toMatchObject({
      reason: 'oauth.already_retrieved',
    })
  })

  test('says when to come again', async () => {
    const upstream = await startUpstream({ status: 429, headers: { 'retry-after': '7' } })
    await expect(clientOf(upstream).read(device.list, {}, { token })).rejects.toMatchObject({ retryAfter: 7 })
  })
})

describe('reads', () => {
  test.each([502, 503, 504])('are tried once more after %i', async (status) => {
    let first = true
    const upstream = await startUpstream(() => {
      if (!first) return { body: [] }
      first = false
      return { status, body: '<html>' }
    })
    expect(await clientOf(upstream).read(device.list, {}, { token })).toEqual([])
    expect(upstream.asked).toHaveLength(2)
  })

  test('are not tried a third time', async () => {
    const upstream = await startUpstream({ status: 503 })
    await expect(clientOf(upstream).read(device.list, {}, { token })).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
    })
    expect(upstream.asked).toHaveLength(2)
  })

  test('are not tried again after 500: it may be the request', async () => {
    const upstream = await startUpstream({ status: 500 })
    await expect(clientOf(upstream).read(device.list, {}, { token })).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
    })
    expect(upstream.asked).toHaveLength(1)
  })

  test('are tried once more when the connection dies', async () => {
    let first = true
    const upstream = await startUpstream((_, response) => {
      if (!first) return { body: [] }
      first = false
      response.destroy()
      return undefined
    })
    expect(await clientOf(upstream).read(device.list, {}, { token })).toEqual([])
  })

  test('that are handed out once are not', async () => {
    const upstream = await startUpstream((_, response) => void response.destroy())
    await expect(clientOf(upstream).read(profile.qrToken, {}, { token })).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
    })
    expect(upstream.asked).toHaveLength(1)
  })

  test('end when nothing listens', async () => {
    const privicore = new Privicore({ baseUrl: 'http://127.0.0.1:9', timeoutMs: 1_000, connections: 1 })
    onTestFinished(() => privicore.close())
    await expect(privicore.read(device.list, {}, { token })).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
  })

  test('end after the attempt’s time, without a second one', async () => {
    const upstream = await startUpstream(() => undefined)
    await expect(clientOf(upstream, { timeoutMs: 50 }).read(device.list, {}, { token })).rejects.toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
    })
    expect(upstream.asked).toHaveLength(1)
  })

  test('time out in the middle of a body too', async () => {
    const upstream = await startUpstream((_, response) => void response.writeHead(200).write('['))
    await expect(clientOf(upstream, { timeoutMs: 50 }).read(device.list, {}, { token })).rejects.toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
    })
  })

  test('that are cancelled close their socket', async () => {
    const gone = Promise.withResolvers<void>()
    const abort = new AbortController()
    const upstream = await startUpstream((_, response) => {
      response.once('close', () => gone.resolve())
      abort.abort()
      return undefined
    })
    await expect(clientOf(upstream).read(device.list, {}, { token, signal: abort.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    })
    await gone.promise
  })

  test('that were cancelled before are not sent', async () => {
    const upstream = await startUpstream({ body: [] })
    await expect(
      clientOf(upstream).read(device.list, {}, { token, signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(upstream.asked).toEqual([])
  })

  test('do not take an endless body into memory', async () => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(200)
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(1024 * 1024, ' ')));
      }
      response.on('drain', more)
      more()
      return undefined
    })
    await expect(clientOf(upstream, { timeoutMs: 10_000 }).read(device.list, {}, { token })).rejects.toMatchObject({
      code: 'UPSTREAM_PROTOCOL',
    })
  })

  test.each([
    ['markup', '<html>'],
    ['broken JSON', '[{"deviceIdentifier":'],
    ['a text', json('hello')],
  ])('answered 200 with %s make no sense', async (_, body) => {
    const upstream = await startUpstream({ body })
    await expect(clientOf(upstream).read(device.list, {}, { token })).rejects.toMatchObject({
      code: 'UPSTREAM_PROTOCOL',
    })
  })

  test('give the memory of their bodies back at once: the collector would let it lie', async () => {
    const body = { deviceIdentifier: 'dev-1', name: 'x'.repeat(50_000) }
    const privicore = clientOf(await startUpstream({ body: [body] }))
    await privicore.read(device.list, {}, { token })
    const before = process.memoryUsage().arrayBuffers
    for (let round = 0; round < 20; round++) await privicore.read(device.list, {}, { token })
    // A megabyte has come by: too little for the collector to begin.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(300_000)
  })

  test('without a token are not sent', async () => {
    const upstream = await startUpstream({ body: [] })
    await expect(clientOf(upstream).read(device.list, {})).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(upstream.asked).toEqual([])
  })

  test.each(['a\r\nx-injected: 1', 'ü', 'a b'])(
    'with a token that no header can carry (%j) are not sent',
    async (value) => {
      const upstream = await startUpstream({ body: [] })
      await expect(clientOf(upstream).read(device.list, {}, { token: new Secret(value) })).rejects.toMatchObject({
        code: 'UNAUTHENTICATED',
      })
      expect(upstream.asked).toEqual([])
    },
  )
})

describe('commands', () => {
  test.each([502, 503, 504])('are not repeated after %i', async (status) => {
    const upstream = await startUpstream({ status })
    await expect(clientOf(upstream).send(device.approve, approve, { token })).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
    })
    expect(upstream.asked).toHaveLength(1)
  })

  test('whose connection dies once they were sent have an unknown outcome, and are not repeated', async () => {
    const upstream = await startUpstream((_, response) => void response.destroy())
    await expect(clientOf(upstream).send(device.approve, approve, { token })).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
    })
    expect(upstream.asked).toHaveLength(1)
  })

  test('whose answer does not come in time have an unknown outcome', async () => {
    const upstream = await startUpstream(() => undefined)
    await expect(clientOf(upstream, { timeoutMs: 50 }).send(device.approve, approve, { token })).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
    })
  })

  test('that found no connection were not sent', async () => {
    const privicore = new Privicore({ baseUrl: 'http://127.0.0.1:9', timeoutMs: 1_000, connections: 1 })
    onTestFinished(() => privicore.close())
    await expect(privicore.send(device.approve, approve, { token })).rejects.toMatchObject({
      code: 'UPSTREAM_UNAVAILABLE',
    })
  })

  test('that waited for a free connection until their time was over were not sent', async () => {
    const upstream = await startUpstream(() => undefined)
    const privicore = clientOf(upstream, { timeoutMs: 200, connections: 1 })
    const blocking = privicore.read(device.list, {}, { token }).catch((error) => error)
    await expect(privicore.send(device.approve, approve, { token, timeoutMs: 50 })).rejects.toMatchObject({
      code: 'UPSTREAM_TIMEOUT',
    })
    await blocking
    expect(upstream.asked.map(({ method }) => method)).toEqual(['GET'])
  })

  test('whose body is cut off are accepted all the same when the header names them', async () => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(202, { 'x-dpt-cab-id': 'cmd-1', 'content-length': '100' })
      response.write('["cmd', () => response.destroy())
      return undefined
    })
    expect((await clientOf(upstream).send(device.approve, approve, { token })).commandId).toBe('cmd-1')
  })

  test('go on when their client leaves', async () => {
    const abort = new AbortController()
    const upstream = await startUpstream(() => {
      abort.abort()
      return { status: 202, body: ['cmd-1'] }
    })
    expect((await clientOf(upstream).send(device.approve, approve, { token, signal: abort.signal })).commandId).toBe(
      'cmd-1',
    )
  })

  test('of a client that has left already are not sent', async () => {
    const upstream = await startUpstream({ status: 202, body: ['cmd-1'] })
    await expect(
      clientOf(upstream).send(device.approve, approve, { token, signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(upstream.asked).toEqual([])
  })
})

describe('the connection', () => {
  test('is kept and used again', async () => {
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]'))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy()
      server.close()
    })
    const { port } = server.address() as { port: number }
    const privicore = new Privicore({ baseUrl: `http://127.0.0.1:${port}`, timeoutMs: 1_000, connections: 1 })
    onTestFinished(() => privicore.close())
    for (let round = 0; round < 3; round++) await privicore.read(device.list, {}, { token })
    expect(sockets.size).toBe(1)
  })

  test('is of HTTP/1.1 even where the server would rather have HTTP/2', async () => {
    const trusted = getCACertificates('default')
    setDefaultCACertificates([...trusted, CERTIFICATE])
    onTestFinished(() => setDefaultCACertificates(trusted))
    const versions: string[] = []
    const server = createSecureServer(
      { allowHTTP1: true, cert: CERTIFICATE, key: PRIVATE_KEY },
      (request, response) => {
        versions.push(request.httpVersion)
        response.end('[]')
      },
    ).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const { port } = server.address() as AddressInfo
    const privicore = new Privicore({ baseUrl: `https://127.0.0.1:${port}`, timeoutMs: 1_000, connections: 1 })
    onTestFinished(() => privicore.close())
    await privicore.read(device.list, {}, { token })
    expect(versions).toEqual(['1.1'])
  })

  test('count is bounded', async () => {
    let open = 0
    let most = 0
    const upstream = await startUpstream((_, response) => {
      most = Math.max(most, ++open)
      setTimeout(() => {
        open--
        response.writeHead(200).end('[]')
      }, 10)
      return undefined
    })
    const privicore = clientOf(upstream, { connections: 3 })
    await Promise.all(Array.from({ length: 12 }, () => privicore.read(device.list, {}, { token })))
    expect(most).toBe(3)
  })

  test('count grows while reads wait for a server that takes its time', async () => {
    const reads = 150
    const waiting: ServerResponse[] = []
    // Nobody is answered before everybody has arrived: with as many sockets as a quick server needs, that would be never.
    const upstream = await startUpstream((_, response) => {
      waiting.push(response)
      if (waiting.length === reads) for (const one of waiting) one.writeHead(200).end('[]')
      return undefined
    })
    const privicore = clientOf(upstream, { connections: 512, timeoutMs: 5_000 })
    const answers = Array.from({ length: reads }, () => privicore.read(device.list, {}, { token }))
    expect(await Promise.all(answers)).toHaveLength(reads)
  })

  test('that cannot be made fails everybody who waits for one, and nobody else', async () => {
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const { port } = closed.address() as { port: number }
    closed.close()
    await once(closed, 'close')
    const privicore = new Privicore({ baseUrl: `http://127.0.0.1:${port}`, timeoutMs: 5_000, connections: 512 })
    onTestFinished(() => privicore.close())
    const reads = Array.from({ length: 1_000 }, () => privicore.read(device.list, {}, { token }))
    const codes = (await Promise.allSettled(reads)).map((one) => one.status === 'rejected' && one.reason.code)
    expect(new Set(codes)).toEqual(new Set(['UPSTREAM_UNAVAILABLE']))
  })

  test('that was made for a read which has been given up meanwhile goes to the next', async () => {
    const sockets: Socket[] = []
    const server = createServer((socket) => {
      sockets.push(socket)
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]'))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const privicore = new Privicore({ baseUrl: `http://127.0.0.1:${port}`, timeoutMs: 1_000, connections: 1 })
    onTestFinished(async () => {
      await privicore.close()
      server.close()
    })
    const abort = new AbortController()
    const first = privicore.read(device.list, {}, { token, signal: abort.signal })
    const second = privicore.read(device.list, {}, { token })
    abort.abort()
    await expect(first).rejects.toMatchObject({ code: 'CANCELLED' })
    expect(await second).toEqual([])
    expect(sockets).toHaveLength(1)
  })

  test('is none once the client is closed: who waits for one or asks for one is refused', async () => {
    const arrived = Promise.withResolvers<void>()
    const upstream = await startUpstream(() => arrived.resolve() as undefined)
    const privicore = clientOf(upstream, { connections: 1, timeoutMs: 5_000 })
    const read = () => privicore.read(device.list, {}, { token }).catch(({ code }) => code)
    const [first, second] = [read(), read()]
    await arrived.promise
    await privicore.close()
    expect(await Promise.all([first, second, read()])).toEqual(Array(3).fill('UPSTREAM_UNAVAILABLE'))
    expect(upstream.asked).toHaveLength(1)
  })

  test('is none of a client that was closed before it had one', async () => {
    const upstream = await startUpstream({ body: [] })
    const privicore = clientOf(upstream)
    await privicore.close()
    await expect(privicore.read(device.list, {}, { token })).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
    expect(upstream.asked).toEqual([])
  })

  test('may lead to a path of its own', async () => {
    const upstream = await startUpstream({ body: [] })
    await clientOf(upstream, { baseUrl: `${upstream.url}/api/v1/` }).read(device.list, {}, { token })
    expect(upstream.last().path).toBe('/api/v1/device/retrieve-profile-devices')
  })
})

describe('PRIVICORE_ENDPOINTS', () => {
  const overriding = (id: string, method: 'GET' | 'POST' | 'DELETE' | 'PUT', path: string) => ({
    overrides: new Map([[id, { method, path }]]),
  })

  test('moves a row to another method and path', async () => {
    const upstream = await startUpstream({ status: 202, body: ['cmd-1'] })
    await clientOf(upstream, overriding('device.remove', 'DELETE', '/devices/{deviceIdentifier}')).send(
      device.remove,
      approve,
      { token },
    )
    expect(upstream.last()).toMatchObject({ method: 'DELETE', path: '/devices/dev-1', body: '' })
  })

  test('moves the fields of a form into the query when it becomes a GET', async () => {
    const upstream = await startUpstream({ status: 202, body: ['cmd-1'] })
    await clientOf(upstream, overriding('device.remove', 'GET', '/device/drop')).send(device.remove, approve, { token })
    expect(upstream.last()).toMatchObject({ method: 'GET', path: '/device/drop?deviceIdentifier=dev-1', body: '' })
  })

  test('moves an id out of the path into the query', async () => {
    const upstream = await startUpstream({ body: { 'client-id': 'c' } })
    await clientOf(upstream, overriding('device.configuration', 'GET', '/device/configuration')).read(
      device.configuration,
      approve,
      { token },
    )
    expect(upstream.last().path).toBe('/device/configuration?deviceIdentifier=dev-1')
  })
})

test('every attempt is told of, with its result', async () => {
  const told: unknown[] = []
  const upstream = await startUpstream({ status: 503 })
  const privicore = clientOf(upstream, { onAttempt: ({ endpoint, result }) => told.push([endpoint, result]) })
  await privicore.read(device.list, {}, { token }).catch(() => {})
  expect(told).toEqual([
    ['device.list', 503],
    ['device.list', 503],
  ])
})
