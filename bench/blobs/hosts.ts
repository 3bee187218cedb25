// The stream hosts of the measurement, in a process of their own: one takes bytes and hashes them, one makes bytes up. Knows no gateway.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { CHUNK } from './payload.ts'

const received = new Map<string, { bytes: number; sha256: string | null }>()
let downloadBytes = 0

async function listen(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  server.requestTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const authOf = (url = '') => new URL(url, 'http://host').searchParams.get('auth') ?? ''

/** Hashing on both sides of a pipe would measure the hash: it is done where the measurement asks for it. */
let hashes = false

const upstream = await listen((request, response) => {
  const one = { bytes: 0, sha256: null as string | null }
  received.set(authOf(request.url), one)
  const hash = hashes ? createHash('sha256') : null
  request.on('data', (chunk: Buffer) => {
    one.bytes += chunk.length
    hash?.update(chunk)
  })
  request.on('end', () => {
    one.sha256 = hash?.digest('hex') ?? null
    response.writeHead(200, { 'content-length': 0 }).end()
  })
})

function generate(response: ServerResponse, bytes: number): void {
  let left = bytes
  const write = () => {
    while (left > 0) {
      const chunk = left >= CHUNK.length ? CHUNK : CHUNK.subarray(0, left)
      left -= chunk.length
      if (left === 0) response.end(chunk)
      else if (!response.write(chunk)) {
        response.once('drain', write)
        return
      }
    }
  }
  write()
}

const downstream = await listen((_, response) => {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': downloadBytes })
  generate(response, downloadBytes)
})

process.on('message', (message: { hashes?: boolean; downloadBytes?: number; forget?: true }) => {
  hashes = message.hashes ?? hashes
  downloadBytes = message.downloadBytes ?? downloadBytes
  process.send?.({ received: [...received.values()] })
  received.clear()
})
process.send?.({ upstream, downstream })
