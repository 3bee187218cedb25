// Downloads that go wrong, and hosts that say more than they should: a part is never passed off as the whole.
import { randomBytes } from 'node:crypto'
import { get, type IncomingMessage, type RequestListener } from 'node:http'
import { expect, test } from 'vitest'
import { contentDisposition } from '../../src/server/data/download.ts'
import { streamHost, transfers } from '../support/transfers.ts'

const MIB = 1024 * 1024
const data = randomBytes(1_000)

async function from(listener: RequestListener, env: Record<string, string> = {}) {
  const host = await streamHost(listener)
  return { host, ...(await transfers({ env: { PRIVICORE_DOWNSTREAM_URL: host.url, ...env } })) }
}

test.each([
  ['declared', { 'content-length': String(10 * MIB) }],
  ['chunked', {}],
])('a host that dies midway takes the connection of the client with it (%s)', async (_, headers) => {
  const { downloadUrl, auth, url } = await from((_, response) => {
    response.writeHead(200, headers)
    response.write(randomBytes(MIB), () => setTimeout(() => response.socket?.resetAndDestroy(), 20))
  })
  const response = await fetch(await downloadUrl(data), { headers: auth })
  expect(response.status).toBe(200)
  await expect(response.arrayBuffer()).rejects.toThrow()
  const metrics = await (await fetch(`${url}/metrics`)).text()
  expect(metrics).toContain('privicore_transfer_seconds_count{direction="down",result="aborted"} 1')
})

test('a client that leaves aborts the download', async () => {
  const { host, downloadUrl, auth } = await from((_, response) => {
    response.writeHead(200, { 'content-length': String(500 * MIB) })
    const more = () => {
      while (response.write(randomBytes(MIB))) {}
      response.once('drain', more)
    }
    more()
  })
  const leave = new AbortController()
  const response = await fetch(await downloadUrl(data), { headers: auth, signal: leave.signal })
  await response.body?.getReader().read()
  leave.abort()
  await expect.poll(() => host.seen[0]?.aborted).toBe(true)
})

test('a client that reads slowly slows the host down, and is given up when it stops', async () => {
  let sent = 0
  const { host, downloadUrl, auth } = await from(
    (_, response) => {
      response.writeHead(200, { 'content-length': String(500 * MIB) })
      const more = () => {
        sent += MIB
        if (response.write(Buffer.alloc(MIB))) setImmediate(more)
        else response.once('drain', more)
      }
      more()
    },
    { TRANSFER_IDLE_MS: '400' },
  )
  const link = await downloadUrl(data)
  const response = await new Promise<IncomingMessage>((resolve) => void get(link, { headers: auth }, resolve))
  response.on('error', () => {})
  response.pause()
  await expect.poll(() => host.seen[0]?.aborted, { timeout: 5_000 }).toBe(true)
  expect(sent).toBeLessThan(32 * MIB)
  response.destroy()
})

test.each([
  [500, 502, 'UPSTREAM_UNAVAILABLE'],
  [404, 410, 'NOT_FOUND'],
  [403, 410, 'NOT_FOUND'],
  [206, 502, 'UPSTREAM_PROTOCOL'],
])('a host that says %s is answered %s %s', async (says, status, code) => {
  const { downloadUrl, auth, host } = await from((_, response) => response.writeHead(says).end('a secret of theirs'))
  const link = await downloadUrl(data)
  const response = await fetch(link, { headers: auth })
  const text = await response.text()
  expect([response.status, JSON.parse(text)]).toMatchObject([status, { code, ticketReusable: false }])
  expect(response.headers.get('content-disposition')).toBeNull()
  for (const secret of ['secret', host.url]) expect(text).not.toContain(secret)
  expect((await fetch(link, { headers: auth })).status).toBe(404)
})

test('a host that cannot be reached leaves the link as it was', async () => {
  const { downloadUrl, auth } = await transfers({ env: { PRIVICORE_DOWNSTREAM_URL: 'http://127.0.0.1:9' } })
  const link = await downloadUrl(data)
  for (let times = 0; times < 2; times++) {
    const response = await fetch(link, { headers: auth })
    expect([response.status, await response.json()]).toMatchObject([502, { ticketReusable: true }])
  }
})

