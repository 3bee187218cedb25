import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { answerOf, put, sha256, transfers } from '../support/transfers.ts'

const payload = randomBytes(3 * 1024 * 1024 + 17)

test.each(['declared', 'chunked'])(
  'a body of %s length reaches Privicore whole, counted and hashed',
  async (length) => {
    const { uploadUrl, auth, privicore } = await transfers()
    const sending = put(await uploadUrl(), {
      ...auth,
      ...(length === 'declared' && { 'content-length': String(payload.length) }),
    })
    sending.end(payload)
    const { status, body, headers } = await answerOf(sending)
    expect([status, body]).toEqual([200, { bytes: payload.length, sha256: sha256(payload) }])
    expect(headers['cache-control']).toBe('no-store')
    expect(headers['x-request-id']).toEqual(expect.any(String))
    expect(privicore.state.uploads.map(({ size, sha256: hash }) => [size, hash])).toEqual([
      [payload.length, sha256(payload)],
    ])
    const sent = privicore.requests.find(({ endpoint }) => endpoint === 'dataToken.upstream')
    expect(sent?.headers['content-type']).toBe('application/octet-stream')
    expect(sent?.headers['content-length']).toBe(length === 'declared' ? String(payload.length) : undefined)
    expect(JSON.stringify(sent?.headers)).not.toContain(privicore.tokens.alice)
  },
)

test('an empty body is a body', async () => {
  const { uploadUrl, auth } = await transfers()
  for (const [name, value] of [
    ['content-length', '0'],
    ['transfer-encoding', 'chunked'],
  ] as const) {
    const sending = put(await uploadUrl(), { ...auth, [name]: value })
    sending.end()
    expect((await answerOf(sending)).body).toEqual({ bytes: 0, sha256: sha256(Buffer.alloc(0)) })
  }
})

test('a download has the bytes, and headers that a browser can do no harm with', async () => {
  const { downloadUrl, auth } = await transfers()
  const data = randomBytes(40_000)
  const response = await fetch(await downloadUrl(data, 'Q3 "Übersicht"/../x'), { headers: auth })
  expect(response.status).toBe(200)
  expect(Buffer.from(await response.arrayBuffer()).equals(data)).toBe(true)
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-length': '40000',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'content-disposition':
      'attachment; filename="Q3 __bersicht_.._x.bin"; filename*=UTF-8\'\'Q3%20_%C3%9Cbersicht_.._x.bin',
  })
})
