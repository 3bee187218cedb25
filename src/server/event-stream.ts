// Subscriptions over server-sent events (GraphQL over SSE, distinct connections): written to the socket without a Response between,
// since thousands may be open. What is not plainly one goes the long way, which speaks all of HTTP.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { ExecutionResult } from 'graphql'
import { isAsyncIterable } from 'graphql-yoga'
import { tokenOf } from './credentials.ts'
import { type Direct, toMessage } from './direct.ts'

export interface EventStreamsOptions {
  readonly direct: Direct
  readonly bodyBytes: number
  readonly corsHeaders: (origin: string) => Record<string, string>
  /** Takes a body that was read already as `request.body`. */
  readonly longWay: RequestListener
}

/** Proxies and browsers give up on what is silent; a comment is nothing to a client. */
const PING_MS = 12_000
const JSON_TYPE = /^application\/json\s*(;\s*charset=utf-8\s*)?$/i

export function createEventStreams(options: EventStreamsOptions): RequestListener {
  const open = new Set<ServerResponse>()
  let pings: NodeJS.Timeout | undefined
  // One timer for all streams, and none where there is none.
  const add = (response: ServerResponse) => {
    open.add(response)
    pings ??= setInterval(() => {
      for (const each of open) if (!each.writableNeedDrain) each.write(':\n\n')
    }, PING_MS).unref()
  }
  const remove = (response: ServerResponse) => {
    if (!open.delete(response) || open.size > 0) return
    clearInterval(pings)
    pings = undefined
  }
  return (request, response) => {
    if (!mayBeStream(request, options.bodyBytes)) return options.longWay(request, response)
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8')
      const params = subscriptionOf(body)
      if (params === null) return options.longWay(Object.assign(request, { body }), response)
      add(response)
      stream(options, request, response, params).then(
        () => remove(response),
        (error: unknown) => {
          remove(response)
          response.destroy(error instanceof Error ? error : undefined)
        },
      )
    })
  }
}

function mayBeStream({ method, url, headers }: IncomingMessage, bodyBytes: number): boolean {
  const length = Number(headers['content-length'] ?? Number.NaN)
  return (
    method === 'POST' &&
    url === '/graphql' &&
    headers.accept?.trim().toLowerCase() === 'text/event-stream' &&
    headers['content-encoding'] === undefined &&
    JSON_TYPE.test(headers['content-type'] ?? '') &&
    length > 0 &&
    length <= bodyBytes
  )
}

/** null for a body that the long way has to judge: anything but one subscription, in the form that clients send. */
function subscriptionOf(body: string): { query: string } | null {
  try {
    const params = JSON.parse(body) as { query?: unknown } | null
    if (params === null || typeof params !== 'object' || typeof params.query !== 'string') return null
    return /^\s*subscription\b/.test(params.query) ? (params as { query: string }) : null
  } catch {
    return null
  }
}

async function stream(
  { direct, corsHeaders }: EventStreamsOptions,
  { headers }: IncomingMessage,
  response: ServerResponse,
  params: { query: string },
): Promise<void> {
  const abort = new AbortController()
  let source: AsyncIterator<ExecutionResult> | null = null
  response.once('close', () => {
    abort.abort()
    // Frees what it follows at once, even while there is nothing to be told.
    source?.return?.()?.catch(() => {})
  })
  const header = (name: string) => {
    const value = headers[name]
    return (Array.isArray(value) ? value[0] : value) ?? null
  }
  const requestId = randomUUID()
  const result = await direct({ params, header, requestId, host: headers.host, signal: abort.signal })
  if (response.destroyed) {
    if (isAsyncIterable(result)) await result[Symbol.asyncIterator]().return?.()
    return
  }
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': tokenOf(header) === null ? 'no-cache' : 'private, no-store',
    connection: 'keep-alive',
    // Buffering proxies would keep the events to themselves.
    'x-accel-buffering': 'no',
    'x-request-id': requestId,
    ...(headers.origin !== undefined && corsHeaders(headers.origin)),
  })
  // Some browsers wait for the first bytes before they hand out the response.
  response.write(':\n\n')
  if (!isAsyncIterable(result)) {
    response.end(`${eventOf(result)}${COMPLETE}`)
    return
  }
  source = result[Symbol.asyncIterator]() as AsyncIterator<ExecutionResult>
  for (let next = await source.next(); !next.done; next = await source.next()) {
    if (response.destroyed) return
    // A client that reads slowly is asked for its next event later: what comes meanwhile waits in its feed, which is bounded.
    if (!response.write(eventOf(next.value))) await once(response, 'drain', { signal: abort.signal }).catch(() => {})
  }
  if (!response.destroyed) response.end(COMPLETE)
}

const COMPLETE = 'event: complete\ndata:\n\n'

function eventOf(result: ExecutionResult): string {
  return `event: next\ndata: ${JSON.stringify(toMessage(result))}\n\n`
}
