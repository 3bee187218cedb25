// Operations over WebSocket (graphql-transport-ws): the same way through yoga and its plugins as over HTTP. Knows no field.
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type ExecutionResult, GraphQLError, parse } from 'graphql'
import { CloseCode, handleProtocols, MessageType, makeServer, type ServerOptions } from 'graphql-ws'
import { type GraphQLParams, isAsyncIterable } from 'graphql-yoga'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Config } from '../config.ts'
import { allowedOrigin } from './cors.ts'
import { type Direct, toMessage } from './direct.ts'
import type { Logger } from './log.ts'
import type { Operations } from './operations.ts'
import { Events } from './subscribing.ts'

export interface WebSocketsOptions {
  readonly config: Config
  readonly direct: Direct
  readonly operations: Operations
  readonly log: Logger
}

const PATH = '/graphql'
/** Both ends learn within twice this that the other is gone; proxies keep a connection that carries something. */
const PING_MS = 12_000
/** A client that does not close in return is cut off. */
const CLOSE_GRACE_MS = 1_000
/** One page follows a few things; a backend that serves many may share a socket. */
const MOST_OPERATIONS = 1_000
/** A client that leaves so much unread is not waited for. */
const MOST_UNREAD_BYTES = 4 * 1024 * 1024
const PONG = JSON.stringify({ type: MessageType.Pong })

interface Extra {
  /** Where the client has found us, in its own words. */
  readonly host: string | undefined
  /** How many operations run. */
  running: number
  /** The latest operation of each id: whatever had the id before is aborted. */
  readonly latest: Map<string, Running>
}

/** One operation, and how to end it. */
class Running {
  readonly id: string
  readonly #log: Logger
  #abort: AbortController | null = new AbortController()
  #events: Events | null = null

  constructor(id: string, log: Logger) {
    this.id = id
    this.#log = log
  }

  get signal(): AbortSignal {
    return this.#abort?.signal ?? AbortSignal.abort()
  }

  /** A subscription has begun: from now on returning from its events ends it. */
  begun(events: Events): void {
    this.#events = events
    this.#abort = null
  }

  leave(): void {
    this.#abort?.abort()
    this.#events?.return().catch((error: unknown) => this.#log.error({ err: error }, 'ending a subscription failed'))
  }
}

export class WebSockets {
  readonly #options: WebSocketsOptions
  readonly #sockets: WebSocketServer
  /** What our last ping has said, where it has not been answered. */
  readonly #silent = new WeakMap<WebSocket, string>()
  /** By what was asked, which is one object per operation: a client may use an id again. */
  readonly #running = new WeakMap<object, Running>()
  readonly #pings: NodeJS.Timeout
  #draining = false

