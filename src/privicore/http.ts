// One HTTP exchange with one origin: pooled, bounded in time and size, cancellable down to the socket. Knows no endpoint.
import { type Dispatcher, Pool } from 'undici'
import { Misfit } from './decode.ts'

/** An answer of Privicore is a page of records at most; anything near this size is a fault, and would sit in the heap. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024
/** Shorter than the 5 s that PHP and Node servers keep an idle connection, so that a command rarely meets a closing one. */
const KEEP_ALIVE_MS = 4_000

export interface WireRequest {
  readonly method: string
  /** Absolute path with query. */
  readonly path: string
  readonly headers: Record<string, string>
  readonly body: string | null
}

export interface WireAnswer {
  readonly status: number
  readonly header: (name: string) => string | null
  readonly text: string
}

export type FailureKind = 'connection' | 'timeout' | 'cancelled' | 'too-large'

/** Why there is no (whole) answer. `sent`: Privicore may have acted on it. `head`: status and headers, if they still came. */
export class ExchangeFailure extends Error {
  readonly kind: FailureKind
  readonly sent: boolean
  readonly head: Omit<WireAnswer, 'text'> | null

  constructor(kind: FailureKind, sent: boolean, head: Omit<WireAnswer, 'text'> | null, cause?: unknown) {
    super(`${kind}${sent ? ' after the request was sent' : ''}`, { cause })
    this.name = 'ExchangeFailure'
    this.kind = kind
    this.sent = sent
    this.head = head
  }
}

export interface ExchangeOptions {
  /** Milliseconds from now, waiting for a free connection included. */
  readonly timeoutMs: number
  readonly signal?: AbortSignal | undefined
}

/** As many sockets as keep a server busy that answers at once: more of them only cost both sides. */
const POOL_CONNECTIONS = 64
/** From this mean service time on, what an exchange waits for is the server and not the processor: then more sockets pay. */
const SLOW_MS = 4
/** Weight of the newest service time in the mean. */
const NEWEST = 0.05

/** One origin's sockets: few while it answers at once, as many as the load needs while it takes its time. */
export class Origin {
  readonly #pools: readonly Pool[]
  readonly #load = { underWay: 0, serviceMs: 0 }

  /** @param connections the most sockets that are open at once; further exchanges queue */
  constructor(url: URL, connections: number, connectTimeoutMs: number) {
    const options = {
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      // Each exchange has a clock of its own that covers all of it.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: connectTimeoutMs },
    }
    this.#pools = Array.from({ length: Math.ceil(connections / POOL_CONNECTIONS) }, (_, index) => {
      const left = connections - index * POOL_CONNECTIONS
      return new Pool(url.origin, { ...options, connections: Math.min(POOL_CONNECTIONS, left) })
    })
  }

  /** @throws ExchangeFailure */
  exchange(request: WireRequest, options: ExchangeOptions): Promise<WireAnswer> {
    return new Promise((resolve, reject) => {
      new Exchange(options, this.#load, resolve, reject).start(this.#pool(), request)
    })
  }

  async close(): Promise<void> {
    await Promise.all(this.#pools.map((pool) => pool.destroy()))
  }

  #pool(): Pool {
    const { serviceMs, underWay } = this.#load
    const needed = serviceMs < SLOW_MS ? 0 : Math.floor(underWay / POOL_CONNECTIONS)
    return this.#pools[Math.min(needed, this.#pools.length - 1)] as Pool
  }
}

/** What an origin is doing: exchanges under way, and the mean time from their start on a socket to their end. */
interface Load {
  underWay: number
  serviceMs: number
}

type Headers = Record<string, string | string[] | undefined>

class Exchange implements Dispatcher.DispatchHandler {
  readonly #options: ExchangeOptions
  readonly #load: Load
  readonly #resolve: (answer: WireAnswer) => void
  readonly #reject: (failure: ExchangeFailure) => void
  readonly #timer: NodeJS.Timeout
  #controller: Dispatcher.DispatchController | null = null
  #settled = false
  #startedAt = 0
  #status = 0
  #headers: Headers | null = null
  #chunks: Buffer[] = []
  #size = 0

  constructor(
    options: ExchangeOptions,
    load: Load,
    resolve: (answer: WireAnswer) => void,
    reject: (failure: ExchangeFailure) => void,
  ) {
    this.#options = options
    this.#load = load
    load.underWay++
    this.#resolve = resolve
    this.#reject = reject
    this.#timer = setTimeout(() => this.#fail('timeout'), Math.max(0, options.timeoutMs))
    options.signal?.addEventListener('abort', this.#onAbort)
  }

  start(pool: Pool, request: WireRequest): void {
    if (this.#options.signal?.aborted) {
      this.#onAbort()
      return
    }
    try {
      pool.dispatch({ ...request, method: request.method as Dispatcher.HttpMethod }, this)
    } catch (error) {
      this.#fail('connection', error)
    }
  }

  readonly #onAbort = () => this.#fail('cancelled', this.#options.signal?.reason)

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // It was given up while it waited for a connection.
    if (this.#settled) controller.abort(new Error('given up'))
    else {
      this.#controller = controller
      this.#startedAt = performance.now()
    }
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200) return
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length
    if (this.#size > MAX_ANSWER_BYTES) this.#fail('too-large')
    else this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    if (!this.#settle()) return
    const chunks = this.#chunks
    const body = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
    this.#resolve({ ...this.#head(), text: body.toString('utf8') })
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail('connection', error)
  }

  #fail(kind: FailureKind, cause?: unknown): void {
    const controller = this.#controller
    if (!this.#settle()) return
    this.#reject(new ExchangeFailure(kind, controller !== null, this.#headers === null ? null : this.#head(), cause))
    controller?.abort(new Error(kind))
  }

  #settle(): boolean {
    if (this.#settled) return false
    this.#settled = true
    const load = this.#load
    load.underWay--
    if (this.#startedAt > 0) load.serviceMs += NEWEST * (performance.now() - this.#startedAt - load.serviceMs)
    clearTimeout(this.#timer)
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    return true
  }

  #head(): Omit<WireAnswer, 'text'> {
    const headers = this.#headers ?? {}
    return {
      status: this.#status,
      header: (name) => {
        const value = headers[name]
        // An empty value is how a proxy leaves a header out.
        return (Array.isArray(value) ? value[0] : value)?.trim() || null
      },
    }
  }
}

/**
 * The body as JSON; undefined when it is empty. Text that is no JSON and no markup stands for itself ("accept a bare string"),
 * and so does a bare number, which may be an id.
 * @throws Misfit for broken JSON and for markup
 */
export function parseBody(text: string, place: string): unknown {
  const body = text.trim()
  switch (body[0]) {
    case undefined:
      return undefined
    case '{':
    case '[':
    case '"':
      try {
        return JSON.parse(body)
      } catch {
        throw new Misfit(place, 'JSON', body)
      }
    case '<':
      throw new Misfit(place, 'JSON instead of markup', body)
    default:
      return body === 'null' ? null : body === 'true' ? true : body === 'false' ? false : body
  }
}
