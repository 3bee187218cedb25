// The memory of chunks is given back while a transfer runs: early enough to be of use, and never before they are sent.
import { createHash, randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { release } from '../../src/privicore/release.ts'
import { Secret } from '../../src/privicore/secret.ts'
import { Streams } from '../../src/privicore/stream.ts'
import { CERTIFICATE, PRIVATE_KEY } from '../support/certificate.ts'
import { sha256, streamHost, transfers } from '../support/transfers.ts'

const trusted = getCACertificates('default')
beforeAll(() => setDefaultCACertificates([...trusted, CERTIFICATE]))
afterAll(() => setDefaultCACertificates(trusted))

/** Reads a little, sleeps, and reads on, so that what is sent waits in every buffer there is; answers with what arrived. */
const sluggish: RequestListener = async (request, response) => {
  const hash = createHash('sha256')
  let sinceSleep = 0
  for await (const chunk of request) {
    hash.update(chunk)
    sinceSleep += chunk.length
    if (sinceSleep < 1024 * 1024) continue
    sinceSleep = 0
    await sleep(3)
  }
  arrived.push(hash.digest('hex'))
  response.end()
}
const arrived: string[] = []

async function start(protocol: string): Promise<string> {
  const server =
    protocol === 'https' ? createTlsServer({ cert: CERTIFICATE, key: PRIVATE_KEY }, sluggish) : createServer(sluggish)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test.each([
  ['http', 65_536, 'declared'],
  ['http', 65_536, 'chunked'],
  ['http', 5_000, 'chunked'],
  ['http', 1_000_000, 'declared'],
  ['https', 65_536, 'declared'],
  ['https', 5_000, 'chunked'],
] as const)(
  'over %s, chunks of %i bytes, length %s: what is given back may be overwritten',
  async (protocol, size, how) => {
    const url = await start(protocol)
    const streams = new Streams({ apiUrl: url, upstreamUrl: url })
    onTestFinished(() => streams.close())
    const count = Math.ceil((24 * 1024 * 1024) / size)
    const sent = createHash('sha256')
    const given: Buffer[] = []
    function* chunks() {
      for (let n = 0; n < count; n++) {
        const chunk = randomFillSync(Buffer.allocUnsafeSlow(size))
        sent.update(chunk)
        yield chunk
      }
    }
    await streams.upload(streams.link('up', new Secret(`${url}/?auth=a`)), {
      body: Readable.from(chunks(), { objectMode: false, highWaterMark: 256 * 1024 }),
      length: how === 'declared' ? count * size : null,
      signal: new AbortController().signal,
      onFree: (chunk) => given.push(chunk.fill(0)),
    })
    expect(arrived.pop()).toBe(sent.digest('hex'))
    expect(new Set(given).size).toBe(given.length)
    expect(given.length).toBeGreaterThan(count * 0.8)
  },
)

/** More than the system's own buffers hold: the gateway has to stop reading, and to go on. */
test.each(['declared', 'chunked'])(
  'downloads of %s length side by side, read slowly: each arrives whole',
  async (how) => {
    const payloads = Array.from({ length: 3 }, (_, n) => randomFillSync(Buffer.allocUnsafeSlow(24_000_000 + n)))
    let asked = 0
    const host = await streamHost((_, response) => {
      const payload = payloads[asked++ % payloads.length] ?? Buffer.alloc(0)
      if (how === 'declared') response.setHeader('content-length', payload.length)
      for (let at = 0; at < payload.length; at += 65_536) response.write(payload.subarray(at, at + 65_536))
      response.end()
    })
    const { downloadUrl, auth } = await transfers({ env: { PRIVICORE_DOWNSTREAM_URL: host.url } })
    const links: string[] = []
    for (const _ of payloads) links.push(await downloadUrl(Buffer.from('x')))
    const arrivals = await Promise.all(
      links.map(async (link) => {
        const response = await fetch(link, { headers: auth })
        const hash = createHash('sha256')
        let sinceSleep = 0
        for await (const chunk of response.body ?? []) {
          hash.update(chunk)
          sinceSleep += chunk.length
          if (sinceSleep < 1024 * 1024) continue
          sinceSleep = 0
          await sleep(5)
        }
        return hash.digest('hex')
      }),
    )
    expect(arrivals.sort()).toEqual(payloads.map(sha256).sort())
  },
)

test('what a stream host sends belongs to its reader, who may destroy it and pause whenever he likes', async () => {
  const burst = randomFillSync(Buffer.allocUnsafeSlow(200_000))
  const host = await streamHost(async (_, response) => {
    response.setHeader('content-length', 5 * burst.length)
    for (let n = 0; n < 5; n++) {
      response.write(burst)
      // Nothing is there to read when the reader goes on.
      await sleep(50)
    }
  })
  const streams = new Streams({ apiUrl: host.url, downstreamUrl: host.url })
  onTestFinished(() => streams.close())
  const hash = createHash('sha256')
  await streams.download(streams.link('down', new Secret('a')), {
    range: null,
    signal: new AbortController().signal,
    onHead: () => ({
      write: (chunk) => {
        hash.update(chunk)
        setImmediate(release, chunk)
        return false
      },
      whenReady: (go) => void setTimeout(go, 1),
    }),
  })
  expect(hash.digest('hex')).toBe(sha256(Buffer.concat(Array<Buffer>(5).fill(burst))))
})
