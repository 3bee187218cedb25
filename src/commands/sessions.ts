// Whether callers' tokens still work: what is seen of them on any call, on any instance, and asked for while subscriptions last.
import type { Bus } from '../cache/bus.ts'
import { mostRecent } from '../cache/most-recent.ts'
import { hasCode } from '../privicore/errors.ts'
import type { Secret } from '../privicore/secret.ts'

const CHANNEL = 'sessions:ended'
/** A subscription that lasts longer than this has its token asked after: shorter ones (the usual) cost nothing. */
const FIRST_CHECK_MS = 30_000
/** While Privicore does not say when the token ends, or says something far away: it may be revoked at any time. */
const CHECK_EVERY_MS = 300_000
/** After an expiry that has come: the token may have been made to live longer by another client. */
const EXPIRY_GRACE_MS = 500
/** Tokens that were seen to be refused are asked after at once when they subscribe. */
const DOUBTED = { most: 10_000, ms: 600_000 }
/** The longest delay of a timer. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

export interface Session {
  readonly digest: string
  readonly token: Secret
}

export interface SessionsOptions {
  readonly bus: Bus
  /** When the token stops working (RFC 3339). @throws PrivicoreError UNAUTHENTICATED when it has */
  readonly expiryOf: (token: Secret) => Promise<string>
}

interface Followed {
  readonly token: Secret
  readonly listeners: Set<() => void>
  timer: NodeJS.Timeout | undefined
}

export class Sessions {
  readonly #options: SessionsOptions
  readonly #followed = new Map<string, Followed>()
  readonly #endedListeners = new Set<(digest: string) => void>()
  readonly #doubted = mostRecent<true>(DOUBTED.most, { ttl: DOUBTED.ms })
  readonly #expiries = mostRecent<number>(DOUBTED.most)

  constructor(options: SessionsOptions) {
    this.#options = options
    void options.bus.subscribe(CHANNEL, (message) => {
      if (typeof message === 'string') this.#end(message)
    })
  }

  /** The token was refused, revoked, or has expired: everything of this caller ends, on every instance. */
  ended(digest: string): void {
    // Every call of a dead token says the same: once is enough, unless something here still depends on it.
    if (this.#doubted.has(digest) && !this.#followed.has(digest)) return
    this.#doubted.set(digest, true)
    void this.#options.bus.publish(CHANNEL, digest)
  }

  /** The token was accepted: whatever was thought of it is wrong. */
  works(digest: string): void {
    this.#doubted.delete(digest)
  }

  /** Privicore named the token's end. @param at RFC 3339 */
  expires(digest: string, at: string): void {
    const time = Date.parse(at)
    if (Number.isNaN(time)) return
    this.#expiries.set(digest, time)
    this.#doubted.delete(digest)
    const followed = this.#followed.get(digest)
    if (followed !== undefined) this.#checkLater(digest, followed, this.#untilExpiry(digest))
  }

  /** `listener` gets the digest of every caller whose token has ended, seen by any instance; maybe more than once. */
  onEnded(listener: (digest: string) => void): () => void {
    this.#endedListeners.add(listener)
    return () => this.#endedListeners.delete(listener)
  }

  /** Calls `listener` when the session ends, as long as it is followed. @returns stops it */
  follow({ digest, token }: Session, listener: () => void): () => void {
    let followed = this.#followed.get(digest)
    if (followed === undefined) {
      followed = { token, listeners: new Set(), timer: undefined }
      this.#followed.set(digest, followed)
      this.#checkLater(
        digest,
        followed,
        this.#doubted.has(digest) ? 0 : Math.min(FIRST_CHECK_MS, this.#untilExpiry(digest)),
      )
    }
    const { listeners } = followed
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
      if (listeners.size > 0 || this.#followed.get(digest)?.listeners !== listeners) return
      clearTimeout(this.#followed.get(digest)?.timer)
      this.#followed.delete(digest)
    }
  }

  close(): void {
    for (const { timer } of this.#followed.values()) clearTimeout(timer)
    this.#followed.clear()
    this.#endedListeners.clear()
  }

  #untilExpiry(digest: string): number {
    const expiry = this.#expiries.get(digest)
    return expiry === undefined ? CHECK_EVERY_MS : Math.max(0, expiry - Date.now()) + EXPIRY_GRACE_MS
  }

  #checkLater(digest: string, followed: Followed, inMs: number): void {
    clearTimeout(followed.timer)
    followed.timer = setTimeout(() => void this.#check(digest, followed), Math.min(inMs, LONGEST_TIMER_MS))
  }

  async #check(digest: string, followed: Followed): Promise<void> {
    let next = CHECK_EVERY_MS
    try {
      const at = Date.parse(await this.#options.expiryOf(followed.token))
      if (this.#followed.get(digest) !== followed) return
      if (at <= Date.now()) {
        this.ended(digest)
        return
      }
      this.#expiries.set(digest, at)
      this.#doubted.delete(digest)
      next = Math.min(CHECK_EVERY_MS, at - Date.now() + EXPIRY_GRACE_MS)
    } catch (error) {
      if (this.#followed.get(digest) !== followed) return
      if (hasCode(error, 'UNAUTHENTICATED')) {
        this.ended(digest)
        return
      }
      // Privicore does not say now: it is asked again.
      next = FIRST_CHECK_MS
    }
    this.#checkLater(digest, followed, next)
  }

  #end(digest: string): void {
    this.#doubted.set(digest, true)
    this.#expiries.delete(digest)
    for (const listener of [...this.#endedListeners]) listener(digest)
    const followed = this.#followed.get(digest)
    if (followed === undefined) return
    clearTimeout(followed.timer)
    this.#followed.delete(digest)
    for (const listener of [...followed.listeners]) listener()
  }
}
