// Whole answers that the instances of a fleet share, each for exactly as long as every read it was made of would be served from
// their store. Knows who asked what, and how many ask at once; neither GraphQL nor HTTP, nor Redis.
import { LRUCache } from 'lru-cache'
import type { Logger } from 'pino'
import type { SharedTier } from './fleet-tier.ts'
import type { Times } from './freshness.ts'
import type { Recipe } from './ingredients.ts'
import type { Memo, MemoPlace, MemoStore } from './store.ts'

/** Requests that have been answered here, whoever sent them; some hundred bytes each. */
const MAX_REQUESTS = 10_000
/** What is larger is made of its reads again: to copy it to and fro costs as much. */
const MOST_BYTES = 256 * 1024

/** A request that has been answered here out of nothing but remembered reads: only such a one is looked for. */
interface Known {
  /** Of the operation, for the log. */
  readonly name: string | undefined
}

/** An answer as it was given before. */
export interface Recalled extends Known {
  readonly body: Buffer
}

interface Look {
  readonly place: MemoPlace
  readonly told: (memo: Memo | null) => void
}

export interface MemosOptions {
  readonly store: MemoStore
  /** Says when the store is not to be believed. */
  readonly tier: SharedTier
  readonly isFresh: (times: Times) => boolean
  readonly log: Logger
}

export class Memos {
  readonly #store: MemoStore
  readonly #tier: SharedTier
  readonly #isFresh: (times: Times) => boolean
  readonly #log: Logger
  readonly #known = new LRUCache<string, Known>({ max: MAX_REQUESTS })
  #looks: Look[] = []

  constructor({ store, tier, isFresh, log }: MemosOptions) {
    this.#store = store
    this.#tier = tier
    this.#isFresh = isFresh
    this.#log = log
  }

  /**
   * @param request to the byte
   * @param told called once, later; null: it has to be made anew
   * @returns false where there is nothing to look for: then `told` is not called
   */
  look(caller: string, request: string, told: (answer: Recalled | null) => void): boolean {
    const digest = this.#store.nameOf(request)
    const known = this.#known.get(digest)
    if (known === undefined || !this.#tier.believes(caller)) return false
    // All that come in one turn of the event loop ask together: a command costs more than what it asks for.
    if (this.#looks.length === 0) setImmediate(() => this.#ask())
    this.#looks.push({
      place: { partition: caller, request: digest },
      told: (memo) => {
        const fresh = memo !== null && this.#isFresh({ ...memo, staleUntil: memo.freshUntil })
        told(fresh ? { body: memo.body, name: known.name } : null)
      },
    })
    return true
  }

  /** Nobody waits for it: what is lost is made again. */
  keep(caller: string, request: string, { body, name }: Recalled, recipe: Recipe): void {
    if (body.length > MOST_BYTES) return
    const digest = this.#store.nameOf(request)
    this.#known.set(digest, { name })
    this.#tier.memorize(this.#store, { partition: caller, request: digest }, recipe, body)
  }

  #ask(): void {
    const looks = this.#looks
    this.#looks = []
    const most = this.#store.mostAtOnce
    for (let from = 0; from < looks.length; from += most) void this.#askFor(looks.slice(from, from + most))
  }

  async #askFor(looks: readonly Look[]): Promise<void> {
    const places = looks.map(({ place }) => place)
    const memos = await this.#tier.recall(this.#store, places)
    for (const [index, look] of looks.entries()) this.#tell(look, memos?.[index] ?? null)
  }

  /** One request's bug must not keep the others from their answers, nor end the process. */
  #tell({ told }: Look, memo: Memo | null): void {
    try {
      told(memo)
    } catch (error) {
      this.#log.error({ err: error }, 'an answer that was looked for could not be given')
    }
  }
}
