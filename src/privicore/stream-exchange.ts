// One transfer to or from a stream host, on a connection of its own: what is sent, what comes, how it ends. Knows no link's rules.
import type { Socket } from 'node:net'
import type { Readable } from 'node:stream'
import { type buildConnector, Client, type Dispatcher } from 'undici'

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
  /** Gets the chunks of `body` back, once nothing that sends reads them any more; those of a broken connection, and the last, stay away. */
  readonly onFree: (chunk: Buffer) => void
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
  /** false: no more until there is room again. The chunk is the sink's once this has returned: nothing else reads it any more. */
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

/** What is asked of a stream host. */
export interface Errand {
  readonly link: URL
  readonly method: Dispatcher.HttpMethod
  readonly headers: Record<string, string>
  /** Its bytes, or what becomes of those that come. */
  readonly work: Upload | Download
}

export class Exchange implements Dispatcher.DispatchHandler {
  readonly #client: Client
  readonly #errand: Errand
  readonly #body: Readable | null
  readonly #outcome = Promise.withResolvers<void>()
  #socket: Socket | null = null
  /** Chunks that the socket was given and may still read. */
  #lent: Buffer[] = []
  #sent = false
  #sink: Sink | null = null
  #status: number | null = null
  #settled = false

  constructor(connect: buildConnector.connector, errand: Errand) {
    const { link, work } = errand
    this.#errand = errand
    this.#body = 'body' in work && work.length !== 0 ? work.body : null
    this.#client = new Client(link.origin, {
      pipelining: 1,
      allowH2: false,
      // A transfer may last for hours; whoever started it watches that bytes move.
      headersTimeout: 0,
      bodyTimeout: 0,
      connect: (options, callback) =>
        connect(options, (...connected) => {
          const [, socket] = connected
          this.#socket = socket
          socket?.on('drain', this.#free)
          callback(...connected)
        }),
    })
  }

  /** @throws StreamFailure */
  run(): Promise<void> {
    const { link, method, headers, work } = this.#errand
    if (work.signal.aborted) {
      this.#onAbort()
      return this.#outcome.promise
    }
    work.signal.addEventListener('abort', this.#onAbort)
    try {
      // A connection that was kept may close at any moment, and a body that streams cannot be sent a second time.
      this.#client.dispatch({ path: link.pathname + link.search, method, headers, body: this.#body, reset: true }, this)
    } catch (error) {
      this.#fail('connection', error)
    }
    return this.#outcome.promise
  }

  /** Breaks it off. */
  destroy(): Promise<void> {
    return this.#client.destroy()
  }

  readonly #onAbort = () => this.#fail('aborted', this.#errand.work.signal.reason)

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#settled) controller.abort(new Error('given up'))
    else this.#sent = true
  }

  /** Comes when the socket was given the chunk; whoever pushed it may not be through with it. */
  onBodySent(chunk: Buffer): void {
    if (this.#socket?.writableLength === 0) this.#free()
    this.#lent.push(chunk)
  }

  /** The socket waits for nothing: the system has all that it was given. */
  readonly #free = () => {
    const { work } = this.#errand
    if (this.#settled || !('body' in work)) return
    for (const chunk of this.#lent) work.onFree(chunk)
    this.#lent = []
  }

  onResponseStart(
    _: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200 || this.#settled) return
    this.#status = status
    const { work } = this.#errand
    if ('body' in work) {
      if (status > 299) this.#fail('refused')
      return
    }
    const header = (name: string) => {
      const value = headers[name]
      return (Array.isArray(value) ? value[0] : value) ?? null
    }
    this.#sink = work.onHead({ status, header })
    if (this.#sink === null) this.#fail('refused')
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const sink = this.#sink
    // undici reads no chunk again once this has returned, but for an empty one: that stands for nothing new, and is always the same.
    if (sink === null || chunk.length === 0 || sink.write(chunk)) return
    controller.pause()
    sink.whenReady(() => controller.resume())
  }

  onResponseEnd(): void {
    // Whoever says that all is well before having been given everything has not got it.
    if (this.#body !== null && !this.#body.readableEnded) this.#fail('early')
    else if (this.#settle()) this.#outcome.resolve()
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.#fail('connection', error)
  }

  #fail(kind: StreamFailure['kind'], cause?: unknown): void {
    if (this.#settle()) this.#outcome.reject(new StreamFailure(kind, this.#sent, this.#status, cause))
  }

  #settle(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#errand.work.signal.removeEventListener('abort', this.#onAbort)
    void this.destroy()
    return true
  }
}
