// Whole answers that the instances of a fleet share, each for exactly as long as every read it was made of would be served from
// their store. Knows who asked what, and how many ask at once; neither GraphQL nor HTTP, nor Redis.
import { LRUCache } from 'lru-cache'
import type { SharedTier } from './fleet-tier.ts'
import type { Times } from './freshness.ts'
import type { Recipe } from './ingredients.ts'
import type { Area } from './policy.ts'
import type { Memo, MemoPlace, MemoStore } from './store.ts'

/** Requests, whoever sends them, of which it is known what their answers are made of: a few hundred bytes each. */
const MAX_REQUESTS = 10_000
/** What is larger is made of its reads again: to copy it to and fro costs as much. */
const MOST_BYTES = 256 * 1024

interface Known {
  readonly name: string | undefined
  /** All that any caller's answer was made of. */
  readonly areas: readonly Area[]
}

/** Called once: with the bytes and the operation's name for the log, or with null. */
export type Told = (body: Buffer | null, name: string | undefined) => void

interface Look {
  readonly place: MemoPlace
  readonly told: (memo: Memo | null) => void
}

export interface MemosOptions {
  readonly store: MemoStore
  /** Says when the store is not to be believed. */
  readonly tier: SharedTier
  readonly isFresh: (times: Times) => boolean
}

export class Memos {
  readonly #store: MemoStore
  readonly #tier: SharedTier
  readonly #isFresh: (times: Times) => boolean
  readonly #known = new LRUCache<string, Known>({ max: MAX_REQUESTS })
  #looks: Look[] = []

  constructor({ store, tier, isFresh }: MemosOptions) {
    this.#store = store
    this.#tier = tier
    this.#isFresh = isFresh
  }

  /**
   * Looks for the answer to a request that has been answered here before, to whomever.
   * @param request to the byte
   * @returns false where there is nothing to look for: then `told` is not called
   */
  look(caller: string, request: string, told: Told): boolean {
    const name = this.#store.nameOf(request)
    const known = this.#known.get(name)
    if (known === undefined || !this.#tier.believes(caller)) return false
    const place = { partition: caller, request: name, areas: known.areas }
    // All that came in one turn of the event loop ask together: a command costs more than what it asks for.
    if (this.#looks.length === 0) setImmediate(() => void this.#ask())
    this.#looks.push({
      place,
      told: (memo) => told(memo !== null && this.#isFresh(timesOf(memo)) ? memo.body : null, known.name),
    })
    return true
  }

  /** Nobody waits for it: what is lost is made again. */
  keep(caller: string, request: string, name: string | undefined, recipe: Recipe, body: Buffer): void {
    if (body.length > MOST_BYTES) return
    const digest = this.#store.nameOf(request)
    const areas = [...new Set([...(this.#known.get(digest)?.areas ?? []), ...recipe.generations.keys()])]
    this.#known.set(digest, { name, areas })
    this.#tier.memorize(this.#store, { partition: caller, request: digest, areas }, recipe, body)
  }

  async #ask(): Promise<void> {
    const looks = this.#looks
    this.#looks = []
    const places = looks.map(({ place }) => place)
    const memos = await this.#tier.recall(this.#store, places)
    for (const [index, { told }] of looks.entries()) told(memos?.[index] ?? null)
  }
}

function timesOf({ at, freshUntil }: Memo): Times {
  return { at, freshUntil, staleUntil: freshUntil }
}
