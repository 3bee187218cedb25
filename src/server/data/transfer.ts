// One transfer under way: whether bytes still move, why it was given up, and what is said of it afterwards. Knows no direction's rules.
import type { Metrics } from '../../metrics.ts'
import type { Direction } from '../../privicore/stream.ts'
import type { Logger } from '../log.ts'
import type { Problem } from './problem.ts'

/** The client is not there any more: nobody to tell. */
export const LEFT = 'left'
export type Reason = Problem | typeof LEFT

export interface TransferOptions {
  readonly direction: Direction
  readonly requestId: string
  /** The longest time without a byte, in milliseconds. */
  readonly idleMs: number
  /** Who is to blame when no byte moves. */
  readonly onIdle: () => Reason
  readonly log: Logger
  readonly metrics: Pick<Metrics, 'transferBytes' | 'transferSeconds' | 'transfersOpen'>
}

export class Transfer {
  bytes = 0
  readonly #options: TransferOptions
  readonly #abort = new AbortController()
  readonly #startedAt = performance.now()
  readonly #idle: NodeJS.Timeout
  #ended = false

  constructor(options: TransferOptions) {
    this.#options = options
    this.#idle = setTimeout(() => this.fail(options.onIdle()), options.idleMs)
    options.metrics.transfersOpen.inc()
  }

  /** Aborts when it is given up. */
  get signal(): AbortSignal {
    return this.#abort.signal
  }

  /** Why it was given up; null while it was not. */
  get reason(): Reason | null {
    return this.#abort.signal.aborted ? (this.#abort.signal.reason as Reason) : null
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Bytes have moved. */
  moved(bytes: number): void {
    this.bytes += bytes
    this.#idle.refresh()
  }

  /** Gives it up; the first reason counts. */
  fail(reason: Reason): void {
    if (!this.#ended) this.#abort.abort(reason)
  }

  /** @param result `refused`: before a byte was handed on; `aborted`: later */
  end(result: 'done' | 'refused' | 'aborted'): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#idle)
    const { direction, requestId, log, metrics } = this.#options
    const ms = performance.now() - this.#startedAt
    metrics.transfersOpen.dec()
    metrics.transferBytes.inc({ direction }, this.bytes)
    metrics.transferSeconds.observe({ direction, result }, ms / 1_000)
    log.info({ requestId, direction, result, bytes: this.bytes, ms: Math.round(ms) }, 'transfer')
  }
}
