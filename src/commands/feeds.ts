// Every open subscription of this instance: each ends with its client, with its caller's token, and with the process.
import type { Gauge } from 'prom-client'
import { PrivicoreError } from '../privicore/errors.ts'
import { Feed } from './feed.ts'
import type { Session, Sessions } from './sessions.ts'

export interface OpenOptions {
  /** null for a caller without a token. */
  readonly session: Session | null
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal
  /** Called just before each event is handed out. */
  readonly onEvent: () => void
}

export class Feeds {
  readonly #sessions: Sessions
  readonly #gauge: Gauge | undefined
  readonly #open = new Set<Feed<unknown>>()
  #draining = false

  constructor(sessions: Sessions, gauge?: Gauge) {
    this.#sessions = sessions
    this.#gauge = gauge
  }

  get size(): number {
    return this.#open.size
  }

  /**
   * @param begin fills the feed; what it answers is called once, when the feed has ended
   * @throws PrivicoreError, also what `begin` throws
   */
  async open<T>(options: OpenOptions, begin: (feed: Feed<T>) => Promise<() => void>): Promise<Feed<T>> {
    if (this.#draining) {
      throw new PrivicoreError('UPSTREAM_UNAVAILABLE', 'subscription: this instance is draining', {
        publicMessage: 'This instance of the gateway is shutting down. Subscribe again to reach another.',
      })
    }
    const subscriber = new Subscriber<T>(this, options)
    const { feed } = subscriber
    this.#open.add(feed as Feed<unknown>)
    this.#gauge?.set(this.#open.size)
    options.signal.addEventListener('abort', subscriber, { once: true })
    if (options.session !== null) {
      subscriber.unfollow = this.#sessions.follow(options.session, () => subscriber.sessionEnded())
    }
    if (options.signal.aborted) void feed.return()
    try {
      const free = await begin(feed)
      // It may have ended while it began.
      if (feed.ended) free()
      else subscriber.free = free
    } catch (error) {
      void feed.return()
      throw error
    }
    return feed
  }

  closed(feed: Feed<unknown>): void {
    this.#open.delete(feed)
    this.#gauge?.set(this.#open.size)
  }

  /** Ends every subscription cleanly; no new ones are taken. */
  drain(): void {
    this.#draining = true
    for (const feed of [...this.#open]) feed.finish()
  }
}

/** Ends a feed when it is time, and frees what it follows: one object, where closures would be six for each of thousands. */
class Subscriber<T> {
  readonly feed: Feed<T>
  readonly #feeds: Feeds
  readonly #options: OpenOptions
  unfollow: (() => void) | null = null
  free: (() => void) | null = null

  constructor(feeds: Feeds, options: OpenOptions) {
    this.#feeds = feeds
    this.#options = options
    this.feed = new Feed<T>(this)
  }

  onEvent(): void {
    this.#options.onEvent()
  }

  onEnd(): void {
    this.#options.signal.removeEventListener('abort', this)
    this.#feeds.closed(this.feed as Feed<unknown>)
    this.unfollow?.()
    this.free?.()
  }

  /** The client has left. */
  handleEvent(): void {
    void this.feed.return()
  }

  sessionEnded(): void {
    this.feed.fail(new PrivicoreError('UNAUTHENTICATED', 'subscription: the token has ended'))
  }
}
