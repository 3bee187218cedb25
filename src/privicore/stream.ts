// Raw bytes to and from the stream hosts (privicore.md §5), never held: one connection for each transfer. Knows no ticket and no caller.
import type { Readable } from 'node:stream'
import { Agent, type Dispatcher } from 'undici'
import type { EndpointOverride } from './client.ts'
import { dataToken } from './data-token.ts'
import { PrivicoreError } from './errors.ts'
import { Secret } from './secret.ts'
import { LinkRefused, type StreamHosts, StreamLinks } from './stream-link.ts'

/** `up`: to Privicore. `down`: from it. */
export type Direction = 'up' | 'down'

/** A handshake with TLS takes a fraction of it. */
const CONNECT_TIMEOUT_MS = 10_000

const ROWS = { up: dataToken.upstream, down: dataToken.download }

/** Why a transfer ended early. Links are single use: only where nothing was `sent` do they still work. */
export class StreamFailure extends Error {
  readonly kind: 'connection' | 'refused' | 'early' | 'aborted'
  readonly sent: boolean
  /** Of the answer, where there was one. */
  readonly status: number | null

  constructor(kind: StreamFailure['kind'], sent: boolean, status: number | null = null, cause?: unknown) {
    super(`${kind}${sent ? ' after the transfer began' : ''}`, { cause })
    this.name = 'StreamFailure'
    this.kind = kind
    this.sent = sent
    this.status = status
  }
}

export interface Upload {
  readonly body: Readable
  /** Bytes, where they are known before: what is sent is exactly as long. */
  readonly length: number | null
  readonly signal: AbortSignal
}

export interface DownloadHead {
  readonly status: number
  readonly header: (name: string) => string | null
}

/** Takes a body at its own pace. */
export interface Sink {
  /** false: no more until there is room again. */
  readonly write: (chunk: Buffer) => boolean
  /** Calls `go` once, when there is. */
  readonly whenReady: (go: () => void) => void
}

export interface Download {
  /** A single range of bytes, as the client asked for it. */
  readonly range: string | null
  readonly signal: AbortSignal
  /** Answers where the body goes; null refuses it. */
  readonly onHead: (head: DownloadHead) => Sink | null
}

export interface StreamsOptions extends StreamHosts {
  readonly overrides?: ReadonlyMap<string, EndpointOverride> | undefined
}

export class Streams {
  readonly #links: StreamLinks
  readonly #agent: Agent
  readonly #overrides: ReadonlyMap<string, EndpointOverride>

