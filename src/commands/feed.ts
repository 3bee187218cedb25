// One subscriber's events: a bounded queue between what happens and a client that reads at its own pace. Knows no event.
import { PrivicoreError } from '../privicore/errors.ts'

/** What a subscriber may lag behind. Beyond it, it is dropped: never the process, never the other subscribers. */
const MOST_WAITING = 64

type Result<T> = IteratorResult<T, undefined>
interface Reader<T> {
  resolve(result: Result<T>): void
  reject(error: unknown): void
}

export interface FeedOptions {
  /** Called once, however it ends. */
  onEnd(): void
  /** Called just before an event is handed out: what was read for the one before it may be the old truth. */
  onEvent?(): void
  /** Default 64. */
  readonly mostWaiting?: number
}

/**
 * What a Subscription field answers. Unlike a generator, `return` ends it at once, even while a reader waits: on a quiet channel
 * there may never be a next event.
 */
export class Feed<T> implements AsyncIterableIterator<T, undefined> {
  readonly #options: FeedOptions
  // Both are nearly always empty, for each of thousands: one that has held something keeps room for seventeen.
  #waiting: T[] = []
  #readers: Reader<T>[] = []
  #ended = false
  #failure: { readonly error: unknown } | null = null

  constructor(options: FeedOptions) {
    this.#options = options
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Queues an event; a subscriber that lags too far behind ends with LIMIT_EXCEEDED. */
  push(event: T): void {
    if (this.#ended) return
    const [reader, ...others] = this.#readers
    if (reader !== undefined) {
      this.#readers = others
      this.#handOut(reader, event)
      return
    }
    this.#waiting.push(event)
    const most = this.#options.mostWaiting ?? MOST_WAITING
    if (this.#waiting.length <= most) return
    this.#waiting = []
    this.fail(
      new PrivicoreError('LIMIT_EXCEEDED', `a subscriber lags ${most} events behind`, {
        publicMessage: `The subscription was ended, because its client reads too slowly: ${most} events were waiting. Subscribe again to get the state as it is now.`,
      }),
    )
  }

  /** No more events: those that wait are still handed out. */
  finish(): void {
    this.#end()
    for (const reader of this.#readers.splice(0)) reader.resolve({ value: undefined, done: true })
  }

  /** The last thing that the client gets, after the events that wait. */
  fail(error: unknown): void {
    if (this.#ended) return
    this.#end()
    const [reader, ...others] = this.#readers.splice(0)
    if (reader === undefined) this.#failure = { error }
    else reader.reject(error)
    for (const other of others) other.resolve({ value: undefined, done: true })
  }

  next(): Promise<Result<T>> {
    if (this.#waiting.length > 0) {
      const event = this.#waiting.shift() as T
      if (this.#waiting.length === 0) this.#waiting = []
      return new Promise((resolve, reject) => this.#handOut({ resolve, reject }, event))
    }
    if (this.#failure !== null) {
      const { error } = this.#failure
      this.#failure = null
      return Promise.reject(error)
    }
    if (this.#ended) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve, reject) => {
      const reader = { resolve, reject }
      if (this.#readers.length === 0) this.#readers = [reader]
      else this.#readers.push(reader)
    })
  }

  /** The client has left. */
  return(): Promise<Result<T>> {
    this.#waiting = []
    this.#failure = null
    this.finish()
    return Promise.resolve({ value: undefined, done: true })
  }

  throw(error: unknown): Promise<Result<T>> {
    void this.return()
    return Promise.reject(error)
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return()
  }

  #handOut(reader: Reader<T>, event: T): void {
    this.#options.onEvent?.()
    reader.resolve({ value: event, done: false })
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#options.onEnd()
  }
}
