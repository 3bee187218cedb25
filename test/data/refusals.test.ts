// What the route refuses before a byte moves: to the letter the same for whoever has no right to the link.
import { randomBytes } from 'node:crypto'
import { expect, test, vi } from 'vitest'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { TICKET_MS } from '../../src/cache/tickets.ts'
import { answerOf, put, rawConnection, sha256, streamHost, transfers } from '../support/transfers.ts'

const data = randomBytes(1_000)

async function seen(response: Response) {
  const { requestId, ...body } = (await response.json()) as Record<string, unknown>
  const headers = Object.fromEntries(response.headers)
  expect(requestId).toBe(headers['x-request-id'])
  for (const name of ['date', 'x-request-id', 'content-length', 'connection', 'keep-alive']) delete headers[name]
  return { status: response.status, headers, body }
}

test('wrong caller, wrong method, no token, used, unknown, not a ticket: the same 404', async () => {
  const { uploadUrl, downloadUrl, auth, url, privicore } = await transfers()
  const bob = { authorization: `Bearer ${privicore.tokens.bob}` }
  const up = await uploadUrl()
  const down = await downloadUrl(data)
  const used = await uploadUrl()
  expect((await fetch(used, { method: 'PUT', headers: auth, body: data })).status).toBe(200)
  const before = privicore.requests.length
  const refused = await Promise.all(
    [
      fetch(up, { method: 'PUT', headers: bob, body: data }),
      fetch(up, { method: 'PUT', body: data }),
      fetch(up, { headers: auth }),
      fetch(up, { method: 'POST', headers: auth, body: data }),
      fetch(up, { method: 'DELETE', headers: auth }),
      fetch(down, { method: 'PUT', headers: auth, body: data }),
      fetch(down, { headers: bob }),
      fetch(down),
      fetch(used, { method: 'PUT', headers: auth, body: data }),
      fetch(`${url}/data/${randomBytes(32).toString('base64url')}`, { headers: auth }),
      fetch(`${url}/data/x`, { method: 'PUT', headers: auth, body: data }),
      fetch(`${url}/data/a%00b/c`, { headers: auth }),
      fetch(`${url}/data/`, { headers: auth }),
    ].map(async (response) => seen(await response)),
  )
  const [first] = refused
  expect(first).toEqual({
    status: 404,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
    body: {
      type: 'about:blank',
      title: 'Not Found',
      status: 404,
      code: 'NOT_FOUND',
      detail: expect.any(String),
      ticketReusable: false,
    },
  })
  for (const one of refused) expect(one).toEqual(first)
  expect(privicore.requests.length, 'nothing of it reaches Privicore').toBe(before)
  // None of that has used anything up.
  expect((await fetch(up, { method: 'PUT', headers: auth, body: data })).status).toBe(200)
  expect(Buffer.from(await (await fetch(down, { headers: auth })).arrayBuffer()).equals(data)).toBe(true)
})

test('a link is good for five minutes, and not past the ttl of its reservation', async () => {
  const { uploadUrl, downloadUrl, auth } = await transfers()
  const status = async (link: string, method: string) =>
    (await fetch(link, { method, headers: auth, ...(method === 'PUT' && { body: data }) })).status
  const short = [await uploadUrl({ ttlMinutes: 1 }), await uploadUrl({ ttlMinutes: 1 })] as const
  const long = [await uploadUrl({ ttlMinutes: 60 }), await uploadUrl({ ttlMinutes: 60 })] as const
  const down = await downloadUrl(data)
  const since = Date.now()
  const clock = vi.spyOn(Date, 'now')
  try {
    clock.mockReturnValue(since + 61_000)
    expect(await status(short[0], 'PUT')).toBe(404)
    expect(await status(long[0], 'PUT')).toBe(200)
    clock.mockReturnValue(since + TICKET_MS + 1_000)
    expect(await status(long[1], 'PUT')).toBe(404)
    expect(await status(down, 'HEAD')).toBe(404)
    expect(await status(down, 'GET')).toBe(404)
  } finally {
    clock.mockRestore()
  }
})

test('of many who use one link at once, one gets through', async () => {
  const { uploadUrl, auth, privicore } = await transfers()
  const link = await uploadUrl()
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => fetch(link, { method: 'PUT', headers: auth, body: data })),
  )
  expect(answers.map(({ status }) => status).toSorted()).toEqual([200, ...Array(19).fill(404)])
  expect(privicore.count('dataToken.upstream')).toBe(1)
})

