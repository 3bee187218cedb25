// Knows every timer of one sandbox, so that closing it leaves none behind.

/** setTimeout fires at once beyond this many milliseconds (2^31 - 1). */
const LONGEST_MS = 2_147_483_647

export class Timers {
  readonly #running = new Set<NodeJS.Timeout>()

  /** Returns a function that cancels. */
  after(ms: number, action: () => void): () => void {
    const timer = setTimeout(
      () => {
        this.#running.delete(timer)
        action()
      },
      Math.min(ms, LONGEST_MS),
    )
    this.#running.add(timer)
    return () => {
      clearTimeout(timer)
      this.#running.delete(timer)
    }
  }

  clear(): void {
    for (const timer of this.#running) clearTimeout(timer)
    this.#running.clear()
  }
}
