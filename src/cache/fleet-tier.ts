// The shared tier as seen by this instance: bounded in time, away when it fails, and told later what it missed. Knows no Redis.
import type { Logger } from 'pino'
import type { Recipe } from './ingredients.ts'
import { AREAS, type Area, LONGEST_MS } from './policy.ts'
import type { Change, Claim, Glimpse, Kept, Memo, MemoPlace, MemoStore, Place, SharedStore } from './store.ts'

/** The most that an operation loses to a store that does not answer; from then on nobody asks it, for a while. */
const LIMIT_MS = 100
const AWAY_MS = 250
/** Between two tries to tell the store what it missed. */
const DEBT_MS = 250
/**
 * After an outage every instance tells what the store missed, and only then does any of them believe what it holds: longer than
 * it takes the slowest to notice that the store is back.
 */
const SETTLING_MS = 1_000
/** Callers whose forgetting is owed. Beyond this the store is not believed until what it held then is too old to be served. */
const MAX_DEBTORS = 10_000

export interface SharedTierOptions {
  readonly store: SharedStore
  readonly log: Logger
  readonly clock?: () => number
}

interface Debt {
  readonly areas: Set<Area>
  /** By then nothing that should have been forgotten can be served any more. */
  readonly until: number
}

/** Every answer is null where the store is away, slow or broken: the caller goes on without it. */
export class SharedTier {
  readonly #store: SharedStore
  readonly #log: Logger
  readonly #clock: () => number
  readonly #debts = new Map<string, Debt>()
  #awayUntil = 0
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor({ store, log, clock = Date.now }: SharedTierOptions) {
    this.#store = store
    this.#log = log
    this.#clock = clock
  }

  /** Whether what the store holds of this caller may be served now. */
  believes(partition: string): boolean {
    return this.#clock() >= this.#awayUntil && !this.#debts.has(partition)
  }

  /** @param places of callers about whom the store is believed */
  recall(memos: MemoStore, places: readonly MemoPlace[]): Promise<readonly (Memo | null)[] | null> {
    return this.#try(null, () => memos.recall(places))
  }

  memorize(memos: MemoStore, place: MemoPlace, recipe: Recipe, body: Buffer): void {
    void this.#try(place, () => memos.keep(place, recipe, body))
  }

  look(place: Place): Promise<Glimpse | null> {
    return this.#try(place, () => this.#store.look(place))
  }

  claim(place: Place, lease: string, seen: string, waitedFor: string | null): Promise<Claim | null> {
    return this.#try(place, () => this.#store.claim(place, lease, seen, waitedFor))
  }

  /** Nobody waits for these: what is lost is fetched again. */
  keep(place: Place, generation: string, kept: Kept, lease: string): void {
    void this.#try(place, () => this.#store.keep(place, generation, kept, lease))
  }

  renew(place: Place, lease: string): void {
    void this.#try(place, () => this.#store.renew(place, lease))
  }

  release(place: Place, lease: string, failure: string | null): void {
    void this.#try(place, () => this.#store.release(place, lease, failure))
  }

  /** Resolves when the store has taken it, or is known to owe it: then it is not believed about that caller. */
  async apply(change: Change): Promise<void> {
    const done = await this.#try(null, async () => {
      await this.#store.apply(change)
      return true
    })
    if (done !== true && change.forget) this.#owe(change.partition, change.areas)
  }

  /** The store was away, and is back: first it is told what it missed. */
  returned(): void {
    this.#awayUntil = this.#clock() + SETTLING_MS
    void this.#pay()
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#timer)
  }

  async #try<T>(place: Pick<Place, 'partition'> | null, work: () => Promise<T> | T): Promise<T | null> {
    if (place !== null && !this.believes(place.partition)) return null
    try {
      return await within(LIMIT_MS, work())
    } catch (error) {
      this.#failed(error)
      return null
    }
  }

  #failed(error: unknown): void {
    // Whoever the store is made of knows its outages and logs them; one refused write (memory is full) is no outage.
    if ((error as Error).name === 'ReplyError') this.#log.debug({ err: error }, 'the shared cache refused')
    else this.#awayUntil = Math.max(this.#awayUntil, this.#clock() + AWAY_MS)
  }

  #owe(partition: string, areas: readonly Area[]): void {
    const until = this.#clock() + LONGEST_MS
    const owed = this.#debts.get(partition)
    if (owed === undefined && this.#debts.size >= MAX_DEBTORS) {
      this.#awayUntil = until
      return
    }
    this.#debts.set(partition, { areas: new Set([...(owed?.areas ?? []), ...areas]), until })
    this.#schedule()
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.#closed) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      void this.#pay()
    }, DEBT_MS).unref()
  }

  async #pay(): Promise<void> {
    for (const [partition, debt] of this.#debts) {
      if (this.#closed) return
      const areas = AREAS.filter((area) => debt.areas.has(area))
      try {
        if (debt.until > this.#clock()) {
          await within(LIMIT_MS, this.#store.apply({ partition, areas, forget: true }))
        }
        // More may have been owed meanwhile.
        if (this.#debts.get(partition) === debt) this.#debts.delete(partition)
      } catch (error) {
        this.#failed(error)
        break
      }
    }
    if (this.#debts.size > 0) this.#schedule()
  }
}

/** @throws when it takes longer */
async function within<T>(ms: number, work: Promise<T> | T): Promise<T> {
  if (!(work instanceof Promise)) return work
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