test('two links to one stream: the first upload wins, the second learns that Privicore has closed it', async () => {
  const { run, url, auth } = await transfers()
  const { data: reserved } = await run(
    'mutation { reserveTokenSpace(input: { context: "films" }) { temporaryDataToken { a: uploadUrl b: uploadUrl } } }',
  )
  const { a, b } = reserved?.reserveTokenSpace.temporaryDataToken
  expect(a).not.toBe(b)
  const upload = (link: string) =>
    fetch(new URL(new URL(link).pathname, url), { method: 'PUT', headers: auth, body: data })
  expect((await upload(a)).status).toBe(200)
  const second = await upload(b)
  expect([second.status, await second.json()]).toEqual([
    410,
    expect.objectContaining({ code: 'NOT_FOUND', ticketReusable: false }),
  ])
})

test('HEAD says what is known, without touching the link of Privicore', async () => {
  const { downloadUrl, auth, privicore } = await transfers()
  const link = await downloadUrl(data)
  for (let times = 0; times < 3; times++) {
    const { status, headers } = await fetch(link, { method: 'HEAD', headers: auth })
    expect([status, headers.get('content-disposition'), headers.get('cache-control')]).toEqual([
      200,
      'attachment; filename="films.bin"',
      'no-store',
    ])
  }
  expect(privicore.count('dataToken.download')).toBe(0)
  expect((await fetch(link, { headers: auth })).status).toBe(200)
  expect((await fetch(link, { method: 'HEAD', headers: auth })).status).toBe(404)
})

test('a body that is declared too large is refused before it is sent, and the link still works', async () => {
  const { uploadUrl, auth, privicore } = await transfers({ env: { MAX_UPLOAD_BYTES: '1000' } })
  const link = await uploadUrl()
  const large = await fetch(link, { method: 'PUT', headers: auth, body: randomBytes(1_001) })
  expect([large.status, await large.json()]).toEqual([
    413,
    expect.objectContaining({ code: 'LIMIT_EXCEEDED', ticketReusable: true, detail: expect.stringContaining('1000') }),
  ])
  expect(privicore.count('dataToken.upstream')).toBe(0)
  // Who has no right to the link learns nothing of limits.
  expect((await fetch(link, { method: 'PUT', body: randomBytes(1_001) })).status).toBe(404)
  const whole = await fetch(link, { method: 'PUT', headers: auth, body: data })
  expect(await whole.json()).toEqual({ bytes: 1_000, sha256: sha256(data) })
})

test('a part of a body is no upload', async () => {
  const { uploadUrl, auth } = await transfers()
  const link = await uploadUrl()
  const part = await fetch(link, {
    method: 'PUT',
    headers: { ...auth, 'content-range': 'bytes 0-999/2000' },
    body: data,
  })
  expect([part.status, (await part.json()) as object]).toMatchObject([400, { ticketReusable: true }])
  expect((await fetch(link, { method: 'PUT', headers: auth, body: data })).status).toBe(200)
})

test('Expect: 100-continue is answered before the body: go on, too large, not found', async () => {
  const { uploadUrl, auth, url } = await transfers({ env: { MAX_UPLOAD_BYTES: '1000' } })
  const ask = async (link: string, length: number) => {
    const { socket, received, closed } = await rawConnection(url)
    const { pathname } = new URL(link)
    socket.write(
      `PUT ${pathname} HTTP/1.1\r\nHost: gateway\r\nAuthorization: ${auth.authorization}\r\nContent-Length: ${length}\r\nExpect: 100-continue\r\n\r\n`,
    )
    return { socket, received, closed }
  }
  const link = await uploadUrl()
  const large = await ask(link, 1_001)
  await large.closed
  expect(large.received()).toMatch(/^HTTP\/1\.1 413 /)
  const unknown = await ask(`${url}/data/${'x'.repeat(43)}`, 10)
  await unknown.closed
  expect(unknown.received()).toMatch(/^HTTP\/1\.1 404 /)
  const good = await ask(link, 1_000)
  await expect.poll(good.received).toContain('HTTP/1.1 100 Continue')
  good.socket.write(data)
  await expect.poll(good.received).toContain(sha256(data))
})

test('Expect: 100-continue of a query is answered as ever', async () => {
  const { auth, url } = await transfers()
  const body = JSON.stringify({ query: '{ __typename }' })
  const { socket, received } = await rawConnection(url)
  socket.write(
    `POST /graphql HTTP/1.1\r\nHost: gateway\r\nAuthorization: ${auth.authorization}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\n\r\n`,
  )
  await expect.poll(received).toContain('HTTP/1.1 100 Continue')
  socket.write(body)
  await expect.poll(received).toContain('"__typename":"Query"')
})

