// Clients of the measurement: a fast upload, a fast download, and many slow uploads. Each hashes only where it is asked to.
import { createHash } from 'node:crypto'
import { type IncomingMessage, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { CHUNK } from './payload.ts'

type Headers = Record<string, string>

export function put(link: string, headers: Headers, bytes: number): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sending = request(link, { method: 'PUT', headers: { ...headers, 'content-length': String(bytes) } })
    sending.once('error', reject)
    sending.once(
      'response',
      (response) => void textOf(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject),
    )
    let left = bytes
    const write = () => {
      while (left > 0) {
        const chunk = left >= CHUNK.length ? CHUNK : CHUNK.subarray(0, left)
        left -= chunk.length
        if (left === 0) sending.end(chunk)
        else if (!sending.write(chunk)) {
          sending.once('drain', write)
          return
        }
      }
    }
    write()
  })
}

export function get(
  link: string,
  headers: Headers,
  hashed: boolean,
): Promise<{ bytes: number; sha256: string | null }> {
  return new Promise((resolve, reject) => {
    request(link, { headers }, (response) => {
      const hash = hashed ? createHash('sha256') : null
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        hash?.update(chunk)
      })
      response.once('end', () => resolve({ bytes, sha256: hash?.digest('hex') ?? null }))
      response.once('error', reject)
    })
      .once('error', reject)
      .end()
  })
}

/** Sends at a steady pace until it is stopped. */
export async function slowPut(
  link: string,
  headers: Headers,
  bytesPerSecond: number,
  stop: AbortSignal,
): Promise<number> {
  const sending = request(link, { method: 'PUT', headers: { ...headers, 'transfer-encoding': 'chunked' } })
  const answered = new Promise<number>((resolve, reject) => {
    sending.once('error', reject)
    sending.once('response', (response) => void textOf(response).then(() => resolve(response.statusCode ?? 0), reject))
  })
  // Ten writes a second, spread: not all at the same moment.
  await sleep(Math.random() * 100)
  while (!stop.aborted) {
    sending.write(CHUNK.subarray(0, Math.round(bytesPerSecond / 10)))
    await sleep(100)
  }
  sending.end()
  return answered
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response) text += chunk
  return text
}