test('a host that never answers is given up', async () => {
  const { downloadUrl, auth, host } = await from(() => {}, { TRANSFER_IDLE_MS: '100' })
  const response = await fetch(await downloadUrl(data), { headers: auth })
  expect([response.status, await response.json()]).toMatchObject([504, { code: 'UPSTREAM_TIMEOUT' }])
  await expect.poll(() => host.seen[0]?.aborted).toBe(true)
})

test('a range is passed on and uses the link up; one that is not there is told, and does not', async () => {
  const { downloadUrl, auth, privicore } = await transfers()
  const link = await downloadUrl(data)
  const beyond = await fetch(link, { headers: { ...auth, range: 'bytes=5000-' } })
  expect([beyond.status, await beyond.json()]).toMatchObject([416, { ticketReusable: true }])
  expect(beyond.headers.get('content-range')).toBe('bytes */1000')
  const part = await fetch(link, { headers: { ...auth, range: 'bytes=900-' } })
  expect(part.status).toBe(206)
  expect(Object.fromEntries(part.headers)).toMatchObject({
    'content-range': 'bytes 900-999/1000',
    'content-length': '100',
    'accept-ranges': 'bytes',
  })
  expect(Buffer.from(await part.arrayBuffer()).equals(data.subarray(900))).toBe(true)
  expect((await fetch(link, { headers: auth })).status).toBe(404)
  expect(privicore.count('dataToken.download')).toBe(2)
})

test('a host without ranges answers with the whole; several ranges are not asked for', async () => {
  const { downloadUrl, auth, host } = await from((_, response) => response.end(data))
  const whole = await fetch(await downloadUrl(data), { headers: { ...auth, range: 'bytes=0-9' } })
  expect([whole.status, (await whole.arrayBuffer()).byteLength]).toEqual([200, 1_000])
  await fetch(await downloadUrl(data), { headers: { ...auth, range: 'bytes=0-9,20-29' } })
  expect(host.seen.map(({ headers }) => headers.range)).toEqual(['bytes=0-9', undefined])
})

test.each([
  ['image/png', 'image/png'],
  ['text/plain; charset=utf-8', 'text/plain; charset=utf-8'],
  ['text/html', 'application/octet-stream'],
  ['image/svg+xml', 'application/octet-stream'],
  ['application/xhtml+xml', 'application/octet-stream'],
])('the type %s is passed on as %s', async (says, type) => {
  const { downloadUrl, auth, host } = await from((_, response) =>
    response
      .writeHead(200, {
        'content-type': says,
        'set-cookie': 'a=b',
        'x-powered-by': 'PHP',
        'access-control-allow-origin': '*',
        'cache-control': 'public',
        'content-disposition': 'inline',
      })
      .end(data),
  )
  const { headers } = await fetch(await downloadUrl(data), { headers: { ...auth, cookie: 'c=d', 'user-agent': 'me' } })
  expect(headers.get('content-type')).toBe(type)
  expect(headers.get('cache-control')).toBe('no-store')
  expect(headers.get('content-disposition')).toMatch(/^attachment;/)
  for (const name of ['set-cookie', 'x-powered-by', 'access-control-allow-origin']) expect(headers.get(name)).toBeNull()
  expect(Object.keys(host.seen[0]?.headers ?? {}).toSorted()).toEqual([
    'accept',
    'accept-encoding',
    'connection',
    'host',
  ])
})

test.each([
  [null, 'attachment; filename="data.bin"'],
  ['', 'attachment; filename="data.bin"'],
  ['..', 'attachment; filename="data.bin"'],
  ['report.pdf', 'attachment; filename="report.pdf"'],
  ['a"b\\c.txt', 'attachment; filename="a_b_c.txt"'],
  ['../../etc/passwd', 'attachment; filename="_.._etc_passwd"'],
  ['x\r\nSet-Cookie: a=b', 'attachment; filename="x_Set-Cookie_ a=b"'],
  ['über.txt', 'attachment; filename="_ber.txt"; filename*=UTF-8\'\'%C3%BCber.txt'],
  ['100%.txt', 'attachment; filename="100_.txt"; filename*=UTF-8\'\'100%25.txt'],
  ['\u202egnp.exe', 'attachment; filename="_gnp.exe"'],
  ['\ud800', 'attachment; filename="_"; filename*=UTF-8\'\'%EF%BF%BD'],
])('the name %j becomes %s', (name, expected) => {
  expect(contentDisposition(name)).toBe(expected)
})
