// The contract of a store: what every tier of the cache can do, whatever it is made of. Knows no policy, no endpoint and no wire.
import type { Recipe } from './ingredients.ts'
import type { Area } from './policy.ts'

/** Where a value is kept. `partition` stands for one caller; nothing is ever looked up without it. */
export interface Place {
  readonly partition: string
  readonly area: Area
  /** Id of the read, and its arguments as a JSON array where it has any. */
  readonly field: string
}

/** A value and its times, in milliseconds since 1970. */
export interface Kept<T = unknown> {
  readonly value: T
  /** When it was asked for: what changed after that is not in it. */
  readonly at: number
  readonly freshUntil: number
  readonly staleUntil: number
}

export interface Glimpse {
  readonly kept: Kept | null
  /** Names the time since the area was forgotten last; null where the store has not begun one. */
  readonly generation: string | null
  /** A command that changes the area is under way. */
  readonly changing: boolean
  /** Tells one stored value from another, readable or not; empty where there is none. */
  readonly seen: string
}

/** While a mark stands, its area is changing. Removed by its id, or gone when its time is over. */
export interface Mark {
  /** No spaces, no semicolons. */
  readonly id: string
  /** Milliseconds since 1970. */
  readonly until: number
}

/** What a command's progress means to a cache. The same message goes to every tier, and over the bus to every instance. */
export interface Change {
  readonly partition: string
  readonly areas: readonly Area[]
  /** Whatever is kept in the areas goes, and so does whatever is being fetched at this moment. */
  readonly forget: boolean
  /** Before `mark`. */
  readonly unmark?: string | undefined
  readonly mark?: Mark | undefined
}

export interface Store {
  look(place: Place): Promise<Glimpse> | Glimpse
  /** The generation that a value fetched from now on belongs to. */
  begin(place: Place): Promise<string> | string
  /** Keeps a value, unless its area was forgotten since `generation`. @returns whether it is kept */
  keep(place: Place, generation: string, kept: Kept): Promise<boolean> | boolean
  apply(change: Change): Promise<void> | void
}

/** The longest turn without a renewal: when its instance dies, another takes over after this. */
export const LEASE_MS = 1_000

/** Whose turn it is to ask Privicore, in the whole fleet. */
export type Claim =
  /** Ours: ask, then `keep` or `release`. */
  | { readonly turn: 'ours'; readonly generation: string; readonly changing: boolean }
  /** Another instance asks. */
  | { readonly turn: 'theirs'; readonly lease: string }
  /** Another instance has filled it since we looked. */
  | { readonly turn: 'filled' }
  /** The one that we were waiting for has failed, and left word why. */
  | { readonly turn: 'failed'; readonly reason: string }

/** A store that the instances of a fleet share. */
export interface SharedStore extends Store {
  /** @param lease ends our turn */
  keep(place: Place, generation: string, kept: Kept, lease?: string): Promise<boolean> | boolean
  /**
   * @param lease our own name for this turn
   * @param seen of the last glimpse
   * @param waitedFor the lease that we have been waiting for
   */
  claim(place: Place, lease: string, seen: string, waitedFor: string | null): Promise<Claim>
  /** Our turn goes on. */
  renew(place: Place, lease: string): Promise<void>
  /** Our turn ends; those who wait for it are told the reason, those who come later are not. */
  release(place: Place, lease: string, failure: string | null): Promise<void>
}

/** Where a whole answer is kept. */
export interface MemoPlace {
  readonly partition: string
  /** Stands for the request, as `nameOf` says. */
  readonly request: string
}

/** A whole answer, and the times of what is out of date first in it, in milliseconds since 1970. */
export interface Memo {
  readonly body: Buffer
  readonly at: number
  readonly freshUntil: number
}

/** A store of whole answers that the instances of a fleet share. */
export interface MemoStore {
  /** Holds nothing of the request in it. */
  nameOf(request: string): string
  /** The most places that may be asked about together. */
  readonly mostAtOnce: number
  /** In the order of the places; null where there is none, or something of its caller has been forgotten since. */
  recall(places: readonly MemoPlace[]): Promise<readonly (Memo | null)[]>
  /** Until it is out of date; not where one of its areas has been forgotten since. @returns whether it is kept */
  keep(place: MemoPlace, recipe: Recipe, body: Buffer): Promise<boolean>
}
