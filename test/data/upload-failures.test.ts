// Uploads that go wrong, against stream hosts and clients that misbehave: both sides are aborted, and the client learns why.
import { randomBytes } from 'node:crypto'
import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { answerOf, put, rawConnection, streamHost, transfers } from '../support/transfers.ts'

const MIB = 1024 * 1024
const chunk = randomBytes(MIB)

/** A host that swallows everything and answers at the end. */
const good = () => streamHost((request, response) => void request.on('end', () => response.end()))

test('a body that turns out too large is cut off on both sides, and answered', async () => {
  const host = await good()
  const { uploadUrl, auth } = await transfers({
    env: { PRIVICORE_UPSTREAM_URL: host.url, MAX_UPLOAD_BYTES: String(2 * MIB) },
  })
  const link = await uploadUrl()
  const sending = put(link, { ...auth, 'transfer-encoding': 'chunked' })
  for (let times = 0; times < 5; times++) sending.write(chunk)
  const { status, body, headers } = await answerOf(sending)
  expect([status, body]).toMatchObject([
    413,
    { code: 'LIMIT_EXCEEDED', ticketReusable: false, title: 'Payload Too Large' },
  ])
  expect(headers.connection).toBe('close')
  await expect.poll(() => host.seen[0]?.aborted).toBe(true)
  expect(host.seen[0]?.ended).toBe(false)
  expect(host.seen[0]?.bytes).toBeLessThanOrEqual(2 * MIB)
  expect((await fetch(link, { method: 'PUT', headers: auth, body: 'x' })).status).toBe(404)
})

test('a client that leaves aborts the upload, and its link is used up', async () => {
  const host = await good()
  const { uploadUrl, auth, url } = await transfers({ env: { PRIVICORE_UPSTREAM_URL: host.url } })
  const link = await uploadUrl()
  const sending = put(link, { ...auth, 'content-length': String(10 * MIB) })
  sending.write(chunk)
  await expect.poll(() => host.seen[0]?.bytes ?? 0).toBeGreaterThan(0)
  sending.destroy()
  await expect.poll(() => host.seen[0]?.aborted).toBe(true)
  expect(host.seen[0]?.ended).toBe(false)
  expect((await fetch(link, { method: 'PUT', headers: auth, body: 'x' })).status).toBe(404)
  const metrics = await (await fetch(`${url}/metrics`)).text()
  expect(metrics).toContain('privicore_transfer_seconds_count{direction="up",result="aborted"} 1')
  expect(metrics).toContain('privicore_transfers_open 0')
})

test.each([
  ['shorter', 1_000, 900],
  ['longer', 1_000, 1_100],
])('a body that is %s than declared is complete on no side, and answered', async (_, declared, sent) => {
  const host = await good()
  const { uploadUrl, auth, url } = await transfers({ env: { PRIVICORE_UPSTREAM_URL: host.url } })
  const { pathname } = new URL(await uploadUrl())
  const { socket, received, closed } = await rawConnection(url)
  socket.write(
    `PUT ${pathname} HTTP/1.1\r\nHost: gateway\r\nAuthorization: ${auth.authorization}\r\nContent-Length: ${declared}\r\n\r\n`,
  )
  if (sent > declared) await expect.poll(() => host.seen.length, { timeout: 500 }).toBe(0)
  socket.end(Buffer.alloc(sent, 0x20 + 1))
  await closed
  expect(received()).toMatch(/^HTTP\/1\.1 400 /)
  expect(received()).toContain('"ticketReusable":')
  expect(received()).toContain('"code":"BAD_USER_INPUT"')
  await expect.poll(() => host.seen.every(({ aborted }) => aborted)).toBe(true)
  expect(host.seen.map(({ ended }) => ended)).not.toContain(true)
})

