// Links on the gateway for one transfer each: whom they let in, what they stand for, and that they work once. Opens no stream.
import { createHash, randomBytes } from 'node:crypto'
import type { LRUCache } from 'lru-cache'
import { Secret } from '../privicore/secret.ts'
import type { Direction } from '../privicore/stream.ts'
import { mostRecent } from './most-recent.ts'
import { KEY_PREFIX, RedisAway, type RedisConnection } from './redis.ts'
import type { Seal } from './seal.ts'

/** Long enough to start a transfer; a transfer that has started may take as long as it needs. */
export const TICKET_MS = 300_000
const TICKET_BYTES = 32
/** Bounds the memory of an instance: about a kilobyte each. The oldest go first. */
const MOST_TICKETS = 50_000

/** What a ticket stands for. */
export interface Errand {
  readonly direction: Direction
  /** A link of Privicore with its credential. */
  readonly link: Secret
  /** What the file is to be called; null where nobody knows. */
  readonly fileName: string | null
}

/** A ticket that was taken: nobody else has it. */
export interface Claimed {
  readonly errand: Errand
  /** Puts it back for its remaining time, because nothing was done with it. @returns whether it works again */
  readonly giveBack: () => Promise<boolean>
}

export interface TicketsOptions {
  readonly seal: Seal
  /** Where other instances can read; null where there are none. */
  readonly redis: RedisConnection | null
  readonly clock?: () => number
}

/** Nobody knows whether the ticket is used up by now: the store did not answer. */
export class TicketUnknown extends Error {
  /** The store was not asked, so nothing has changed. */
  readonly untouched: boolean

  constructor(cause: RedisAway) {
    super('the store of tickets did not answer', { cause })
    this.name = 'TicketUnknown'
    this.untouched = cause.cause === undefined
  }
}

/**
 * Tickets are kept under the digest of ticket, caller and direction together: with another caller or for the other direction
 * there is simply nothing there, and no comparison that could tell by its time. What they stand for is sealed under a key that
 * needs the ticket itself.
 */
export class Tickets {
  readonly #seal: Seal
  readonly #redis: RedisConnection | null
  readonly #clock: () => number
  readonly #here: LRUCache<string, { readonly sealed: Buffer; readonly until: number }>
  /** Until when a ticket for something may live, by its name: milliseconds since 1970. */
  readonly #limits: LRUCache<string, number>

  constructor({ seal, redis, clock = () => Date.now() }: TicketsOptions) {
    this.#seal = seal
    this.#redis = redis
    this.#clock = clock
    this.#here = mostRecent(MOST_TICKETS, { ttl: TICKET_MS })
    this.#limits = mostRecent(MOST_TICKETS, { ttl: MOST_LIMIT_MS })
  }

