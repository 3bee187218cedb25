// PUT /data/{ticket}: a body on its way to Privicore, counted and hashed as it passes. Holds no more than what a socket buffers.
import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import type { Claimed } from '../../cache/tickets.ts'
import { release } from '../../privicore/release.ts'
import type { Streams } from '../../privicore/stream.ts'
import { StreamFailure } from '../../privicore/stream-exchange.ts'
import { PROBLEMS, type Problem, refusalOf, tooLarge } from './problem.ts'
import { LEFT, type Transfer } from './transfer.ts'
import { Turns } from './turns.ts'

/** Of all uploads together. */
const turns = new Turns()

export interface Received {
  readonly bytes: number
  /** Hex. */
  readonly sha256: string
}

/** Bytes that the client has declared; 0 where it sends no body, null where the body is chunked. */
export function declaredLength({ headers }: IncomingMessage): number | null {
  if (headers['transfer-encoding'] !== undefined) return null
  return Number(headers['content-length'] ?? 0)
}

/** Waits for Privicore's socket while the client's goes on: a socket that is never idle, at the cost of this much memory. */
const AHEAD_BYTES = 256 * 1024

/**
 * The request's body as Privicore gets it. What completes it waits for the request to end properly, so that a body which turns
 * out longer than declared, or too long, is never complete on the other side.
 */
export class Intake extends Readable {
  readonly #source: IncomingMessage
  readonly #transfer: Transfer
  readonly #declared: number | null
  readonly #limit: number
  readonly #hash = createHash('sha256')
  /** A chunk waits for its turn: the source is paused, and no more of it comes. */
  #waiting = false
  /** The request has ended, perhaps before a chunk that waits: a paused stream with nothing left in it may end all the same. */
  #ended = false
  #last: Buffer | null = null

  constructor(source: IncomingMessage, transfer: Transfer, declared: number | null, limit: number) {
    super({ autoDestroy: false, highWaterMark: AHEAD_BYTES })
    this.#source = source
    this.#transfer = transfer
    this.#declared = declared
    this.#limit = limit
    source.on('data', this.#take).on('end', this.#complete).on('close', this.#left).on('error', this.#left)
    transfer.signal.addEventListener('abort', () => this.destroy(), { once: true })
  }

  /** The client's turn: there is room for what it sends. */
  get isHungry(): boolean {
    return !this.#source.isPaused() && !this.#source.complete
  }

  received(): Received {
    return { bytes: this.#transfer.bytes, sha256: this.#hash.digest('hex') }
  }

  override _read(): void {
    if (!this.#waiting) this.#source.resume()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#source
      .off('data', this.#take)
      .off('end', this.#complete)
      .off('close', this.#left)
      // Whatever breaks from now on has its answer already.
      .on('error', () => {})
    callback(error)
  }

  readonly #take = (chunk: Buffer) => {
    if (turns.take(() => this.#pass(chunk))) return
    this.#source.pause()
    this.#waiting = true
  }

  #pass(chunk: Buffer): void {
    const waited = this.#waiting
    this.#waiting = false
    if (this.destroyed) return
    this.#transfer.moved(chunk.length)
    const { bytes } = this.#transfer
    if (bytes > this.#limit) {
      this.#transfer.fail(tooLarge(this.#limit, false))
      return
    }
    const full = bytes !== this.#declared && !this.push(chunk)
    if (bytes === this.#declared) this.#last = chunk
    // Sent first: Privicore's side has something to do meanwhile.
    this.#hash.update(chunk)
    if (this.#ended) this.#finish()
    else if (full) this.#source.pause()
    else if (waited) this.#source.resume()
  }

  readonly #complete = () => {
    this.#ended = true
    if (!this.#waiting) this.#finish()
  }

  #finish(): void {
    if (this.#last !== null) this.push(this.#last)
    this.push(null)
  }

  readonly #left = () => {
    if (!this.#source.complete) this.#transfer.fail(LEFT)
  }
}

/** @returns what was received; a Problem where it was not stored; LEFT where there is nobody to tell */
export async function upload(
  streams: Streams,
  { errand, giveBack }: Claimed,
  intake: Intake,
  length: number | null,
  transfer: Transfer,
): Promise<Received | Problem | typeof LEFT> {
  try {
    await streams.upload(errand.link, { body: intake, onFree: release, length, signal: transfer.signal })
    return intake.received()
  } catch (failure) {
    if (!(failure instanceof StreamFailure)) throw failure
    const { kind, sent, status } = failure
    if (!sent) {
      const works = await giveBack()
      const { reason } = transfer
      if (reason === LEFT) return LEFT
      if (reason !== null) return { ...reason, ticketReusable: works, detail: withTicket(reason, works) }
      return works ? PROBLEMS.unreachable : PROBLEMS.unreachableUsed
    }
    if (kind === 'aborted') return transfer.reason ?? PROBLEMS.bug
    if (kind === 'early') return PROBLEMS.senseless
    if (kind === 'refused') return refusalOf(status ?? 0)
    return intake.readableEnded ? PROBLEMS.outcomeUnknown : PROBLEMS.broken
  }
}

function withTicket({ detail }: Problem, works: boolean): string {
  return works ? detail.replace('Ask for a new link.', 'Nothing was sent, and the link still works.') : detail
}
