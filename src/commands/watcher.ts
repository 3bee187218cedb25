// Learning the outcome of commands that somebody needs: one poller per command in the fleet, paced, bounded and fair. Knows no caller.
import type { Logger } from 'pino'
import { hasCode, PrivicoreError } from '../privicore/errors.ts'
import type { CommandReport } from '../privicore/utility.ts'
import type { CommandRecord, Outcome } from './command.ts'
import { PollQueue } from './poll-queue.ts'
import { type CommandStore, LEASE_MS } from './store.ts'

/** A fresh id can be unknown to Privicore for a moment (privicore.md §1.2). */
const UNKNOWN_IS_PENDING_MS = 2_000
/** Three renewals fit into a lease: losing one or two does not lose the lease. */
const CLAIM_EVERY_MS = 1_000
/** A holder whose renewal went astray stops polling before another may begin. */
const LEASE_MARGIN_MS = 500
/** Privicore is a PHP server: each request holds a worker. A quarter of the gateway's connections, so that reads always find one. */
const MOST_POLLS_AT_ONCE = 32
/** After 429 without a time. */
const RATE_LIMITED_PAUSE_MS = 5_000
const LONGEST_RATE_LIMITED_PAUSE_MS = 60_000
/** After a failed poll the next pause is that much longer: Privicore has trouble enough. */
const FAILURE_STEPS = 2

export interface WatcherOptions {
  readonly store: CommandStore
  /** Whether other instances may poll the same commands: then leases are renewed. */
  readonly shared: boolean
  /** One poll. @throws PrivicoreError where it brings no outcome */
  readonly poll: (commandId: string, signal: AbortSignal) => Promise<CommandReport>
  /** An outcome was found. @returns false where it was refused, because the lease has passed to another */
  readonly found: (commandId: string, outcome: Outcome, fence: number) => Promise<boolean>
  /** A claim shows that it settled elsewhere, and the message about it got lost. */
  readonly missed: (commandId: string) => void
  /** Whether outcomes of this owner's commands are pushed just now: then polling is only the safety net. */
  readonly pushed: (owner: string | null) => boolean
  readonly pollMinMs: number
  readonly pollMaxMs: number
  readonly watchMaxMs: number
  readonly pollsPerSecond: number
  readonly log: Logger
}

/** Somebody who wants the outcome; each gets exactly one call. */
export interface Waiter {
  settled(command: CommandRecord): void
  /** Nobody has settled it for `watchMaxMs`: it is not watched any more. */
  gaveUp(): void
}

interface Watch {
  readonly commandId: string
  readonly owner: string | null
  readonly acceptedAt: number | null
  readonly waiters: Set<Waiter>
  /** The gateway itself needs the outcome, whoever waits. */
  needed: boolean
  readonly startedAt: number
  /** The token of our lease; null while another instance polls. */
  fence: number | null
  /** On the clock of performance.now(). */
  leasedUntil: number
  /** Steps of the exponential pause. */
  steps: number
  polledAt: number
  polling: boolean
  /** Something happened while it was being polled, or claimed: what is known of it may be older. */
  again: boolean
  /** Called when it is not watched any more. */
  readonly releases: (() => void)[]
  readonly abort: AbortController
}

export class Watcher {
  readonly #options: WatcherOptions
  readonly #watches = new Map<string, Watch>()
  readonly #queue: PollQueue
  readonly #unclaimed = new Set<string>()
  #claiming = false
  #claimTimer: NodeJS.Timeout | undefined
  #closed = false

  constructor(options: WatcherOptions) {
    this.#options = options
    this.#queue = new PollQueue({ concurrency: MOST_POLLS_AT_ONCE, perSecond: options.pollsPerSecond })
  }

  get size(): number {
    return this.#watches.size
  }

  has(commandId: string): boolean {
    return this.#watches.has(commandId)
  }

  /** Whether anybody has looked at it within the shortest pause: then looking again would tell nothing new. */
  isFresh(commandId: string): boolean {
    const watch = this.#watches.get(commandId)
    return watch !== undefined && performance.now() - watch.polledAt < this.#options.pollMinMs
  }

  /** Tells the waiter, once. @returns for the waiter to leave; when the last has left and nothing needs it, polling stops */
  wait(command: CommandRecord, waiter: Waiter): () => void {
    if (this.#closed) {
      waiter.gaveUp()
      return () => {}
    }
    const watch = this.#watch(command)
    watch.waiters.add(waiter)
    return () => {
      if (watch.waiters.delete(waiter)) this.#endUnlessWanted(watch)
    }
  }

