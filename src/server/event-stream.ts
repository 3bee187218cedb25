// Subscriptions over server-sent events (GraphQL over SSE, distinct connections): written to the socket without a Response between,
// since thousands may be open. What is not plainly one goes the long way, which speaks all of HTTP.
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import type { ExecutionResult } from 'graphql'
import { isAsyncIterable } from 'graphql-yoga'
import { tokenOf } from './credentials.ts'
import { type Direct, toMessage } from './direct.ts'
import type { Logger } from './log.ts'

export interface EventStreamsOptions {
  readonly direct: Direct
  readonly bodyBytes: number
  readonly corsHeaders: (origin: string) => Record<string, string>
  readonly log: Logger
  /** Takes a body that was read already as `request.body`. */
  readonly longWay: RequestListener
}

/** Proxies and browsers give up on what is silent; a comment is nothing to a client. */
const PING_MS = 12_000
const JSON_TYPE = /^application\/json\s*(;\s*charset=utf-8\s*)?$/i

/** What is kept for an open response: until it is known what there is to be told a way to give up, then the events. */
interface Stream {
  abort: AbortController | null
  events: AsyncIterator<ExecutionResult> | null
}

export function createEventStreams(options: EventStreamsOptions): RequestListener {
  const open = new Map<ServerResponse, Stream>()
  let pings: NodeJS.Timeout | undefined
  function leave(this: ServerResponse) {
    const stream = open.get(this)
    open.delete(this)
    if (open.size === 0) {
      clearInterval(pings)
      pings = undefined
    }
    stream?.abort?.abort()
    // Frees what it follows at once, even while there is nothing to be told.
    stream?.events
      ?.return?.()
      .catch((error: unknown) => options.log.error({ err: error }, 'ending a subscription failed'))
  }
  // One timer for all streams, and none where there is none.
  const add = (response: ServerResponse): Stream => {
    const stream: Stream = { abort: new AbortController(), events: null }
    open.set(response, stream)
    response.on('close', leave)
    pings ??= setInterval(() => {
      for (const each of open.keys()) {
        if (each.headersSent && !each.writableEnded && !each.writableNeedDrain) each.write(':\n\n')
      }
    }, PING_MS).unref()
    return stream
  }
  return (request, response) => {
    if (!mayBeStream(request, options.bodyBytes)) return options.longWay(request, response)
    read(request, (body) => {
      const params = subscriptionOf(body)
      if (params === null) options.longWay(Object.assign(request, { body }), response)
      else
        answer(options, request, response, params, add(response)).catch((error: unknown) => {
          options.log.error({ err: error }, 'an event stream failed')
          // Its client comes back, rather than waiting for what will not come.
          response.destroy()
        })
    })
  }
}

/** Nothing of this lasts longer than the body does: the request itself lasts as long as its response. */
function read(request: IncomingMessage, use: (body: string) => void): void {
  const chunks: Buffer[] = []
  const hear = (chunk: Buffer) => chunks.push(chunk)
  const end = () => {
    request.off('data', hear).off('end', end)
    use(Buffer.concat(chunks).toString('utf8'))
  }
  request.on('data', hear).on('end', end)
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

async function answer(
  options: EventStreamsOptions,
  request: IncomingMessage,
  response: ServerResponse,
  params: { query: string },
  stream: Stream,
): Promise<void> {
  const result = await begin(options, request, response, params, stream)
  // Whatever a browser sends along, cookies and all, is not needed any more.
  request.headers = {}
  request.rawHeaders = []
  if (response.destroyed) {
    if (isAsyncIterable(result)) await result[Symbol.asyncIterator]().return?.()
    return
  }
  if (!isAsyncIterable(result)) {
    response.end(`${eventOf(result)}${COMPLETE}`)
    return
  }
  stream.events = result[Symbol.asyncIterator]()
  stream.abort = null
  return tell(response, stream.events)
}

async function begin(
  { direct, corsHeaders }: EventStreamsOptions,
  { headers }: IncomingMessage,
  response: ServerResponse,
  params: { query: string },
  { abort }: Stream,
): Promise<ExecutionResult | AsyncIterable<ExecutionResult>> {
  const header = (name: string) => {
    const value = headers[name]
    return (Array.isArray(value) ? value[0] : value) ?? null
  }
  const requestId = randomUUID()
  const signal = abort?.signal ?? AbortSignal.abort()
  const result = await direct({ params, header, requestId, host: headers.host, signal })
  if (response.destroyed) return result
  response.writeHead(200, {
    'content-type': 'text/event-stream',
    'cache-control': tokenOf(header) === null ? 'no-cache' : 'private, no-store',
    connection: 'keep-alive',
    // Buffering proxies would keep the events to themselves.
    'x-accel-buffering': 'no',
    'x-request-id': requestId,
    ...(headers.origin !== undefined && corsHeaders(headers.origin)),
  })
  // Alone, since node:http keeps the text of it: written with something else it stays in the thirty pieces that it was made of.
  response.flushHeaders()
  // Some browsers wait for the first bytes before they hand out the response.
  response.write(':\n\n')
  return result
}

async function tell(response: ServerResponse, events: AsyncIterator<ExecutionResult>): Promise<void> {
  for (let next = await events.next(); !next.done; next = await events.next()) {
    if (response.destroyed) return
    // A client that reads slowly is asked for its next event later: what comes meanwhile waits in its feed, which is bounded.
    if (!response.write(eventOf(next.value))) await drained(response)
  }
  if (!response.destroyed) response.end(COMPLETE)
}

/** It is read on, or its client has left. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      response.off('drain', done).off('close', done)
      resolve()
    }
    response.on('drain', done).on('close', done)
  })
}

const COMPLETE = 'event: complete\ndata:\n\n'

function eventOf(result: ExecutionResult): string {
  return `event: next\ndata: ${JSON.stringify(toMessage(result))}\n\n`
}
