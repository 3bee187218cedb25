// What is remembered between operations, each caller's apart from every other's. Knows the tiers and how fresh a value is; not
// what is read.
import type { Bus } from './bus.ts'
import { Changes, type Sending, type SettledCommand } from './changes.ts'
import { isOutage, isRefusal } from './failure.ts'
import { type Filled, fill } from './fill.ts'
import type { SharedTier } from './fleet-tier.ts'
import { Flight } from './flight.ts'
import { freshness, timesOf } from './freshness.ts'
import type { AreaState, Entry, MemoryStore } from './memory.ts'
import { mostRecent } from './most-recent.ts'
import type { Area, Remembered } from './policy.ts'
import type { Kept, Place } from './store.ts'

/** Where an answer came from. STALE: it is being asked for anew, or Privicore is down. */
export type Verdict = 'HIT' | 'STALE' | 'MISS'

export interface Question<T> {
  /** Catalogue id. */
  readonly id: string
  readonly policy: Remembered
  /** Digest of the caller's token. */
  readonly caller: string
  /** The id, and the arguments as a JSON array where there are any. */
  readonly field: string
  /** What was asked for then or before does not count; 0 where anything does. */
  readonly since: number
  /** Whoever asks has left. The call goes on while others wait for it. */
  readonly signal: AbortSignal
  readonly ask: (signal: AbortSignal) => Promise<T>
  readonly note: ((id: string, verdict: Verdict, ageMs: number) => void) | null
}

/** memory, shared: fresh, from that tier. outage: stale, because Privicore did not answer. */
export type Source = 'memory' | 'shared' | 'stale' | 'outage' | 'miss'

export interface CallerCacheOptions {
  readonly memory: MemoryStore
  readonly shared: SharedTier | null
  /** null where there is no other instance. */
  readonly bus: Bus | null
  /** Whether other instances cannot be heard at the moment. */
  readonly isAlone: () => boolean
  /** How long a command is followed; after that its areas no longer count as changing. */
  readonly watchMaxMs: number
  /** Longest wait for another instance's call. */
  readonly waitMs: number
  readonly count?: (area: Area, source: Source) => void
  readonly clock?: () => number
}

interface Airborne {
  readonly flight: Flight<Filled<unknown>>
  readonly since: number
  readonly generation: number
  fallback: Kept | null
}

/** The partition of answers that are nobody's own. No digest of a token is this short. */
const PUBLIC = 'public'
/** A caller whom Privicore has let in no longer ago may be served what is stale, or public, without asking. */
const LET_IN_MS = 60_000
const MAX_CALLERS = 50_000
/** After a refresh has failed: the stale value is served on, and Privicore is left alone for a moment. */
const REFRESH_PAUSE_MS = 1_000

export class CallerCache {
  readonly #options: CallerCacheOptions
  readonly #memory: MemoryStore
  readonly #clock: () => number
  readonly #count: (area: Area, source: Source) => void
  readonly #changes: Changes
  readonly #flights = new Map<string, Airborne>()
  readonly #letIn = mostRecent<number>(MAX_CALLERS)

