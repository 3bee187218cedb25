// How long a value counts. Knows time and policies; no store, no caller.
import type { Remembered } from './policy.ts'
import type { Kept } from './store.ts'

/** While a command changes an area, and a moment after: what is read may be the old truth or the new one, so it counts briefly. */
const CHANGING_FRESH_MS = 1_000
/** Follow-ups are eventually consistent: privicore.md §1.1 knows of five seconds. */
export const SETTLING_MS = 5_000
/** While other instances cannot say what they forget: an instance trusts its own memory this long. */
const ALONE_FRESH_MS = 2_000
const ALONE_STALE_MS = 10_000
/** Values that were fetched together must not all be missed together. The promise of the policy is the most, not the mean. */
const LEAST_SHARE = 0.85

export interface Times {
  readonly at: number
  readonly freshUntil: number
  readonly staleUntil: number
}

/** @param at when Privicore was asked */
export function timesOf(policy: Remembered, at: number, changing: boolean, random: () => number = Math.random): Times {
  const share = LEAST_SHARE + (1 - LEAST_SHARE) * random()
  if (changing) {
    const until = at + Math.min(CHANGING_FRESH_MS, policy.freshMs) * share
    return { at, freshUntil: until, staleUntil: until }
  }
  const freshUntil = at + policy.freshMs * share
  return { at, freshUntil, staleUntil: freshUntil + policy.staleMs * share }
}

/** What another instance wrote, by another clock: never longer than the policy says from now. */
export function bounded(kept: Kept, policy: Remembered, now: number): Kept {
  const freshUntil = Math.min(kept.freshUntil, now + policy.freshMs)
  return { ...kept, freshUntil, staleUntil: Math.min(kept.staleUntil, freshUntil + policy.staleMs) }
}

export type Freshness = 'fresh' | 'stale' | 'old'

/** @param alone whether this instance cannot hear the others */
export function freshness(times: Times, now: number, alone: boolean): Freshness {
  if (alone) {
    if (now < Math.min(times.freshUntil, times.at + ALONE_FRESH_MS)) return 'fresh'
    return now < Math.min(times.staleUntil, times.at + ALONE_STALE_MS) ? 'stale' : 'old'
  }
  return now < times.freshUntil ? 'fresh' : now < times.staleUntil ? 'stale' : 'old'
}
