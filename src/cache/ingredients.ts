// What one operation was made of, as the tier knows it that instances share: which generation of which area, and for how long
// all of it counts. Knows no value.
import type { Times } from './freshness.ts'
import type { Area, Remembered } from './policy.ts'

/** Of everything that an answer was made of: the generations, and the times of what is out of date first. */
export interface Recipe {
  readonly generations: ReadonlyMap<Area, string>
  /** When the oldest of it was asked for. */
  readonly at: number
  readonly freshUntil: number
}

export class Ingredients {
  readonly #generations = new Map<Area, string>()
  #at = Number.POSITIVE_INFINITY
  #freshUntil = Number.POSITIVE_INFINITY
  #awaited = 0
  #spoilt = false

  /** Something else went into it. */
  spoil(): void {
    this.#spoilt = true
  }

  /** A read that will say what it was, by `add`. One that fails does not: what an answer makes of a failure is not kept. */
  await(): void {
    this.#awaited++
  }

  /** @param generation of the area in the shared tier; null where it is not known, or the value was not fresh */
  add({ area }: Remembered, generation: string | null, { at, freshUntil }: Times): void {
    this.#awaited--
    if (generation === null || (this.#generations.get(area) ?? generation) !== generation) {
      this.#spoilt = true
      return
    }
    this.#generations.set(area, generation)
    this.#at = Math.min(this.#at, at)
    this.#freshUntil = Math.min(this.#freshUntil, freshUntil)
  }

  /** null where anything went into it that is not known here. */
  get recipe(): Recipe | null {
    if (this.#spoilt || this.#awaited > 0 || this.#generations.size === 0) return null
    return { generations: this.#generations, at: this.#at, freshUntil: this.#freshUntil }
  }
}