  constructor(options: CallerCacheOptions) {
    this.#options = options
    this.#memory = options.memory
    this.#clock = options.clock ?? Date.now
    this.#count = options.count ?? (() => undefined)
    this.#changes = new Changes({
      ...options,
      clock: this.#clock,
      onForgotten: (caller) => void this.#letIn.delete(caller),
    })
  }

  /** A fresh value in this process, without waiting for anything. */
  peek<T>(question: Question<T>): Entry<T> | undefined {
    const { policy, since } = question
    if (policy.kind === 'public' && !this.#isLetIn(question.caller)) return undefined
    const entry = this.#memory.get(partitionOf(question), question.field) as Entry<T> | undefined
    if (entry === undefined || entry.at <= since) return undefined
    const now = this.#clock()
    if (freshness(entry, now, this.#options.isAlone()) !== 'fresh') return undefined
    this.#count(policy.area, 'memory')
    question.note?.(question.id, 'HIT', now - entry.at)
    return entry
  }

  /** Whether each of these would still be served as it is: nothing forgotten, nothing out of date. */
  serves(entries: readonly Pick<Entry, 'state' | 'generation' | 'at' | 'freshUntil' | 'staleUntil'>[]): boolean {
    const now = this.#clock()
    const alone = this.#options.isAlone()
    for (const entry of entries) {
      if (entry.generation !== entry.state.generation || freshness(entry, now, alone) !== 'fresh') return false
    }
    return true
  }

  /** @throws PrivicoreError, or the reason of the signal */
  read<T>(question: Question<T>): Promise<T> {
    const fresh = this.peek(question)
    return fresh === undefined ? this.#load(question) : fresh.promise
  }

  /** Before a command goes out; see Changes. */
  sending(caller: string | null, operation: string): Promise<Sending | null> {
    return this.#changes.sending(caller, operation)
  }

  /** A command has its outcome. Resolves when what it changed is forgotten: nobody should hear of its success before. */
  settled(command: SettledCommand): Promise<void> {
    return this.#changes.settled(command)
  }

  /** Privicore does not let the caller in: nothing of his is served any more. */
  async refused(caller: string): Promise<void> {
    await this.#changes.forgetCaller(caller)
  }

  /** The shared store was away and is back: what others forgot meanwhile was not heard here, nor the other way round. */
  sharedReturned(): void {
    this.#memory.clear()
    this.#options.shared?.returned()
  }

  close(): void {
    this.#changes.close()
    this.#options.shared?.close()
  }

  async #load<T>(question: Question<T>): Promise<T> {
    const { policy, since, caller } = question
    const place: Place = { partition: partitionOf(question), area: policy.area, field: question.field }
    const state = this.#memory.state(place.partition, place.area)
    const entry = this.#memory.get(place.partition, place.field) as Entry<T> | undefined
    const stale = entry !== undefined && entry.at > since && this.#freshness(entry) === 'stale' ? entry : null
    if (policy.kind === 'public') return this.#askAlone(question, place, state, stale)
    if (stale !== null && this.#isLetIn(caller)) {
      if (this.#clock() >= stale.refreshAfter) this.#refresh(question, place, state, stale)
      return this.#serve(question, 'stale', stale)
    }
    const airborne = this.#fly(question, place, state, stale, false)
    try {
      const { kept, from } = (await airborne.flight.join(question.signal)) as Filled<T>
      if (from === 'privicore') return this.#serve(question, 'miss', kept)
      const isFresh = this.#freshness(kept) === 'fresh'
      if (!isFresh) this.#refresh(question, place, state, kept)
      return this.#serve(question, isFresh ? 'shared' : 'stale', kept)
    } catch (error) {
      const { fallback, generation } = airborne
      if (!isOutage(error) || fallback === null || fallback.at <= since || state.generation !== generation) throw error
      if (this.#freshness(fallback) === 'old') throw error
      return this.#serve(question, 'outage', fallback as Kept<T>)
    }
  }

  /**
   * What is nobody's own is asked for with somebody's token all the same: each caller asks for himself, so that nobody hears
   * of another's refusal.
   */
  async #askAlone<T>(question: Question<T>, place: Place, state: AreaState, stale: Kept<T> | null): Promise<T> {
    const { caller, policy } = question
    const { generation } = state
    const at = this.#clock()
    try {
      const value = await question.ask(question.signal)
      const kept = { value, ...timesOf(policy, at, false) }
      this.#letIn.set(caller, this.#clock())
      this.#memory.put(place, state, generation, kept)
      return this.#serve(question, 'miss', kept)
    } catch (error) {
      if (isRefusal(error)) await this.refused(caller)
      if (!isOutage(error) || stale === null || !this.#isLetIn(caller)) throw error
      return this.#serve(question, 'outage', stale)
    }
  }

  #serve<T>({ id, policy, note }: Question<T>, source: Source, kept: Kept<T>): T {
    this.#count(policy.area, source)
    const verdict = source === 'miss' ? 'MISS' : source === 'shared' ? 'HIT' : 'STALE'
    note?.(id, verdict, Math.max(0, this.#clock() - kept.at))
    return kept.value
  }

  /** Asks anew behind the back of whoever was served what is stale. */
  #refresh<T>(question: Question<T>, place: Place, state: AreaState, stale: Kept<T>): void {
    if (this.#flights.has(keyOf(place))) return
    this.#fly(question, place, state, stale, true)
      .flight.join()
      .catch(() => {
        // What the failure means has been seen to; what was stale still is.
        const entry = this.#memory.get(place.partition, place.field)
        if (entry !== undefined) entry.refreshAfter = this.#clock() + REFRESH_PAUSE_MS
      })
  }

  /** The call that is under way for this question, or a new one. @param anew it has been answered with what is stale */
  #fly<T>(question: Question<T>, place: Place, state: AreaState, stale: Kept<T> | null, anew: boolean): Airborne {
    const key = keyOf(place)
    const { generation } = state
    const known = this.#flights.get(key)
    if (
      known !== undefined &&
      !known.flight.cancelled &&
      known.generation === generation &&
      known.since >= question.since
    ) {
      return known
    }
    const { caller, since, id, policy, ask } = question
    const { shared, waitMs } = this.#options
    const errand = { id, policy, place, since, ask, acceptsStale: () => !anew && this.#isLetIn(caller) }
    const options = {
      shared,
      waitMs,
      clock: this.#clock,
      isChangingHere: () => this.#memory.isChanging(state),
      onStale: (passed: Kept) => {
        if (airborne.fallback === null || airborne.fallback.at < passed.at) airborne.fallback = passed
      },
    }
    const flight = new Flight<Filled<unknown>>(
      async (signal) => {
        try {
          const filled = await fill(errand, options, signal)
          if (filled.from === 'privicore') this.#letIn.set(caller, this.#clock())
          this.#keepHere(place, state, generation, filled)
          return filled
        } catch (error) {
          if (isRefusal(error)) await this.refused(caller)
          throw error
        }
      },
      () => {
        if (this.#flights.get(key) === airborne) this.#flights.delete(key)
      },
    )
    const airborne: Airborne = { flight, since, generation, fallback: stale }
    this.#flights.set(key, airborne)
    return airborne
  }

  #keepHere<T>(place: Place, state: AreaState, generation: number, { kept, changing }: Filled<T>): void {
    // Where a command is open, its outcome may be told by another instance first, and a client may come here with it sooner than
    // the bus does: then only the tier that all share is asked.
    if (changing && this.#options.shared !== null && !this.#options.isAlone()) return
    this.#memory.put(place, state, generation, kept)
  }

  #freshness(kept: Kept) {
    return freshness(kept, this.#clock(), this.#options.isAlone())
  }

  #isLetIn(caller: string): boolean {
    const at = this.#letIn.get(caller)
    return at !== undefined && this.#clock() - at < LET_IN_MS
  }
}

function partitionOf({ policy, caller }: Question<unknown>): string {
  return policy.kind === 'public' ? PUBLIC : caller
}

function keyOf({ partition, field }: Place): string {
  return `${partition} ${field}`
}
