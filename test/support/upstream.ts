// A server that answers what a test says, byte for byte, and records what it was asked: Privicore's wire without Privicore.
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { Privicore, type PrivicoreOptions } from '../../src/privicore/client.ts'

export interface Asked {
  readonly method: string
  /** Path and query, as they came. */
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  /** Text is sent as it is; anything else as JSON. */
  readonly body?: unknown
}

export interface Upstream {
  readonly url: string
  readonly asked: Asked[]
  /** The last request. */
  readonly last: () => Asked
  answer: Answer | ((asked: Asked, response: ServerResponse) => Answer | undefined)
}

/** @param answer what to say; a function that answers undefined has taken the response into its own hands */
export async function startUpstream(answer: Upstream['answer'] = {}): Promise<Upstream> {
  const asked: Asked[] = []
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      const one = { method, path: url, headers, body: Buffer.concat(chunks).toString() }
      asked.push(one)
      const said = typeof upstream.answer === 'function' ? upstream.answer(one, response) : upstream.answer
      if (said === undefined) return
      const body = said.body === undefined ? '' : typeof said.body === 'string' ? said.body : JSON.stringify(said.body)
      response.writeHead(said.status ?? 200, { 'content-type': 'application/json', ...said.headers }).end(body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const upstream: Upstream = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    last: () => {
      const one = asked.at(-1)
      if (one === undefined) throw new Error('nothing was asked')
      return one
    },
    answer,
  }
  return upstream
}

/** A client of that server, ended with the test. */
export function clientOf(upstream: Upstream, options: Partial<PrivicoreOptions> = {}): Privicore {
  const privicore = new Privicore({ baseUrl: upstream.url, timeoutMs: 1_000, connections: 4, ...options })
  onTestFinished(() => privicore.close())
  return privicore
}

/** A body in a JSON text of its own: what `"text"` is on the wire. */
export const json = (value: unknown): string => JSON.stringify(value)