  /** Watches for the gateway's own sake, until it settles or `watchMaxMs` is over; then calls `release`. */
  need(command: CommandRecord, release: () => void): void {
    if (this.#closed) {
      release()
      return
    }
    const watch = this.#watch(command)
    watch.needed = true
    watch.releases.push(release)
  }

  /** The outcome is known, from wherever. */
  settled(command: CommandRecord): void {
    const watch = this.#watches.get(command.commandId)
    if (watch === undefined) return
    const waiters = [...watch.waiters]
    this.#end(watch, false)
    for (const waiter of waiters) waiter.settled(command)
  }

  /** Polls every command of this owner once, or as soon as it may: what was pushed meanwhile is lost. @returns their ids */
  pollNow(owner: string | null): string[] {
    const commandIds: string[] = []
    for (const watch of this.#watches.values()) {
      if (watch.owner !== owner) continue
      commandIds.push(watch.commandId)
      watch.steps = 0
      if (watch.polling || watch.fence === null) watch.again = true
      else this.#schedule(watch, Math.random() * this.#options.pollMinMs)
    }
    return commandIds
  }

  /** Goes through all commands again at once: messages may have been missed. */
  reclaim(): void {
    for (const commandId of this.#watches.keys()) this.#unclaimed.add(commandId)
    this.#claimSoon()
  }

  close(): void {
    this.#closed = true
    this.#queue.close()
    clearTimeout(this.#claimTimer)
    for (const watch of [...this.#watches.values()]) {
      const waiters = [...watch.waiters]
      this.#end(watch, true)
      for (const waiter of waiters) waiter.gaveUp()
    }
  }

  #watch(command: CommandRecord): Watch {
    const known = this.#watches.get(command.commandId)
    if (known !== undefined) return known
    const watch: Watch = {
      commandId: command.commandId,
      owner: command.owner,
      acceptedAt: command.acceptedAt === null ? null : Date.parse(command.acceptedAt),
      waiters: new Set(),
      needed: false,
      startedAt: performance.now(),
      fence: null,
      leasedUntil: 0,
      steps: 0,
      polledAt: Number.NEGATIVE_INFINITY,
      polling: false,
      again: false,
      releases: [],
      abort: new AbortController(),
    }
    this.#watches.set(command.commandId, watch)
    this.#unclaimed.add(command.commandId)
    this.#claimSoon()
    return watch
  }

  #endUnlessWanted(watch: Watch): void {
    if (watch.waiters.size === 0 && !watch.needed) this.#end(watch, true)
  }

  /** @param release whether another instance may go on with it */
  #end(watch: Watch, release: boolean): void {
    if (this.#watches.get(watch.commandId) !== watch) return
    this.#watches.delete(watch.commandId)
    this.#unclaimed.delete(watch.commandId)
    this.#queue.remove(watch.commandId)
    watch.waiters.clear()
    watch.abort.abort()
    for (const free of watch.releases) free()
    if (release && watch.fence !== null) void this.#options.store.release(watch.commandId, watch.fence)
    if (this.#watches.size === 0) {
      clearTimeout(this.#claimTimer)
      this.#claimTimer = undefined
    }
  }

  /** Claims of one moment go out together. */
  #claimSoon(): void {
    if (this.#claiming) return
    this.#claiming = true
    queueMicrotask(() => void this.#claimAll([...this.#unclaimed]))
  }

  async #claimAll(commandIds: readonly string[]): Promise<void> {
    this.#unclaimed.clear()
    // What is claimed while this is under way joins the next round.
    const sentAt = performance.now()
    try {
      const claims = commandIds.length === 0 ? [] : await this.#options.store.claim(commandIds)
      commandIds.forEach((commandId, index) => {
        const watch = this.#watches.get(commandId)
        const claim = claims[index]
        if (watch === undefined) {
          // Nobody wants it any more: it is free for the others.
          if (typeof claim === 'number') void this.#options.store.release(commandId, claim)
        } else if (claim === 'settled') this.#options.missed(commandId)
        else if (typeof claim === 'number') this.#hold(watch, claim, sentAt + LEASE_MS - LEASE_MARGIN_MS)
        else this.#lose(watch)
      })
    } catch (error) {
      this.#options.log.error({ err: error }, 'claiming commands failed')
    }
    this.#claiming = false
    if (this.#closed) return
    if (this.#unclaimed.size > 0) this.#claimSoon()
    else this.#renewLater()
  }

  #renewLater(): void {
    if (!this.#options.shared || this.#watches.size === 0 || this.#claimTimer !== undefined) return
    this.#claimTimer = setTimeout(() => {
      this.#claimTimer = undefined
      this.reclaim()
    }, CLAIM_EVERY_MS)
  }

  #hold(watch: Watch, fence: number, until: number): void {
    const isNew = watch.fence === null
    watch.fence = fence
    watch.leasedUntil = this.#options.shared ? until : Number.POSITIVE_INFINITY
    if (!isNew) return
    // Taken over from an instance that is gone: it is high time to look.
    const age = watch.acceptedAt === null ? Number.POSITIVE_INFINITY : Date.now() - watch.acceptedAt
    const takenOver = age > LEASE_MS && performance.now() - watch.startedAt > CLAIM_EVERY_MS
    const soon = takenOver || watch.again
    watch.again = false
    this.#schedule(watch, soon ? Math.random() * this.#options.pollMinMs : this.#pause(watch))
  }

  #lose(watch: Watch): void {
    watch.fence = null
    this.#queue.remove(watch.commandId)
    this.#giveUpIfOverdue(watch)
  }

