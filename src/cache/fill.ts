// How a value is got that this process does not have: from the shared tier, from an instance that is asking already, or from
// Privicore. Knows whose turn it is; not who waits here.
import { randomUUID } from 'node:crypto'
import { pause } from '../privicore/pause.ts'
import { errorOf, wordOf } from './failure.ts'
import type { SharedTier } from './fleet-tier.ts'
import { bounded, freshness, timesOf } from './freshness.ts'
import type { Remembered } from './policy.ts'
import { type Kept, LEASE_MS, type Place } from './store.ts'

/** A turn is renewed well before it would end. */
const RENEW_MS = LEASE_MS / 3
/** Between two looks at what another instance is fetching: its call takes tens of milliseconds. */
const LOOK_AGAIN_MS = { first: 8, most: 50 }

export interface Errand<T> {
  /** Catalogue id. */
  readonly id: string
  readonly policy: Remembered
  readonly place: Place
  /** What was asked for then or before does not count: the operation has changed something since. */
  readonly since: number
  /** Whether a stale value will do. */
  readonly acceptsStale: () => boolean
  readonly ask: (signal: AbortSignal) => Promise<T>
}

export interface Filled<T> {
  readonly kept: Kept<T>
  readonly from: 'shared' | 'privicore'
  /** That it belongs to in the shared tier; null where it is not kept there. */
  readonly generation: string | null
  /** The area is changing: the value counts briefly. */
  readonly changing: boolean
}

export interface FillOptions<T> {
  readonly shared: SharedTier | null
  readonly clock: () => number
  /** The longest that this instance waits for another one's call before it makes its own. */
  readonly waitMs: number
  /** Whether a command is open, as far as this instance knows. */
  readonly isChangingHere: () => boolean
  /** Told of a stale value that was passed by: it may stand in if the call fails. */
  readonly onStale: (kept: Kept<T>) => void
}

/** @throws PrivicoreError */
export async function fill<T>(errand: Errand<T>, options: FillOptions<T>, signal: AbortSignal): Promise<Filled<T>> {
  const { id, policy, place, since } = errand
  const { shared, clock, isChangingHere } = options
  const lease = randomUUID()
  const giveUpAt = clock() + options.waitMs
  let generation: string | null = null
  let changing = false
  let waitedFor: string | null = null
  let wait = LOOK_AGAIN_MS.first

  while (shared !== null) {
    const glimpse = await shared.look(place)
    if (glimpse === null) break
    if (glimpse.kept !== null && glimpse.kept.at > since) {
      const kept = bounded(glimpse.kept, policy, clock()) as Kept<T>
      const how = freshness(kept, clock(), false)
      if (how === 'fresh' || (how === 'stale' && errand.acceptsStale())) {
        return { kept, from: 'shared', generation: glimpse.generation, changing: glimpse.changing }
      }
      if (how === 'stale') options.onStale(kept)
    }
    const claim = await shared.claim(place, lease, glimpse.seen, waitedFor)
    if (claim === null) break
    if (claim.turn === 'failed') throw errorOf(claim.reason, id)
    if (claim.turn === 'ours') {
      generation = claim.generation
      changing = claim.changing
      break
    }
    if (clock() >= giveUpAt) break
    if (claim.turn === 'filled') continue
    waitedFor = claim.lease
    await pause(wait * (0.75 + Math.random() / 2), signal)
    wait = Math.min(wait * 2, LOOK_AGAIN_MS.most)
  }

  const renewal =
    generation === null || shared === null ? undefined : setInterval(() => shared.renew(place, lease), RENEW_MS).unref()
  const at = clock()
  try {
    const value = await errand.ask(signal)
    changing ||= isChangingHere()
    const kept = { value, ...timesOf(policy, at, changing) }
    if (generation !== null) shared?.keep(place, generation, kept, lease)
    return { kept, from: 'privicore', generation, changing }
  } catch (error) {
    if (generation !== null) shared?.release(place, lease, wordOf(error))
    throw error
  } finally {
    clearInterval(renewal)
  }
}
