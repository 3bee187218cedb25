// Knows the HTTP server of the REST API: records every request, applies faults, answers. Knows no area.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { type Answer, Refusal, refusalAnswer } from './answers.ts'
import type { Fault, Faults } from './faults.ts'
import { decodeForm, type Fields } from './form.ts'
import { dispatch, type Match, type RawRequest, type Router } from './router.ts'
import { isObject } from './validation.ts'
import type { World } from './world.ts'

export interface RecordedRequest {
  /** Catalogue id; null when no row has this method and path. */
  endpoint: string | null
  method: string
  /** As it was sent, without the query. */
  path: string
  query: Fields
  headers: Record<string, string>
  rawBody: string
  /** The body, decoded as its content type says. */
  fields: Fields
  /** Unix time in milliseconds. */
  at: number
  /** The client left before it had its answer. */
  aborted: boolean
  /** What was answered; null as long as nothing was. */
  status: number | null
}

/** Far above what any call of the API takes. */
const MAX_BODY_BYTES = 16 * 1024 * 1024
const HUGE_CHUNK_BYTES = 64 * 1024
/** Longer than any client keeps an idle connection, so that a reused one is not closed under its feet. */
const KEEP_ALIVE_MS = 65_000

export function createApi(
  world: World,
  router: Router,
  faults: Faults,
  record: (request: RecordedRequest) => void,
): Server {
  const server = createServer((request, response) => {
    serve(world, router, faults, record, request, response).catch(() => request.socket.destroy())
  })
  server.keepAliveTimeout = KEEP_ALIVE_MS
  return server
}

async function serve(
  world: World,
  router: Router,
  faults: Faults,
  record: (request: RecordedRequest) => void,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const recorded = recordOf(request, response)
  const match = router.match(recorded.method, recorded.path)
  if (match && 'endpoint' in match) recorded.endpoint = match.endpoint
  record(recorded)

  const body = await readBody(request)
  if (body === null) {
    send(response, recorded, { status: 413 })
    return
  }
  recorded.rawBody = body
  recorded.fields = decodeBody(request.headers['content-type'], body)

  const { delays, fault } = faults.take(recorded.endpoint)
  if (fault && interrupts(fault, recorded, response)) return
  const answer = handle(world, match, {
    method: recorded.method,
    query: queryOf(request),
    headers: request.headers,
    body,
  })
  for (const delay of delays) await delay()
  if (fault?.kind === 'reset-after') reset(response)
  else if (fault?.kind === 'reset-mid-body') sendHalf(response, recorded, answer)
  else if (fault?.kind === 'malformed-json') {
    send(response, recorded, { ...answer, raw: { type: 'application/json', text: '{"items":[{"id":"01' } })
  } else send(response, recorded, answer)
}

export function recordOf(request: IncomingMessage, response: ServerResponse): RecordedRequest {
  const recorded: RecordedRequest = {
    endpoint: null,
    method: request.method ?? '',
    path: (request.url ?? '').split('?')[0] ?? '',
    query: decodeForm(queryOf(request)),
    headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
    rawBody: '',
    fields: {},
    at: Date.now(),
    aborted: false,
    status: null,
  }
  response.on('close', () => {
    if (!response.writableFinished && !resets.has(response)) recorded.aborted = true
  })
  return recorded
}

function queryOf(request: IncomingMessage): string {
  const url = request.url ?? ''
  return url.includes('?') ? url.slice(url.indexOf('?') + 1) : ''
}

/** Null: more than anybody may send. Never settles when the client leaves halfway: there is nobody to answer. */
function readBody(request: IncomingMessage): Promise<string | null> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= MAX_BODY_BYTES) chunks.push(chunk)
    })
    request.on('end', () => resolve(bytes <= MAX_BODY_BYTES ? Buffer.concat(chunks).toString() : null))
    request.on('error', () => undefined)
  })
}

function decodeBody(contentType: string | undefined, body: string): Fields {
  if (contentType?.startsWith('application/json')) {
    try {
      const value: unknown = JSON.parse(body)
      return isObject(value) ? value : {}
    } catch {
      return {}
    }
  }
  return contentType?.startsWith('application/x-www-form-urlencoded') ? decodeForm(body) : {}
}

function handle(world: World, match: Match | { allowed: string[] } | undefined, request: RawRequest): Answer {
  try {
    if (!match) throw new Refusal(404, 'not found')
    if ('allowed' in match) {
      return {
        ...refusalAnswer(new Refusal(405, 'method not allowed'), world.dialect.errorBody),
        headers: { Allow: match.allowed.join(', ') },
      }
    }
    return dispatch(world, match, request)
  } catch (error) {
    if (error instanceof Refusal) return refusalAnswer(error, world.dialect.errorBody)
    process.stderr.write(`sandbox defect: ${error instanceof Error ? error.stack : String(error)}\n`)
    return { status: 500, body: 'sandbox defect' }
  }
}

const resets = new WeakSet<ServerResponse>()

/** Ends the connection with RST, as a crashed server would. */
export function reset(response: ServerResponse): void {
  resets.add(response)
  response.socket?.resetAndDestroy()
}

/** True when the fault takes the place of handling the request. */
export function interrupts(fault: Fault, recorded: RecordedRequest, response: ServerResponse): boolean {
  switch (fault.kind) {
    case 'hang':
      return true
    case 'reset-before':
      reset(response)
      return true
    case 'status':
      recorded.status = fault.status
      response.writeHead(fault.status, { 'Content-Type': 'application/json', ...fault.headers }).end(fault.body ?? '')
      return true
    case 'html-502':
      send(response, recorded, {
        status: 502,
        raw: { type: 'text/html', text: '<html><body><center><h1>502 Bad Gateway</h1></center></body></html>' },
      })
      return true
    case 'huge-body':
      recorded.status = 200
      sendHuge(response, fault.bytes)
      return true
    default:
      return false
  }
}

function send(response: ServerResponse, recorded: RecordedRequest, answer: Answer): void {
  const { type, text } = payload(answer)
  recorded.status = answer.status
  if (text !== '') response.setHeader('Content-Type', type)
  response.writeHead(answer.status, { 'Content-Length': Buffer.byteLength(text), ...answer.headers })
  response.end(text)
}

function sendHalf(response: ServerResponse, recorded: RecordedRequest, answer: Answer): void {
  const { type, text } = payload(answer)
  const whole = text === '' ? '{"status":"ok"}' : text
  recorded.status = answer.status
  response.writeHead(answer.status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(whole),
    ...answer.headers,
  })
  response.write(whole.slice(0, Math.ceil(whole.length / 2)), () => reset(response))
}

function payload(answer: Answer): { type: string; text: string } {
  if (answer.raw) return answer.raw
  return { type: 'application/json', text: answer.body === undefined ? '' : JSON.stringify(answer.body) }
}

function sendHuge(response: ServerResponse, bytes: number): void {
  response.writeHead(200, { 'Content-Type': 'application/json' })
  Readable.from(hugeText(bytes)).pipe(response)
}

function* hugeText(bytes: number): Generator<string> {
  yield '"'
  for (let left = bytes - 2; left > 0; left -= HUGE_CHUNK_BYTES) yield 'a'.repeat(Math.min(left, HUGE_CHUNK_BYTES))
  yield '"'
}