  #giveUpIfOverdue(watch: Watch): boolean {
    if (performance.now() - watch.startedAt < this.#options.watchMaxMs) return false
    const waiters = [...watch.waiters]
    this.#end(watch, true)
    for (const waiter of waiters) waiter.gaveUp()
    return true
  }

  #schedule(watch: Watch, inMs: number): void {
    const left = watch.startedAt + this.#options.watchMaxMs - performance.now()
    this.#queue.add(watch.commandId, watch.owner ?? '', Math.min(inMs, Math.max(0, left)), () => this.#poll(watch))
  }

  #pause(watch: Watch): number {
    const { pollMinMs, pollMaxMs, pushed } = this.#options
    const pause = pushed(watch.owner) ? pollMaxMs : Math.min(pollMaxMs, pollMinMs * 2 ** Math.min(watch.steps, 30))
    // Never all at once, and never later than the longest pause.
    return Math.min(pollMaxMs, pause * (0.75 + Math.random() / 2))
  }

  async #poll(watch: Watch): Promise<void> {
    if (this.#watches.get(watch.commandId) !== watch || watch.fence === null) return
    if (this.#giveUpIfOverdue(watch)) return
    if (performance.now() >= watch.leasedUntil) {
      // This process stood still, or Redis did: another may be polling by now.
      this.#lose(watch)
      return
    }
    watch.polledAt = performance.now()
    watch.polling = true
    try {
      const report = await this.#options.poll(watch.commandId, watch.abort.signal)
      if (this.#watches.get(watch.commandId) !== watch) return
      const outcome = outcomeOf(report, watch.acceptedAt)
      if (outcome === null) watch.steps++
      else if (await this.#options.found(watch.commandId, outcome, watch.fence ?? 0)) return
    } catch (error) {
      if (this.#watches.get(watch.commandId) !== watch) return
      watch.steps += FAILURE_STEPS
      if (hasCode(error, 'RATE_LIMITED')) {
        const pause = error.retryAfter === undefined ? RATE_LIMITED_PAUSE_MS : error.retryAfter * 1_000
        this.#queue.pause(Math.min(pause, LONGEST_RATE_LIMITED_PAUSE_MS))
      }
      if (!(error instanceof PrivicoreError)) this.#options.log.error({ err: error }, 'polling a command failed')
    } finally {
      watch.polling = false
    }
    if (this.#watches.get(watch.commandId) !== watch || watch.fence === null) return
    this.#schedule(watch, watch.again ? Math.random() * this.#options.pollMinMs : this.#pause(watch))
    watch.again = false
  }
}

/**
 * What a poll means for a command that is known to have been accepted; null while it is pending.
 * @param acceptedAt milliseconds since 1970; null where another client sent it, so that it is not fresh
 */
export function outcomeOf(report: CommandReport, acceptedAt: number | null): Outcome | null {
  switch (report.state) {
    case 'pending':
      return null
    case 'succeeded':
      return { status: 'SUCCEEDED', reason: null }
    case 'rejected':
      return { status: 'REJECTED', reason: report.reason }
    case 'unknown': {
      const age = acceptedAt === null ? Number.POSITIVE_INFINITY : Date.now() - acceptedAt
      // The older server forgets what it has rejected.
      return age < UNKNOWN_IS_PENDING_MS ? null : { status: 'REJECTED', reason: null }
    }
  }
}