  constructor(options: StreamsOptions) {
    this.#links = new StreamLinks(options)
    this.#overrides = options.overrides ?? new Map()
    this.#agent = new Agent({
      pipelining: 1,
      allowH2: false,
      // A transfer may last for hours; whoever started it watches that bytes move.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: { timeout: CONNECT_TIMEOUT_MS, lookup: this.#links.lookup },
    })
  }

  /**
   * What Privicore calls a stream, as a whole URL that this gateway may open.
   * @throws PrivicoreError UPSTREAM_UNAVAILABLE where it is a bare token and its host is not configured; UPSTREAM_PROTOCOL where
   * it points elsewhere
   */
  link(direction: Direction, stream: Secret): Secret {
    const row = ROWS[direction]
    try {
      const path = this.#overrides.get(row.id)?.path ?? row.path
      return new Secret(this.#links.resolve(direction, stream.reveal(), path).href)
    } catch (error) {
      if (!(error instanceof LinkRefused)) throw error
      const { id: endpoint } = row
      const message = `${endpoint}: the link has ${error.message}`
      if (!error.unconfigured) throw new PrivicoreError('UPSTREAM_PROTOCOL', message, { endpoint })
      const variable = direction === 'up' ? 'PRIVICORE_UPSTREAM_URL' : 'PRIVICORE_DOWNSTREAM_URL'
      throw new PrivicoreError('UPSTREAM_UNAVAILABLE', message, {
        endpoint,
        publicMessage: `Privicore names no host for this stream: the gateway's operators must set ${variable}.`,
      })
    }
  }

  /**
   * Resolves once Privicore has taken everything.
   * @param link of `link()`
   * @throws StreamFailure; what was sent by then stays incomplete on the wire
   */
  upload(link: Secret, { body, length, signal }: Upload): Promise<void> {
    return new Promise((resolve, reject) => {
      const headers: Record<string, string> = { 'content-type': 'application/octet-stream', accept: '*/*' }
      if (length !== null) headers['content-length'] = String(length)
      const source = length === 0 ? 'nothing' : body
      new Exchange(signal, resolve, reject, source).start(this.#agent, link, this.#methodOf('up'), headers)
    })
  }

  /**
   * Resolves once the whole body has been handed on.
   * @param link of `link()`
   * @throws StreamFailure; `refused` with the status where onHead wanted no body
   */
  download(link: Secret, { range, signal, onHead }: Download): Promise<void> {
    return new Promise((resolve, reject) => {
      const headers: Record<string, string> = { accept: '*/*', 'accept-encoding': 'identity' }
      if (range !== null) headers.range = range
      new Exchange(signal, resolve, reject, onHead).start(this.#agent, link, this.#methodOf('down'), headers)
    })
  }

  close(): Promise<void> {
    return this.#agent.destroy()
  }

  #methodOf(direction: Direction): Dispatcher.HttpMethod {
    const row = ROWS[direction]
    return this.#overrides.get(row.id)?.method ?? row.method
  }
}

type OnHead = Download['onHead']

/** One transfer: of a body upwards, or downwards to wherever the head of the answer says. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #signal: AbortSignal
  readonly #resolve: () => void
  readonly #reject: (failure: StreamFailure) => void
  readonly #work: Readable | 'nothing' | OnHead
  #controller: Dispatcher.DispatchController | null = null
  #sink: Sink | null = null
  #status: number | null = null
  #settled = false

  constructor(
    signal: AbortSignal,
    resolve: () => void,
    reject: (failure: StreamFailure) => void,
    work: Readable | 'nothing' | OnHead,
  ) {
    this.#signal = signal
    this.#resolve = resolve
    this.#reject = reject
    this.#work = work
  }

  start(agent: Agent, link: Secret, method: Dispatcher.HttpMethod, headers: Record<string, string>): void {
    if (this.#signal.aborted) {
      this.#onAbort()
      return
    }
    this.#signal.addEventListener('abort', this.#onAbort)
    const { origin, pathname, search } = new URL(link.reveal())
    const body = typeof this.#work === 'object' ? this.#work : null
    try {
      // A connection that was kept may close at any moment, and a body that streams cannot be sent a second time.
      agent.dispatch({ origin, path: pathname + search, method, headers, body, reset: true }, this)
    } catch (error) {
      this.#fail('connection', error)
    }
  }

  readonly #onAbort = () => this.#fail('aborted', this.#signal.reason)

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#settled) controller.abort(new Error('given up'))
    else this.#controller = controller
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200 || this.#settled) return
    this.#status = status
    const work = this.#work
    if (typeof work !== 'function') {
      if (status > 299) this.#fail('refused')
      return
    }
    const header = (name: string) => {
      const value = headers[name]
      return (Array.isArray(value) ? value[0] : value) ?? null
    }
    this.#sink = work({ status, header })
    if (this.#sink === null) this.#fail('refused')
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const sink = this.#sink
    if (sink === null || sink.write(chunk)) return
    controller.pause()
    sink.whenReady(() => controller.resume())
  }

  onResponseEnd(): void {
    // Whoever says that all is well before having been given everything has not got it.
    if (typeof this.#work === 'object' && !this.#work.readableEnded) this.#fail('early')
    else if (this.#settle()) this.#resolve()
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail('connection', error)
  }

  #fail(kind: StreamFailure['kind'], cause?: unknown): void {
    if (!this.#settle()) return
    this.#reject(new StreamFailure(kind, this.#controller !== null, this.#status, cause))
    this.#controller?.abort(new Error(kind))
  }

  #settle(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#signal.removeEventListener('abort', this.#onAbort)
    return true
  }
}