test('chunks that are none are answered, and complete on no side', async () => {
  const host = await good()
  const { uploadUrl, auth, url } = await transfers({ env: { PRIVICORE_UPSTREAM_URL: host.url } })
  const { pathname } = new URL(await uploadUrl())
  const { socket, received, closed } = await rawConnection(url)
  socket.write(
    `PUT ${pathname} HTTP/1.1\r\nHost: gateway\r\nAuthorization: ${auth.authorization}\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
  )
  await expect.poll(() => host.seen[0]?.bytes).toBe(5)
  socket.write('nonsense\r\n')
  await closed
  expect(received()).toMatch(/^HTTP\/1\.1 400 [\s\S]*"ticketReusable":false/)
  await expect.poll(() => host.seen[0]?.aborted).toBe(true)
  expect(host.seen[0]?.ended).toBe(false)
})

/** An answer while the body still comes. It does not close: what its client has not read yet would be lost. */
const says = (status: number) => (response: ServerResponse) =>
  response.writeHead(status, { 'content-length': 0, 'x-boom': 'boom' }).flushHeaders()

const failures: readonly [string, (response: ServerResponse) => void, object][] = [
  ['says 500 at once', says(500), { status: 502, code: 'UPSTREAM_UNAVAILABLE' }],
  ['says 401', says(401), { status: 410, code: 'NOT_FOUND' }],
  ['says 413', says(413), { status: 413, code: 'LIMIT_EXCEEDED' }],
  ['says 422', says(422), { status: 502, code: 'UPSTREAM_PROTOCOL' }],
  ['says 200 before it has everything', says(200), { status: 502, code: 'UPSTREAM_PROTOCOL' }],
  ['resets', (r) => void r.socket?.resetAndDestroy(), { status: 502, code: 'UPSTREAM_UNAVAILABLE' }],
  ['closes', (r) => void r.socket?.end(), { status: 502, code: 'UPSTREAM_UNAVAILABLE' }],
  ['speaks no HTTP', (r) => void r.socket?.end('SSH-2.0\r\n'), { status: 502, code: 'UPSTREAM_UNAVAILABLE' }],
]

test.each(failures)('a host that %s in the middle of an upload', async (_, misbehave, expected) => {
  const host = await streamHost((request, response) => void request.once('data', () => misbehave(response)))
  const { uploadUrl, auth } = await transfers({ env: { PRIVICORE_UPSTREAM_URL: host.url } })
  const link = await uploadUrl()
  const sending = put(link, { ...auth, 'content-length': String(50 * MIB) })
  const timer = setInterval(() => void sending.write(chunk), 5)
  try {
    const { status, body } = await answerOf(sending)
    expect({ status, ...body }).toMatchObject({ ...expected, ticketReusable: false, requestId: expect.any(String) })
    for (const secret of ['boom', host.url, 'auth=']) expect(JSON.stringify(body)).not.toContain(secret)
  } finally {
    clearInterval(timer)
    sending.destroy()
  }
  expect((await fetch(link, { method: 'PUT', headers: auth, body: 'x' })).status).toBe(404)
})

test('a host that dies when it has everything: nobody knows whether it is stored', async () => {
  const host = await streamHost((request, response) => void request.on('end', () => response.socket?.resetAndDestroy()))
  const { uploadUrl, auth } = await transfers({ env: { PRIVICORE_UPSTREAM_URL: host.url } })
  const { status, body } = await answerOf(put(await uploadUrl(), { ...auth, 'content-length': '5' }).end('hello'))
  expect([status, body]).toMatchObject([502, { code: 'OUTCOME_UNKNOWN', ticketReusable: false }])
})

test('a host that cannot be reached leaves the link as it was', async () => {
  const { uploadUrl, auth } = await transfers({ env: { PRIVICORE_UPSTREAM_URL: 'http://127.0.0.1:9' } })
  const link = await uploadUrl()
  for (let times = 0; times < 2; times++) {
    const { status, body } = await answerOf(put(link, { ...auth, 'content-length': '5' }).end('hello'))
    expect([status, body]).toMatchObject([502, { code: 'UPSTREAM_UNAVAILABLE', ticketReusable: true }])
  }
})

test('a client that stalls is given up, as is a host', async () => {
  const host = await streamHost(() => {})
  const { uploadUrl, auth } = await transfers({ env: { PRIVICORE_UPSTREAM_URL: host.url, TRANSFER_IDLE_MS: '150' } })
  const slow = put(await uploadUrl(), { ...auth, 'content-length': '100' })
  slow.write('x')
  const client = await answerOf(slow)
  expect([client.status, client.body]).toMatchObject([408, { code: 'DEADLINE_EXCEEDED', ticketReusable: false }])
  const silent = await answerOf(put(await uploadUrl(), { ...auth, 'content-length': '5' }).end('hello'))
  expect([silent.status, silent.body]).toMatchObject([504, { code: 'UPSTREAM_TIMEOUT', ticketReusable: false }])
  await expect.poll(() => host.seen.map(({ aborted }) => aborted)).toEqual([true, true])
})

test('a steady trickle may take longer than any pause may', async () => {
  const host = await good()
  const { uploadUrl, auth } = await transfers({ env: { PRIVICORE_UPSTREAM_URL: host.url, TRANSFER_IDLE_MS: '200' } })
  const sending = put(await uploadUrl(), { ...auth, 'content-length': '10' })
  const answer = answerOf(sending)
  for (let times = 0; times < 10; times++) {
    sending.write('x')
    await new Promise((done) => setTimeout(done, 50))
  }
  sending.end()
  expect((await answer).body).toMatchObject({ bytes: 10 })
})

test('a host that takes nothing stops its client: what waits in between is bounded', async () => {
  const host = await streamHost((request) => void request.pause())
  const { uploadUrl, auth, gateway } = await transfers({
    env: { PRIVICORE_UPSTREAM_URL: host.url, TRANSFER_IDLE_MS: '1500' },
  })
  const sending = put(await uploadUrl(), { ...auth, 'content-length': String(200 * MIB) })
  let written = 0
  await new Promise<void>((stalled) => {
    const write = () => {
      // No drain for a while: everything in between is full.
      const timer = setTimeout(stalled, 500)
      sending.write(chunk, () => {
        clearTimeout(timer)
        written += MIB
        if (written < 200 * MIB) write()
      })
    }
    write()
  })
  // Two sockets of the kernel, and a few hundred kilobytes of ours.
  expect(written).toBeLessThan(32 * MIB)
  expect(gateway.transfers()).toBe(1)
  sending.destroy()
  // That it has left stands behind bytes which nobody reads: the clock finds out.
  await expect.poll(() => gateway.transfers(), { timeout: 5_000 }).toBe(0)
})
