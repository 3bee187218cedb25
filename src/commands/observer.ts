// Following what Privicore never announces, by asking again and again: one question for all who want the same. Knows no area.
import { hasCode } from '../privicore/errors.ts'
import { PollQueue } from './poll-queue.ts'

/** Far below what commands get: nothing but votes is followed like this. */
const MOST_AT_ONCE = 8
const MOST_PER_SECOND = 50

export interface ObserverOptions {
  /** Pause after a change, doubled while nothing changes, up to the longest. */
  readonly pollMinMs: number
  readonly pollMaxMs: number
  /** How long one thing is followed while nothing changes. */
  readonly watchMaxMs: number
}

export interface Observed<T> {
  /** Questions with the same key are the same question of the same caller. */
  readonly key: string
  /** Callers take turns. */
  readonly lane: string
  readonly ask: () => Promise<T>
}

/** What was asked first, then every change, then nothing more or a failure. */
export interface Observing<T> {
  changed(value: T): void
  failed(error: unknown): void
  gaveUp(): void
}

interface Observation {
  readonly observed: Observed<unknown>
  readonly observing: Set<Observing<unknown>>
  last: { readonly value: unknown; readonly text: string } | null
  changedAt: number
  pauseMs: number
}

export class Observer {
  readonly #options: ObserverOptions
  readonly #observations = new Map<string, Observation>()
  readonly #queue = new PollQueue({ concurrency: MOST_AT_ONCE, perSecond: MOST_PER_SECOND })

  constructor(options: ObserverOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#observations.size
  }

  /** @returns for the observer to leave; the last one ends the asking */
  observe<T>(observed: Observed<T>, observing: Observing<T>): () => void {
    let observation = this.#observations.get(observed.key)
    if (observation === undefined) {
      observation = {
        observed,
        observing: new Set(),
        last: null,
        changedAt: performance.now(),
        pauseMs: this.#options.pollMinMs,
      }
      this.#observations.set(observed.key, observation)
      this.#askIn(observation, 0)
    }
    const one = observing as Observing<unknown>
    observation.observing.add(one)
    if (observation.last !== null) one.changed(observation.last.value)
    const joined = observation
    return () => {
      if (joined.observing.delete(one) && joined.observing.size === 0) this.#end(joined)
    }
  }

  close(): void {
    this.#queue.close()
    for (const observation of [...this.#observations.values()]) this.#endWith(observation, (one) => one.gaveUp())
  }

  #askIn(observation: Observation, inMs: number): void {
    const { key, lane } = observation.observed
    this.#queue.add(key, lane, inMs, () => this.#ask(observation))
  }

  async #ask(observation: Observation): Promise<void> {
    try {
      const value = await observation.observed.ask()
      if (!this.#isOn(observation)) return
      const text = JSON.stringify(value)
      if (observation.last?.text !== text) {
        observation.last = { value, text }
        observation.changedAt = performance.now()
        observation.pauseMs = this.#options.pollMinMs
        for (const one of [...observation.observing]) one.changed(value)
      }
    } catch (error) {
      if (!this.#isOn(observation)) return
      const passes =
        hasCode(error, 'UPSTREAM_UNAVAILABLE') ||
        hasCode(error, 'UPSTREAM_TIMEOUT') ||
        hasCode(error, 'UPSTREAM_PROTOCOL') ||
        hasCode(error, 'RATE_LIMITED')
      if (!passes) {
        this.#endWith(observation, (one) => one.failed(error))
        return
      }
      observation.pauseMs = this.#options.pollMaxMs
    }
    if (!this.#isOn(observation)) return
    if (performance.now() - observation.changedAt >= this.#options.watchMaxMs) {
      this.#endWith(observation, (one) => one.gaveUp())
      return
    }
    this.#askIn(observation, observation.pauseMs * (0.75 + Math.random() / 2))
    observation.pauseMs = Math.min(this.#options.pollMaxMs, observation.pauseMs * 2)
  }

  #isOn(observation: Observation): boolean {
    return this.#observations.get(observation.observed.key) === observation
  }

  #end(observation: Observation): void {
    if (!this.#isOn(observation)) return
    this.#observations.delete(observation.observed.key)
    this.#queue.remove(observation.observed.key)
  }

  #endWith(observation: Observation, tell: (one: Observing<unknown>) => void): void {
    const all = [...observation.observing]
    this.#end(observation)
    for (const one of all) tell(one)
  }
}