  /**
   * @param caller digest of the token that must come with the ticket
   * @param notAfter milliseconds since 1970
   * @returns null where its time is over already
   */
  async mint(caller: string, errand: Errand, notAfter = Number.POSITIVE_INFINITY): Promise<Secret | null> {
    const until = Math.min(this.#clock() + TICKET_MS, notAfter)
    if (until <= this.#clock()) return null
    const text = JSON.stringify([until, errand.link.reveal(), errand.fileName])
    const make = () => {
      const ticket = randomBytes(TICKET_BYTES).toString('base64url')
      const key = keyOf(ticket, caller, errand.direction)
      return { ticket, key, sealed: this.#seal.close(text, scopeOf(ticket), key) }
    }
    const shared = make()
    if ((await this.#putInRedis(shared.key, shared.sealed, until)) === 'kept') return new Secret(shared.ticket)
    // Redis is away, full or slow: the link works on this instance, which is better than none. It is another one, since a slow
    // Redis may yet keep the first: that was told to nobody, and this one works here alone, once.
    const own = make()
    this.#putHere(own.key, own.sealed, until)
    return new Secret(own.ticket)
  }

  /** Takes the ticket: of all who try at once, one gets it. null for an unknown, used, expired, or somebody else's. @throws TicketUnknown */
  async claim(ticket: string, caller: string, direction: Direction): Promise<Claimed | null> {
    const key = keyOf(ticket, caller, direction)
    const here = this.#here.get(key)
    this.#here.delete(key)
    const sealed = here?.sealed ?? (await this.#ask((redis) => redis.use((client) => client.getdelBuffer(key))))
    const opened = this.#open(sealed, ticket, key, direction)
    if (sealed === null || opened === null) return null
    return {
      errand: opened.errand,
      giveBack: async () => {
        if (opened.until <= this.#clock()) return false
        if (here === undefined) {
          const put = await this.#putInRedis(key, sealed, opened.until)
          // Where Redis may yet keep it, it must not be kept here, too: it would work twice.
          if (put !== 'not kept') return put === 'kept'
        }
        this.#putHere(key, sealed, opened.until)
        return true
      },
    }
  }

  /** What a ticket stands for, leaving it as it is. @throws TicketUnknown */
  async look(ticket: string, caller: string, direction: Direction): Promise<Errand | null> {
    const key = keyOf(ticket, caller, direction)
    const sealed =
      this.#here.get(key)?.sealed ?? (await this.#ask((redis) => redis.use((client) => client.getBuffer(key))))
    return this.#open(sealed, ticket, key, direction)?.errand ?? null
  }

  /** Remembers until when tickets for something may live. @param name of it, with its caller in it; @param until ms since 1970 */
  async limit(name: string, until: number): Promise<void> {
    this.#limits.set(name, until)
    const left = Math.min(until - this.#clock(), MOST_LIMIT_MS)
    if (this.#redis === null || left < 1) return
    try {
      await this.#redis.use((client) => client.set(limitKey(name), String(until), 'PX', Math.ceil(left)))
    } catch {
      // Redis is away or full: this instance knows it, and for the others a ticket's own time is the limit.
    }
  }

  /** Milliseconds since 1970; infinity where nothing is known. */
  async limitOf(name: string): Promise<number> {
    const here = this.#limits.get(name)
    if (here !== undefined || this.#redis === null) return here ?? Number.POSITIVE_INFINITY
    try {
      const until = await this.#redis.use((client) => client.get(limitKey(name)))
      return until === null ? Number.POSITIVE_INFINITY : Number(until)
    } catch {
      // Redis is away: a ticket's own time is the limit.
      return Number.POSITIVE_INFINITY
    }
  }

  /** `unknown`: it was sent, and nobody knows whether it is carried out. */
  async #putInRedis(key: string, sealed: Buffer, until: number): Promise<'kept' | 'not kept' | 'unknown'> {
    if (this.#redis === null) return 'not kept'
    try {
      await this.#redis.use((client) => client.set(key, sealed, 'PX', this.#left(until)))
      return 'kept'
    } catch (error) {
      // What is not silence is Redis' own refusal: it is full.
      return error instanceof RedisAway && error.cause !== undefined ? 'unknown' : 'not kept'
    }
  }

  #putHere(key: string, sealed: Buffer, until: number): void {
    this.#here.set(key, { sealed, until }, { ttl: this.#left(until) })
  }

  #left(until: number): number {
    return Math.max(1, Math.ceil(until - this.#clock()))
  }

  async #ask(question: (redis: RedisConnection) => Promise<Buffer | null>): Promise<Buffer | null> {
    if (this.#redis === null) return null
    try {
      return await question(this.#redis)
    } catch (error) {
      if (error instanceof RedisAway) throw new TicketUnknown(error)
      throw error
    }
  }

  #open(sealed: Buffer | null, ticket: string, key: string, direction: Direction) {
    const text = sealed && this.#seal.open(sealed, scopeOf(ticket), key)
    if (!text) return null
    const [until, link, fileName] = JSON.parse(text) as [number, string, string | null]
    // Clocks of instances differ less than Redis' own expiry does, but a memory's timer can be late.
    if (until <= this.#clock()) return null
    return { until, errand: { direction, link: new Secret(link), fileName } satisfies Errand }
  }
}

/** Reservations last for minutes; none is known to last for a day. */
const MOST_LIMIT_MS = 86_400_000

function keyOf(ticket: string, caller: string, direction: Direction): string {
  const digest = createHash('sha256')
    .update(JSON.stringify([ticket, caller, direction]))
    .digest('base64url')
  return `${KEY_PREFIX}ticket:${digest}`
}

const scopeOf = (ticket: string) => `ticket ${ticket}`
const limitKey = (name: string) => `${KEY_PREFIX}ticket-limit:${createHash('sha256').update(name).digest('base64url')}`
