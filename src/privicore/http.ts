// One HTTP exchange with one origin: pooled, bounded in time and size, cancellable down to the socket. Knows no endpoint.
import type { Dispatcher } from 'undici'
import { Misfit } from './decode.ts'
import { releaseRead } from './release.ts'
import { type Errand, Sockets } from './sockets.ts'

/** An answer of Privicore is a page of records at most; anything near this size is a fault, and would sit in the heap. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024

export interface WireRequest {
  readonly method: Dispatcher.HttpMethod
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

/** One origin, and its sockets. */
export class Origin {
  readonly #sockets: Sockets

  /** @param connections the most sockets that are open at once; further exchanges wait */
  constructor(url: URL, connections: number, connectTimeoutMs: number) {
    this.#sockets = new Sockets(url, connections, connectTimeoutMs)
  }

  /**
   * @param read makes of the answer what is wanted of it, before anybody waits for it: a body that a promise held would outlive
   * its reading, and the garbage collector would move it about
   * @throws ExchangeFailure, and what `read` throws
   */
  exchange<T>(request: WireRequest, options: ExchangeOptions, read: (answer: WireAnswer) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (options.signal?.aborted) reject(new ExchangeFailure('cancelled', false, null, options.signal.reason))
      else this.#sockets.take(new Exchange(request, options, this.#sockets, { read, resolve, reject }))
    })
  }

  close(): Promise<void> {
    return this.#sockets.close()
  }
}

type Headers = Record<string, string | string[] | undefined>

/** Who waits for an answer. */
interface Waiter<T> {
  readonly read: (answer: WireAnswer) => T
  readonly resolve: (value: T) => void
  readonly reject: (failure: unknown) => void
}

class Exchange<T> implements Errand, Dispatcher.DispatchHandler {
  readonly #request: WireRequest
  readonly #signal: AbortSignal | undefined
  readonly #sockets: Sockets
  readonly #timer: NodeJS.Timeout
  #socket: Dispatcher | null = null
  #controller: Dispatcher.DispatchController | null = null
  /** Gone once it is settled: what it leads to is no business of this one any more. */
  #waiter: Waiter<T> | null
  #status = 0
  #headers: Headers | null = null
  #body: Buffer[] = []
  #size = 0

  constructor(request: WireRequest, { timeoutMs, signal }: ExchangeOptions, sockets: Sockets, waiter: Waiter<T>) {
    this.#request = request
    this.#signal = signal
    this.#sockets = sockets
    this.#waiter = waiter
    this.#timer = setTimeout(this.#onTimeout, Math.max(0, timeoutMs))
    signal?.addEventListener('abort', this.#onAbort)
  }

  get isOver(): boolean {
    return this.#waiter === null
  }

  start(socket: Dispatcher): void {
    this.#socket = socket
    try {
      socket.dispatch(this.#request, this)
    } catch (error) {
      this.#fail('connection', error)
      this.#leaveSocket()
    }
  }

  refuse(reason: Error): void {
    this.#fail('connection', reason)
  }

  readonly #onTimeout = () => this.#fail('timeout')
  readonly #onAbort = () => this.#fail('cancelled', this.#signal?.reason)

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Given up while the socket connected. Thrown, since to abort would end the connection, which the next is to have.
    if (this.isOver) throw new Error('given up')
    this.#controller = controller
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number, headers: Headers): void {
    if (status < 200) return
    this.#status = status
    this.#headers = headers
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#size += chunk.length
    if (this.#size > MAX_ANSWER_BYTES) this.#fail('too-large')
    else this.#body.push(chunk)
  }

  onResponseEnd(): void {
    this.#leaveSocket()
    const waiter = this.#settle()
    if (waiter === null) return
    const text = takeText(this.#body)
    try {
      waiter.resolve(waiter.read(answered(this.#status, this.#headers ?? {}, text)))
    } catch (error) {
      waiter.reject(error)
    }
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#leaveSocket()
    this.#fail('connection', error)
  }

  #fail(kind: FailureKind, cause?: unknown): void {
    const waiter = this.#settle()
    if (waiter === null) return
    const controller = this.#controller
    this.#body = []
    const head = this.#headers === null ? null : answered(this.#status, this.#headers, '')
    waiter.reject(new ExchangeFailure(kind, controller !== null, head, cause))
    controller?.abort(new Error(kind))
  }

  /** @returns who waits, the first time */
  #settle(): Waiter<T> | null {
    const waiter = this.#waiter
    if (waiter === null) return null
    this.#waiter = null
    clearTimeout(this.#timer)
    this.#signal?.removeEventListener('abort', this.#onAbort)
    return waiter
  }

  #leaveSocket(): void {
    const socket = this.#socket
    this.#socket = null
    if (socket !== null) this.#sockets.free(socket)
  }
}

/** Leaves nothing of the body but its text. */
function takeText(body: Buffer[]): string {
  const [only] = body
  const text = (body.length === 1 && only ? only : Buffer.concat(body)).toString('utf8')
  // Until it has told of the end undici has them in its hands; then what it has read is spent, since nothing is sent ahead.
  queueMicrotask(() => {
    for (const chunk of body) releaseRead(chunk)
  })
  return text
}

function answered(status: number, headers: Headers, text: string): WireAnswer {
  return {
    status,
    header: (name) => {
      const value = headers[name]
      // An empty value is how a proxy leaves a header out.
      return (Array.isArray(value) ? value[0] : value)?.trim() || null
    },
    text,
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
