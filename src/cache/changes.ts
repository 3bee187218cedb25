// What commands mean to what is remembered: from the send to the outcome, in every tier and on every instance. Knows no value.
import { randomUUID } from 'node:crypto'
import type { Bus } from './bus.ts'
import type { SharedTier } from './fleet-tier.ts'
import { SETTLING_MS } from './freshness.ts'
import type { MemoryStore } from './memory.ts'
import { mostRecent } from './most-recent.ts'
import { AREAS, forgottenBy } from './policy.ts'
import type { Change } from './store.ts'

const CHANNEL = 'cache'
/** An outcome reaches an instance in several ways; each is applied once. */
const MAX_SETTLED = 20_000

/** A command that is on its way. */
export interface Sending {
  /** Privicore has accepted it under this id. */
  accepted(commandId: string): void
  /** Privicore has refused it, or never got it, or carried it out at once. */
  over(): void
}

/** What `settled` needs of a command's record. */
export interface SettledCommand {
  readonly commandId: string
  readonly operation: string | null
  readonly owner: string | null
  readonly status: 'PENDING' | 'SUCCEEDED' | 'REJECTED'
}

export interface ChangesOptions {
  readonly memory: MemoryStore
  readonly shared: SharedTier | null
  /** null where there is no other instance. */
  readonly bus: Bus | null
  /** How long a command is followed; after that its areas no longer count as changing. */
  readonly watchMaxMs: number
  readonly clock: () => number
  /** All of a caller's areas were forgotten. */
  readonly onForgotten: (caller: string) => void
}

export class Changes {
  readonly #options: ChangesOptions
  readonly #self = randomUUID()
  readonly #settled = mostRecent<Promise<void>>(MAX_SETTLED)
  readonly #stops: (() => void)[] = []
  #closed = false

  constructor(options: ChangesOptions) {
    this.#options = options
    const { bus, memory } = options
    if (bus === null) return
    // What the others forgot meanwhile was not heard.
    this.#stops.push(bus.onReconnect(() => memory.clear()))
    void bus
      .subscribe(CHANNEL, (message) => this.#hear(message))
      .then((stop) => (this.#closed ? stop() : this.#stops.push(stop)))
  }

  /**
   * Before a command goes out: from now on its areas are not served older than this. Resolves when every tier has heard of it;
   * null where it changes nothing that is remembered.
   */
  async sending(caller: string | null, operation: string): Promise<Sending | null> {
    const areas = forgottenBy(operation)
    if (caller === null || areas.length === 0) return null
    const id = randomUUID()
    const until = this.#options.clock() + this.#options.watchMaxMs
    await this.#apply({ partition: caller, areas, forget: true, mark: { id, until } })
    return {
      accepted: (commandId) => {
        const mark = { id: markOf(commandId), until }
        void this.#apply({ partition: caller, areas, forget: false, unmark: id, mark })
      },
      over: () => void this.#apply({ partition: caller, areas, forget: false, unmark: id }),
    }
  }

  /** A command has its outcome. Resolves when what it changed is forgotten: nobody should hear of its success before. */
  settled({ commandId, operation, owner, status }: SettledCommand): Promise<void> {
    const areas = operation === null ? [] : forgottenBy(operation)
    if (owner === null || areas.length === 0 || status === 'PENDING') return Promise.resolve()
    const known = this.#settled.get(commandId)
    if (known !== undefined) return known
    const id = markOf(commandId)
    const succeeded = status === 'SUCCEEDED'
    const applied = this.#apply({
      partition: owner,
      areas,
      forget: succeeded,
      unmark: id,
      ...(succeeded && { mark: { id, until: this.#options.clock() + SETTLING_MS } }),
    })
    this.#settled.set(commandId, applied)
    return applied
  }

  /** Nothing of this caller is served any more. */
  forgetCaller(caller: string): Promise<void> {
    return this.#apply({ partition: caller, areas: AREAS, forget: true })
  }

  close(): void {
    this.#closed = true
    for (const stop of this.#stops) stop()
  }

  /** Here at once; then where all can see it; then to the memories of the others. */
  async #apply(change: Change): Promise<void> {
    this.#here(change)
    await this.#options.shared?.apply(change)
    await this.#options.bus?.publish(CHANNEL, { from: this.#self, change })
  }

  #hear(message: unknown): void {
    const { from, change } = (message ?? {}) as { from?: unknown; change?: unknown }
    if (from !== this.#self && isChange(change)) this.#here(change)
  }

  #here(change: Change): void {
    if (change.forget && change.areas.length === AREAS.length) this.#options.onForgotten(change.partition)
    this.#options.memory.apply(change)
  }
}

/** Ids are opaque, and may hold anything. */
function markOf(commandId: string): string {
  return encodeURIComponent(commandId.toWellFormed())
}

function isChange(value: unknown): value is Change {
  if (typeof value !== 'object' || value === null) return false
  const { partition, areas, forget, unmark, mark } = value as Record<string, unknown>
  const { id, until } = (mark ?? {}) as Record<string, unknown>
  return (
    typeof partition === 'string' &&
    typeof forget === 'boolean' &&
    Array.isArray(areas) &&
    areas.every((area) => (AREAS as readonly unknown[]).includes(area)) &&
    (unmark === undefined || typeof unmark === 'string') &&
    (mark === undefined || (typeof id === 'string' && typeof until === 'number'))
  )
}
