// /data/{ticket}, on node:http itself: large payloads never pass through GraphQL or a heap. Knows methods, tickets and connections.
import { randomUUID } from 'node:crypto'
import { type IncomingMessage, type RequestListener, type Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Claimed, type Tickets, TicketUnknown } from '../../cache/tickets.ts'
import type { Caller } from '../../context/scope.ts'
import type { Metrics } from '../../metrics.ts'
import type { Direction, Streams } from '../../privicore/stream.ts'
import { tokenOf } from '../credentials.ts'
import type { Logger } from '../log.ts'
import { download, downloadHeaders, rangeOf } from './download.ts'
import { answerProblem, LINGER_MS, PROBLEMS, type Problem, tooLarge } from './problem.ts'
import { LEFT, Transfer } from './transfer.ts'
import { declaredLength, Intake, upload } from './upload.ts'

const PATH = /^\/data\/([A-Za-z0-9_-]{1,128})(?:\?|$)/
const METHODS = 'GET, HEAD, PUT'
/** Whatever is not a transfer is small: its body has come by then, on any line that is worth a connection. */
const BODY_MS = 30_000
const EXPOSED = 'accept-ranges, content-disposition, content-length, content-range, etag, x-request-id'

export interface DataRouteOptions {
  readonly tickets: Tickets
  readonly streams: Streams
  readonly callers: (token: string | null) => Caller | null
  readonly uploadBytes: number
  /** The longest time without a byte, in milliseconds. A transfer as a whole may take as long as it needs. */
  readonly idleMs: number
  readonly corsHeaders: (origin: string) => Record<string, string>
  readonly log: Logger
  readonly metrics: Metrics
}

/** One request to the route. */
interface Visit {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly requestId: string
  readonly headers: Record<string, string>
  /** Empty where it is none. */
  readonly ticket: string
  /** Of the token that came; empty where none came. */
  readonly caller: string
}

export class DataRoute {
  readonly #options: DataRouteOptions
  /** Transfers under way, by the client's connection. */
  readonly #open = new Map<Duplex, Transfer>()

  constructor(options: DataRouteOptions) {
    this.#options = options
  }

  /** Transfers under way. */
  get open(): number {
    return this.#open.size
  }

