// What belongs to one operation: who asks, how long there is, what went into it, what it has changed. A Scope is for the doors in
// this folder alone, and asks nothing itself. Knows no GraphQL and no area.
import type { CallerCache, Verdict } from '../cache/cache.ts'
import { isRefusal } from '../cache/failure.ts'
import { Ingredients } from '../cache/ingredients.ts'
import type { Entry } from '../cache/memory.ts'
import { OperationCache } from '../cache/operation.ts'
import type { Tickets } from '../cache/tickets.ts'
import type { Commands } from '../commands/commands.ts'
import type { Following } from '../commands/following.ts'
import type { Privicore } from '../privicore/client.ts'
import type { AnyEndpoint } from '../privicore/endpoint.ts'
import { hasCode } from '../privicore/errors.ts'
import type { Secret } from '../privicore/secret.ts'
import type { Streams } from '../privicore/stream.ts'

/** Whoever sent the request: a Privicore token, handed through, and a keyed digest that stands for it everywhere else. */
export interface Caller {
  readonly token: Secret
  readonly digest: string
}

/** What all operations of a gateway share. */
export interface Services {
  readonly privicore: Privicore
  readonly commands: Commands
  readonly following: Following
  /** What is remembered between operations; null where nothing is (CACHE=off). */
  readonly cache: CallerCache | null
  readonly tickets: Tickets
  readonly streams: Streams
  /** Where clients reach the gateway; undefined: where they have sent their request. */
  readonly publicUrl: string | undefined
  /** Makes a Caller of a token. */
  readonly callers: (token: string | null) => Caller | null
}

/** Where the answer to a read came from, for extensions.cache. */
export interface CacheNote {
  /** Catalogue id. */
  readonly read: string
  readonly status: Verdict
  readonly ageMs: number
}

/** At once where the list has come already: a join of many rows costs no promise each. */
export type Found<Row> = Promise<Row | null> | Row | null

export interface ContextOptions {
  readonly services: Services
  readonly caller: Caller | null
  readonly requestId: string
  /** Aborts when the client leaves or the operation's time runs out; its reason is a PrivicoreError. */
  readonly signal: AbortSignal
  /** When the operation's time runs out, on the clock of performance.now(). */
  readonly deadline: number
  /** A subscription has no end of its own: each of its events has this much time, in milliseconds. */
  readonly eventTimeoutMs?: number | undefined
  /** A URL that the request was sent to, in the client's words. */
  readonly address?: string | undefined
  /** Its root fields run one after the other, as a mutation's do: what one has seen the next may find changed. */
  readonly serial?: boolean | undefined
  /** Gets a note for each read that may be remembered. */
  readonly cacheNotes?: CacheNote[] | undefined
}

/** Kept back from the operation's time when waiting, so that the answer is still written in time. */
const ANSWER_RESERVE_MS = 500

export class Scope {
  readonly options: ContextOptions
  readonly services: Services
  readonly caller: Caller | null
  readonly signal: AbortSignal
  /** What was read already. */
  readonly cache = new OperationCache()
  readonly ingredients = new Ingredients()
  /** The remembered values that all of this operation was made of so far; null where anything else went into it. */
  madeOf: Entry[] | null = []
  #deadline: number
  #since = 0

  constructor(options: ContextOptions) {
    this.options = options
    this.services = options.services
    this.caller = options.caller
    this.signal = options.signal
    this.#deadline = options.deadline
  }

  /** As commands name the caller; null without a token. */
  get owner(): string | null {
    return this.caller?.digest ?? null
  }

  /** When this operation has changed something last, ms since 1970, 0 for never: what is remembered from before is not served to it. */
  get since(): number {
    return this.#since
  }

  /** From now on this operation reads anew. */
  hasChanged(): void {
    this.cache.forget()
    this.#since = Date.now()
  }

  /** Something went into it that no cache knows: the whole answer may not be kept. */
  spoil(): void {
    this.madeOf = null
    this.ingredients.spoil()
  }

  /** Milliseconds. */
  get timeLeft(): number {
    return this.#deadline - performance.now()
  }

  /** How long it may wait, in milliseconds: less than nothing when it may not. */
  get timeToWait(): number {
    return this.timeLeft - ANSWER_RESERVE_MS
  }

  /** An event of a subscription begins: an operation of its own, with its own time. */
  beginEvent(): void {
    this.hasChanged()
    const { eventTimeoutMs } = this.options
    if (eventTimeoutMs !== undefined) this.#deadline = performance.now() + eventTimeoutMs
  }

  /** The same operation, with its time and its end, for the caller that a new token belongs to. */
  optionsFor(token: Secret): ContextOptions {
    return { ...this.options, caller: this.services.callers(token.reveal()), deadline: this.#deadline }
  }

  /**
   * Every call tells whether the caller's token still works. Once Privicore does not let the caller in, nothing of his is served
   * from memory either. @param cached the cache has asked, and sees to that itself
   */
  async see<T>(answer: Promise<T>, { auth }: AnyEndpoint, cached = false): Promise<T> {
    const { caller } = this
    if (auth !== 'token' || caller === null) return answer
    const { following, cache } = this.services
    try {
      const value = await answer
      following.sessions.works(caller.digest)
      return value
    } catch (error) {
      if (hasCode(error, 'UNAUTHENTICATED') && error.status === 401) following.sessions.ended(caller.digest)
      if (!cached && isRefusal(error)) await cache?.refused(caller.digest)
      throw error
    }
  }
}