test('pages of allowed origins may use links, and no others', async () => {
  const { uploadUrl, downloadUrl, auth } = await transfers({ env: { CORS_ORIGINS: 'https://app.example' } })
  const link = await uploadUrl()
  const ask = (origin: string) =>
    fetch(link, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'PUT', 'access-control-request-headers': 'authorization' },
    })
  const allowed = await ask('https://app.example')
  expect(allowed.status).toBe(204)
  expect(Object.fromEntries(allowed.headers)).toMatchObject({
    'access-control-allow-origin': 'https://app.example',
    'access-control-allow-methods': 'GET, HEAD, PUT',
    'access-control-allow-headers': 'authorization, x-dpt-authorization, content-type, range',
    vary: 'Origin',
  })
  expect((await ask('https://evil.example')).headers.get('access-control-allow-origin')).toBeNull()
  const origin = 'https://app.example'
  const put = await fetch(link, { method: 'PUT', headers: { ...auth, origin }, body: data })
  expect(put.headers.get('access-control-allow-origin')).toBe(origin)
  const get = await fetch(await downloadUrl(data), { headers: { ...auth, origin } })
  expect(get.headers.get('access-control-allow-origin')).toBe(origin)
  expect(get.headers.get('access-control-expose-headers')).toContain('content-disposition')
  const refused = await fetch(link, { method: 'PUT', headers: { ...auth, origin }, body: data })
  expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([404, origin])
})

test('links name the host that the request came to, or PUBLIC_URL', async () => {
  const QUERY = 'mutation { reserveTokenSpace(input: { context: "films" }) { temporaryDataToken { uploadUrl } } }'
  const link = async (url: string, token: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
      body: JSON.stringify({ query: QUERY }),
    })
    return ((await response.json()) as any).data.reserveTokenSpace.temporaryDataToken.uploadUrl as string
  }
  const own = await transfers()
  const minted = await link(own.url, own.privicore.tokens.alice, {
    'x-forwarded-host': 'evil.example',
    'x-forwarded-proto': 'https',
  })
  expect(minted).toMatch(new RegExp(`^${own.url}/data/[\\w-]{43}$`))
  const behind = await transfers({ env: { PUBLIC_URL: 'https://api.example/privicore/' } })
  expect(await link(behind.url, behind.privicore.tokens.alice)).toMatch(
    /^https:\/\/api\.example\/privicore\/data\/[\w-]{43}$/,
  )
})

test('a stream that points elsewhere gets no link; one that nobody opened is null', async () => {
  const privicore = await startSandbox({ commandLatencyMs: 5, dialect: { stream: 'url' } })
  const elsewhere = await transfers({ privicore, env: { PRIVICORE_STREAM_HOSTS: 'stream.example:443' } })
  const QUERY = 'mutation { reserveTokenSpace(input: { context: "films" }) { temporaryDataToken { token uploadUrl } } }'
  const { data: refused, errors } = await elsewhere.run(QUERY)
  expect(refused?.reserveTokenSpace.temporaryDataToken).toEqual({ token: expect.any(String), uploadUrl: null })
  expect(errors?.[0]?.extensions?.code).toBe('UPSTREAM_PROTOCOL')
  expect(JSON.stringify(errors)).not.toContain('auth=')
  privicore.set({ stream: 'absent' })
  const { data: none, errors: fine } = await elsewhere.run(QUERY)
  expect([none?.reserveTokenSpace.temporaryDataToken.uploadUrl, fine]).toEqual([null, undefined])
  await privicore.close()
})

test('a redirect is not followed', async () => {
  const target = await streamHost((_, response) => response.end())
  const host = await streamHost((_, response) => response.writeHead(307, { location: `${target.url}/?auth=x` }).end())
  const { uploadUrl, downloadUrl, auth } = await transfers({
    env: { PRIVICORE_UPSTREAM_URL: host.url, PRIVICORE_DOWNSTREAM_URL: host.url },
  })
  const up = await answerOf(put(await uploadUrl(), { ...auth, 'content-length': '5' }).end('hello'))
  const down = await fetch(await downloadUrl(data), { headers: auth })
  for (const [status, body] of [
    [up.status, up.body],
    [down.status, await down.json()],
  ])
    expect([status, body]).toMatchObject([502, { code: 'UPSTREAM_PROTOCOL', ticketReusable: false }])
  expect(target.seen).toEqual([])
})