  /** Puts the route in front of whatever else a server serves, and sees to what a long upload needs of it. */
  attach(server: Server, otherwise: RequestListener): void {
    // The server's own clock would end an upload after five minutes, however fast it is.
    const patienceMs = Math.min(server.requestTimeout || BODY_MS, BODY_MS)
    server.requestTimeout = 0
    server.on('request', (request, response) => {
      if (isData(request)) this.#serve(request, response)
      else {
        expectBody(request, response, patienceMs)
        otherwise(request, response)
      }
    })
    server.on('checkContinue', (request, response) => {
      // Here the body is asked for only once it is wanted.
      if (isData(request)) this.#serve(request, response)
      else {
        response.writeContinue()
        server.emit('request', request, response)
      }
    })
    server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      const transfer = this.#open.get(socket)
      if (transfer !== undefined && error.code?.startsWith('HPE_')) transfer.fail(PROBLEMS.badLength)
      else if (transfer !== undefined) transfer.fail(LEFT)
      else refuseBadly(error, socket)
    })
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const requestId = randomUUID()
    const visit: Visit = {
      request,
      response,
      requestId,
      headers: { 'x-request-id': requestId, ...this.#cors(request) },
      ticket: PATH.exec(request.url ?? '')?.[1] ?? '',
      caller: this.#options.callers(tokenOf((name) => request.headers[name] as string | undefined))?.digest ?? '',
    }
    // A response may fail after its client has left; that shows in `close`.
    response.on('error', () => {})
    request.on('error', () => {})
    this.#dispatch(visit).catch((error: unknown) => {
      if (error instanceof TicketUnknown) {
        this.#refuse(visit, error.untouched ? PROBLEMS.storeAway : PROBLEMS.storeSilent)
        return
      }
      this.#options.log.error({ requestId, err: error }, 'unexpected failure of a transfer')
      this.#refuse(visit, PROBLEMS.bug)
    })
  }

  #dispatch(visit: Visit): Promise<void> {
    switch (visit.request.method) {
      case 'PUT':
        return this.#put(visit)
      case 'GET':
        return this.#get(visit)
      case 'HEAD':
        return this.#head(visit)
      case 'OPTIONS':
        return this.#preflight(visit)
      default:
        return this.#refuse(visit, PROBLEMS.notFound)
    }
  }

  async #put(visit: Visit): Promise<void> {
    const { request, response, ticket, caller } = visit
    const { tickets, streams, uploadBytes, idleMs } = this.#options
    const length = declaredLength(request)
    const early =
      length !== null && length > uploadBytes
        ? tooLarge(uploadBytes, true)
        : request.headers['content-range'] === undefined
          ? null
          : PROBLEMS.partialUpload
    if (early !== null) {
      // Only who has the ticket learns that it is too much.
      const errand = caller === '' ? null : await tickets.look(ticket, caller, 'up')
      return this.#refuse(visit, errand === null ? PROBLEMS.notFound : early)
    }
    const claimed = await this.#claim(visit, 'up')
    if (claimed === null) return this.#refuse(visit, PROBLEMS.notFound)
    let intake: Intake | undefined
    const transfer = this.#begin(visit, 'up', idleMs, () =>
      intake?.isHungry ? PROBLEMS.slowClient : PROBLEMS.slowPrivicore,
    )
    intake = new Intake(request, transfer, length, uploadBytes)
    if (request.headers.expect !== undefined && length !== 0) response.writeContinue()
    try {
      const result = await upload(streams, claimed, intake, length, transfer)
      if (result === LEFT) {
        transfer.end('aborted')
        response.destroy()
      } else if ('status' in result) {
        transfer.end(transfer.bytes === 0 ? 'refused' : 'aborted')
        await this.#refuse(visit, result)
      } else {
        transfer.end('done')
        this.#answer(visit, 200, JSON.stringify(result))
      }
    } finally {
      transfer.end('aborted')
      intake.destroy()
    }
  }

  async #get(visit: Visit): Promise<void> {
    const { request, response, headers } = visit
    const claimed = await this.#claim(visit, 'down')
    if (claimed === null) return this.#refuse(visit, PROBLEMS.notFound)
    const transfer = this.#begin(visit, 'down', this.#options.idleMs, () =>
      response.writableNeedDrain ? LEFT : PROBLEMS.slowPrivicore,
    )
    const range = rangeOf(request.headers.range)
    try {
      const refusal = await download(this.#options.streams, claimed, range, response, headers, transfer)
      if (refusal !== null) await this.#refuse(visit, refusal.problem, refusal.headers)
    } finally {
      transfer.end('aborted')
    }
  }

  /** Says what is known without touching Privicore's own link, which works once: how long the data is, is not. */
  async #head(visit: Visit): Promise<void> {
    const { tickets } = this.#options
    const errand = visit.caller === '' ? null : await tickets.look(visit.ticket, visit.caller, 'down')
    if (errand === null) return this.#refuse(visit, PROBLEMS.notFound)
    visit.response.writeHead(200, { ...visit.headers, ...downloadHeaders(errand.fileName) }).end()
  }

  async #preflight({ response, headers }: Visit): Promise<void> {
    const allowed =
      headers['access-control-allow-origin'] === undefined
        ? {}
        : {
            'access-control-allow-methods': METHODS,
            'access-control-allow-headers': 'authorization, x-dpt-authorization, content-type, range',
            'access-control-max-age': '600',
          }
    response.writeHead(204, { ...headers, ...allowed, allow: `${METHODS}, OPTIONS` }).end()
  }

  async #claim({ ticket, caller }: Visit, direction: Direction): Promise<Claimed | null> {
    // Nobody's digest is empty: without a token nothing is found, by the same way.
    return this.#options.tickets.claim(ticket, caller, direction)
  }

  #begin(
    { request, response, requestId }: Visit,
    direction: Direction,
    idleMs: number,
    onIdle: () => Problem | typeof LEFT,
  ) {
    const { log, metrics } = this.#options
    const transfer = new Transfer({ direction, requestId, idleMs, onIdle, log, metrics })
    const { socket } = request
    this.#open.set(socket, transfer)
    response.once('close', () => {
      if (this.#open.get(socket) === transfer) this.#open.delete(socket)
      if (!response.writableFinished) transfer.fail(LEFT)
    })
    return transfer
  }

  async #refuse(visit: Visit, problem: Problem, more: Record<string, string> = {}): Promise<void> {
    answerProblem(visit.request, visit.response, problem, { ...visit.headers, ...more })
  }

  #answer({ response, headers }: Visit, status: number, body: string): void {
    response
      .writeHead(status, {
        ...headers,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'cache-control': 'no-store',
      })
      .end(body)
  }

  #cors({ headers: { origin } }: IncomingMessage): Record<string, string> {
    if (origin === undefined) return {}
    const headers = this.#options.corsHeaders(origin)
    return headers['access-control-allow-origin'] === undefined
      ? headers
      : { ...headers, 'access-control-expose-headers': EXPOSED }
  }
}

function isData({ url = '' }: IncomingMessage): boolean {
  return url.startsWith('/data/')
}

/**
 * A body that does not come is not waited for: what the server's own clock does for all requests alike. One that still comes
 * after the answer is heard for a moment, so that its client gets to read, and then the connection is closed.
 */
function expectBody(request: IncomingMessage, response: ServerResponse, patienceMs: number): void {
  const { headers, socket } = request
  if (!(Number(headers['content-length']) > 0) && headers['transfer-encoding'] === undefined) return
  const cut = () => {
    if (!request.complete) socket.destroy()
  }
  const timer = setTimeout(cut, patienceMs)
  request.once('end', () => clearTimeout(timer)).once('close', () => clearTimeout(timer))
  // One function for all: with a closure on each, what is done with outlives every small garbage collection, at 20 ms each.
  response.writeHead = writeHead
}

/** Of a response whose request may still be coming. */
function writeHead(this: ServerResponse, ...head: unknown[]): ServerResponse {
  const { req: request } = this
  const { socket } = request
  if (!request.complete) {
    this.shouldKeepAlive = false
    // node:http calls it when the answer is written. At once, it would make the client's system throw the answer away unread.
    const { destroySoon } = socket
    socket.destroySoon = () => {
      socket.end()
      const linger = setTimeout(() => destroySoon.call(socket), request.complete ? 0 : LINGER_MS)
      request.once('end', () => destroySoon.call(socket))
      socket.once('close', () => clearTimeout(linger))
    }
  }
  return ServerResponse.prototype.writeHead.apply(this, head as Parameters<ServerResponse['writeHead']>)
}

/** As node:http does where nobody listens. */
function refuseBadly(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request'
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`)
}