  constructor(options: WebSocketsOptions) {
    this.#options = options
    this.#sockets = new WebSocketServer({
      noServer: true,
      handleProtocols,
      maxPayload: options.config.limits.bodyBytes,
      perMessageDeflate: false,
    })
    const server = makeServer<Record<string, unknown>, Extra>(this.#protocol())
    this.#sockets.on('connection', (socket, request) => this.#serve(server, socket, request))
    this.#pings = setInterval(() => this.#ping(), PING_MS).unref()
  }

  /** A listener for node:http's `upgrade`. */
  readonly upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // Until the handshake is through there is nobody else to hear of a broken connection.
    socket.on('error', () => socket.destroy())
    const refusal = this.#refusal(request)
    if (refusal !== null) {
      socket.end(`HTTP/1.1 ${refusal}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
      return
    }
    this.#sockets.handleUpgrade(request, socket, head, (client) => this.#sockets.emit('connection', client, request))
  }

  /** Tells every client to come back, to another instance: without an end of its subscriptions, which it then resumes. */
  async drain(): Promise<void> {
    this.#draining = true
    clearInterval(this.#pings)
    const clients = [...this.#sockets.clients]
    for (const client of clients) client.close(1001, 'Going away')
    if (clients.length === 0) return
    await new Promise<void>((resolve) => {
      const cut = setTimeout(() => {
        for (const client of clients) client.terminate()
        resolve()
      }, CLOSE_GRACE_MS)
      Promise.all(clients.map((client) => new Promise((closed) => client.once('close', closed)))).then(() => {
        clearTimeout(cut)
        resolve()
      })
    })
  }

  /** null where a socket may be opened. */
  #refusal(request: IncomingMessage): string | null {
    if (this.#draining) return '503 Service Unavailable'
    if ((request.url ?? '').split('?', 1)[0] !== PATH) return '404 Not Found'
    const { origin, host } = request.headers
    // A page may open a socket to any host: who may not call over HTTP may not over this either.
    const isOwn = origin !== undefined && URL.canParse(origin) && new URL(origin).host === host
    if (origin !== undefined && !isOwn && allowedOrigin(this.#options.config, origin) === null) return '403 Forbidden'
    return null
  }

  #serve(
    server: ReturnType<typeof makeServer<Record<string, unknown>, Extra>>,
    socket: WebSocket,
    { headers }: IncomingMessage,
  ): void {
    const { log } = this.#options
    const extra: Extra = { host: headers.host, running: 0, latest: new Map() }
    // Follows in a close event. Frames that are too large or malformed end here: the client's fault, and its alone.
    socket.on('error', (error) => log.debug({ code: (error as NodeJS.ErrnoException).code }, 'websocket failed'))
    // Anybody can send pongs: only the answer to our own ping tells that the client reads.
    socket.on('pong', (said) => void (this.#silent.get(socket) === String(said) && this.#silent.delete(socket)))
    // The answer to it has been written by now.
    socket.on('ping', () => void isTooSlow(socket))
    // Resolves when it is written: a client that reads slowly is asked for its next event later.
    const send = (text: string) =>
      new Promise<void>((resolve, reject) => {
        if (socket.readyState !== socket.OPEN || isTooSlow(socket)) resolve()
        else socket.send(text, (error) => (error ? reject(error) : resolve()))
      })
    const closed = server.opened(
      {
        protocol: socket.protocol,
        send,
        // Without the payload of the ping, which may be large.
        onPing: () => send(PONG),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (receive) =>
          socket.on('message', (frame) => {
            receive(String(frame)).catch((error: unknown) => {
              if (socket.readyState !== socket.OPEN) return
              log.error({ err: error }, 'an operation over WebSocket failed')
              socket.close(CloseCode.InternalServerError, 'Internal server error')
            })
          }),
      },
      extra,
    )
    socket.once('close', (code, reason) => {
      for (const running of extra.latest.values()) running.leave()
      extra.latest.clear()
      closed(code, String(reason)).catch((error: unknown) => log.error({ err: error }, 'closing a WebSocket failed'))
    })
  }

  #protocol(): ServerOptions<Record<string, unknown>, Extra> {
    return {
      onSubscribe: async (socket, id, payload) => {
        const { connectionParams, extra } = socket
        if (extra.running >= MOST_OPERATIONS) {
          const { operations } = this.#options
          const error = new GraphQLError(`At most ${MOST_OPERATIONS} operations may run on one connection.`, {
            extensions: { code: 'LIMIT_EXCEEDED' },
          })
          return [operations.code(error, randomUUID())]
        }
        // The protocol lets an id be used again only after its operation was completed.
        extra.latest.get(id)?.leave()
        const running = new Running(id, this.#options.log)
        extra.running++
        extra.latest.set(id, running)
        this.#running.set(payload, running)
        try {
          const result = await this.#options.direct({
            params: payload as GraphQLParams,
            header: credentialsOf(connectionParams),
            requestId: newRequestId(),
            host: extra.host,
            signal: running.signal,
          })
          if (!(id in socket.subscriptions) || extra.latest.get(id) !== running) {
            // Completed before it had begun. Whoever has the id by now must hear nothing of it: graphql-ws waits for ever.
            this.#end(extra, payload)
            if (isAsyncIterable(result)) await result[Symbol.asyncIterator]().return?.()
            return new Promise<never>(() => {})
          }
          if (neverExecuted(result)) {
            this.#end(extra, payload)
            return result.errors
          }
          if (result instanceof Events) running.begun(result)
          // What there is to execute has been executed: only its result goes through the protocol.
          return { schema: NOTHING.schema, document: NOTHING.document, contextValue: {}, rootValue: result } as never
        } catch (error) {
          this.#end(extra, payload)
          throw error
        }
      },
      execute: ((args: { rootValue: unknown }) => args.rootValue) as never,
      subscribe: ((args: { rootValue: unknown }) => args.rootValue) as never,
      onNext: (_, __, ___, ____, result) => toMessage(result as ExecutionResult) as never,
      onError: (_, __, ___, errors) => (toMessage({ errors: errors as GraphQLError[] }) as { errors: never }).errors,
      onComplete: ({ extra }, _, payload) => this.#end(extra, payload),
    }
  }

  /** Nothing runs for it any more. */
  #end(extra: Extra, payload: object): void {
    const running = this.#running.get(payload)
    if (running === undefined) return
    this.#running.delete(payload)
    running.leave()
    extra.running--
    if (extra.latest.get(running.id) === running) extra.latest.delete(running.id)
  }

  #ping(): void {
    for (const client of this.#sockets.clients) {
      if (this.#silent.has(client)) client.terminate()
      else {
        const said = randomUUID()
        this.#silent.set(client, said)
        client.ping(said)
      }
    }
  }
}

/** Sends one away that does not read what it asks for. */
function isTooSlow(socket: WebSocket): boolean {
  if (socket.bufferedAmount <= MOST_UNREAD_BYTES) return false
  if (socket.readyState === socket.OPEN) {
    socket.close(1013, 'Reading too slowly')
    setTimeout(() => socket.terminate(), CLOSE_GRACE_MS).unref()
  }
  return true
}

/** In one piece: as it is made it consists of sixteen, which would last as long as a subscription. */
function newRequestId(): string {
  return Buffer.from(randomUUID(), 'latin1').toString('latin1')
}

/** Syntax, validation, limits: the protocol has a message of its own for them. */
function neverExecuted(result: unknown): result is { readonly errors: readonly GraphQLError[] } {
  const { data, errors } = result as ExecutionResult
  return data === undefined && errors !== undefined && errors.every(({ path }) => path === undefined)
}

/** graphql-ws looks at the kind of the operation; here it has run already. */
const NOTHING = { schema: undefined, document: parse('{ __typename }') }

const CREDENTIALS = ['authorization', 'x-dpt-authorization']

/** The payload of connection_init carries what headers carry over HTTP, under the same names. */
function credentialsOf(params: Readonly<Record<string, unknown>> | undefined): (name: string) => string | null {
  const found: Record<string, string> = {}
  for (const [name, value] of Object.entries(params ?? {})) {
    const lower = name.toLowerCase()
    if (typeof value === 'string' && CREDENTIALS.includes(lower)) found[lower] = value
  }
  return (name) => found[name] ?? null
}
