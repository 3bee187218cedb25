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
    const frees: (() => void)[] = []
    const feed = new Feed<T>({
      onEvent: options.onEvent,
      onEnd: () => {
        this.#open.delete(feed as Feed<unknown>)
        this.#gauge?.set(this.#open.size)
        for (const free of frees.splice(0)) free()
      },
    })
    this.#open.add(feed as Feed<unknown>)
    this.#gauge?.set(this.#open.size)
    const leave = () => void feed.return()
    options.signal.addEventListener('abort', leave, { once: true })
    frees.push(() => options.signal.removeEventListener('abort', leave))
    if (options.session !== null) {
      frees.push(
        this.#sessions.follow(options.session, () =>
          feed.fail(new PrivicoreError('UNAUTHENTICATED', 'subscription: the token has ended')),
        ),
      )
    }
    if (options.signal.aborted) leave()
    try {
      const free = await begin(feed)
      // It may have ended while it began.
      if (feed.ended) free()
      else frees.push(free)
    } catch (error) {
      void feed.return()
      throw error
    }
    return feed
  }

  /** Ends every subscription cleanly; no new ones are taken. */
  drain(): void {
    this.#draining = true
    for (const feed of [...this.#open]) feed.finish()
  }
}
