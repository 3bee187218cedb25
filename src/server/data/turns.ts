// Taking turns: what hundreds of transfers do in one go keeps everybody else waiting. Knows time, and nothing of transfers.

/** How long transfers may keep the event loop in one round of it, in milliseconds: a fraction of what a query takes. */
const ROUND_MS = 0.4

export class Turns {
  readonly #waiting: (() => void)[] = []
  #spentMs = 0
  #ending = false

  /** @returns false where the round is over already: then `work` is done in a later one */
  take(work: () => void): boolean {
    const now = this.#waiting.length === 0 && this.#spentMs < ROUND_MS
    if (now) this.#do(work)
    else this.#waiting.push(work)
    if (!this.#ending) {
      this.#ending = true
      setImmediate(this.#next)
    }
    return now
  }

  readonly #next = () => {
    this.#ending = false
    this.#spentMs = 0
    while (this.#spentMs < ROUND_MS) {
      const work = this.#waiting.shift()
      if (work === undefined) return
      this.#do(work)
    }
    this.#ending = true
    setImmediate(this.#next)
  }

  #do(work: () => void): void {
    const startedAt = performance.now()
    work()
    this.#spentMs += performance.now() - startedAt
  }
}
