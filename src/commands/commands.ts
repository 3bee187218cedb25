// Commands, from 202 to their outcome, for everybody who wants to know. Knows the wire's answers, not GraphQL.
import { randomUUID } from 'node:crypto'
import type { Logger } from 'pino'
import type { Bus } from '../cache/bus.ts'
import { mostRecent } from '../cache/most-recent.ts'
import type { CallOptions } from '../privicore/client.ts'
import { hasCode, PrivicoreError } from '../privicore/errors.ts'
import type { CommandReport } from '../privicore/utility.ts'
import { type CommandRecord, foundCommand, isSettled, type Outcome, toCommandRecord } from './command.ts'
import type { CommandStore } from './store.ts'
import { outcomeOf, type Waiter, Watcher } from './watcher.ts'

const CHANNEL = 'commands:settled'
/** Outcomes that were pushed before the 202 came: it follows within one attempt. */
const EARLY = { most: 10_000, ms: 60_000 }
/** Privicore's ids are 36 characters; what is much longer is none, and would only fill memory. */
const LONGEST_ID = 256

export interface CommandsOptions {
  readonly store: CommandStore
  /** Whether other instances share the store. */
  readonly shared: boolean
  readonly bus: Bus
  readonly poller: { poll(commandId: string, options: CallOptions): Promise<CommandReport> }
  /** Whether outcomes of this owner's commands are pushed just now. */
  readonly pushed: (owner: string | null) => boolean
  /** First and longest pause between two polls of a command. */
  readonly pollMinMs: number
  readonly pollMaxMs: number
  /** How long a command is watched when nobody settles it. */
  readonly watchMaxMs: number
  /** The most polls that this instance begins per second. */
  readonly pollsPerSecond: number
  /** Whether outcomes are needed even where nobody waits: what is remembered of the caller's data depends on them. */
  readonly watchUnattended: boolean
  /** Done before anybody hears of an outcome; called once or more for each. */
  readonly beforeTold?: (command: CommandRecord) => Promise<void>
  /** Told of every poll (its result) and of every outcome that this instance has found (by push or poll). */
  readonly observe?: (event: { readonly polled?: string; readonly settled?: 'push' | 'poll' }) => void
  readonly log: Logger
}

export class Commands {
  readonly #options: CommandsOptions
  readonly #store: CommandStore
  readonly #watcher: Watcher
  readonly #early = mostRecent<Outcome>(EARLY.most, { ttl: EARLY.ms })
  readonly #settledListeners = new Set<(command: CommandRecord) => void>()
  readonly #looking = new Map<string, Promise<CommandReport>>()
  readonly #stops: (() => void)[] = []

  constructor(options: CommandsOptions) {
    this.#options = options
    this.#store = options.store
    this.#watcher = new Watcher({
      ...options,
      // Whoever has just asked for it is told the same.
      poll: (commandId, signal) => this.#looking.get(commandId) ?? this.#poll(commandId, signal),
      found: async (commandId, outcome, fence) => !(await this.#report(commandId, outcome, 'poll', fence)).fenced,
      missed: (commandId) => void this.#catchUp(commandId),
    })
    void options.bus.subscribe(CHANNEL, (message) => void this.#hear(message)).then((stop) => this.#stops.push(stop))
    this.#stops.push(options.bus.onReconnect(() => this.#watcher.reclaim()))
  }

  /** How many commands this instance watches. */
  get watched(): number {
    return this.#watcher.size
  }

  /**
   * Records a command that Privicore has accepted; without an id it has completed already.
   * @param owner digest of the token that it was sent with
   * @param release called when its outcome is not awaited any more
   */
  async accepted(
    operation: string,
    commandId: string | null,
    owner: string | null,
    release: () => void = () => {},
  ): Promise<CommandRecord> {
    const now = new Date().toISOString()
    const sent = { ...foundCommand(commandId ?? randomUUID()), operation, owner, acceptedAt: now }
    if (commandId === null) {
      const done = await this.#store.accept({ ...sent, status: 'SUCCEEDED', settledAt: now })
      await this.#beforeTold(done)
      this.#announce(done)
      release()
      return done
    }
    const command = await this.#store.accept(sent)
    const early = this.#early.get(commandId)
    if (!isSettled(command) && early === undefined && this.#options.watchUnattended) {
      this.#watcher.need(command, release)
      return command
    }
    release()
    return isSettled(command) || early === undefined ? command : (await this.#report(commandId, early, 'push')).record
  }

  /**
   * The command as it is now, with at most one poll. null when it is unknown, or somebody else's. One that this gateway has not
   * sent is asked for, and known from then on.
   * @param look `never`: what is remembered of a known command will do
   */
  async find(
    commandId: string,
    owner: string | null,
    signal?: AbortSignal,
    look: 'always' | 'never' = 'always',
  ): Promise<CommandRecord | null> {
    if (commandId === '' || commandId.length > LONGEST_ID) return null
    const known = await this.#remembered(commandId)
    if (known !== null && known.owner !== null && known.owner !== owner) return null
    if (known !== null && (isSettled(known) || look === 'never' || this.#watcher.isFresh(commandId))) return known
    let report: CommandReport
    try {
      report = await this.#look(commandId, signal)
    } catch (error) {
      // What is remembered is still true: it was pending a moment ago.
      if (known !== null && !signal?.aborted && isTransient(error)) return known
      throw error
    }
    if (known === null && report.state === 'unknown') return null
    const outcome = outcomeOf(report, known?.acceptedAt ? Date.parse(known.acceptedAt) : null)
    if (outcome !== null) return (await this.#report(commandId, outcome, 'poll')).record
    return known ?? this.#store.accept(foundCommand(commandId))
  }

  /**
   * Waits until the command settles, at most `timeoutMs`; then it is still PENDING. null when it is not known here.
   * @throws the signal's reason when it aborts; the command goes on
   */
  settled(commandId: string, timeoutMs: number, signal?: AbortSignal): Promise<CommandRecord | null> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      let leave = () => {}
      let over = false
      let known: CommandRecord | null = null
      const end = () => {
        over = true
        clearTimeout(timer)
        signal?.removeEventListener('abort', abort)
        leave()
      }
      const done = (command: CommandRecord | null) => {
        end()
        resolve(command)
      }
      const abort = () => {
        end()
        reject(signal?.reason)
      }
      const timer = setTimeout(() => done(known), Math.min(timeoutMs, this.#options.watchMaxMs))
      signal?.addEventListener('abort', abort)
      this.follow(commandId, {
        now: (command) => {
          known = command
          if (isSettled(command) || timeoutMs <= 0) done(command)
        },
        settled: done,
        gaveUp: () => done(known),
      }).then(
        (left) => {
          if (left === null) done(null)
          else if (over) left()
          else leave = left
        },
        (error: unknown) => {
          end()
          reject(error)
        },
      )
    })
  }

  /**
   * The state first, then the change: `now` at once, then `settled` or `gaveUp`, unless it has settled already.
   * @returns for the follower to leave; null when the command is not known here
   */
  async follow(
    commandId: string,
    follower: Waiter & { now(command: CommandRecord): void },
  ): Promise<(() => void) | null> {
    // First listen, then read: whatever settles in between is heard, and held back until the state has been told.
    let late: CommandRecord | null = null
    let begun = false
    const stop = this.#listen((command) => {
      if (command.commandId === commandId && !begun) late = command
    })
    try {
      const command = await this.#remembered(commandId)
      if (command === null) return null
      begun = true
      follower.now(command)
      if (isSettled(command)) return () => {}
      const leave = this.#watcher.wait(command, follower)
      if (late !== null) this.#watcher.settled(late)
      return leave
    } finally {
      stop()
    }
  }

  /** An outcome was pushed. One of a command that is not known yet is kept for when its 202 comes. */
  async pushed(commandId: string, report: CommandReport): Promise<void> {
    if (commandId.length > LONGEST_ID || report.state === 'pending' || report.state === 'unknown') return
    const outcome: Outcome = {
      status: report.state === 'succeeded' ? 'SUCCEEDED' : 'REJECTED',
      reason: report.reason,
    }
    if (!this.#early.has(commandId)) this.#early.set(commandId, outcome)
    if (this.#watcher.has(commandId) || (await this.#store.find(commandId)) !== null) {
      await this.#report(commandId, outcome, 'push')
    }
  }

  /** Polls all open commands of this owner once: what was pushed meanwhile is lost. */
  pollNow(owner: string | null): void {
    // A look that has begun already may be older than what was lost: these polls do not join it.
    for (const commandId of this.#watcher.pollNow(owner)) this.#looking.delete(commandId)
  }

  /** `listener` gets every command that settles, on whichever instance it was found out; now and then one twice. */
  onSettled(listener: (command: CommandRecord) => void): () => void {
    return this.#listen(listener)
  }

  /** Whoever still waits is told that nobody watches any more. */
  close(): void {
    this.#watcher.close()
    for (const stop of this.#stops) stop()
    this.#settledListeners.clear()
  }

  #listen(listener: (command: CommandRecord) => void): () => void {
    this.#settledListeners.add(listener)
    return () => this.#settledListeners.delete(listener)
  }

  /** Those who ask for one command at once share an answer. @throws the signal's reason when it has aborted */
  #look(commandId: string, signal: AbortSignal | undefined): Promise<CommandReport> {
    signal?.throwIfAborted()
    return abandonable(this.#looking.get(commandId) ?? this.#beginLook(commandId), signal)
  }

  #beginLook(commandId: string): Promise<CommandReport> {
    const look = this.#poll(commandId).finally(() => {
      if (this.#looking.get(commandId) === look) this.#looking.delete(commandId)
    })
    this.#looking.set(commandId, look)
    return look
  }

  async #poll(commandId: string, signal?: AbortSignal): Promise<CommandReport> {
    const { poller, observe } = this.#options
    try {
      const report = await poller.poll(commandId, signal === undefined ? {} : { signal })
      observe?.({ polled: report.state })
      return report
    } catch (error) {
      observe?.({ polled: 'failed' })
      throw error
    }
  }

  async #report(commandId: string, outcome: Outcome, by: 'push' | 'poll', fence?: number) {
    const { beforeTold, observe } = this.#options
    if (beforeTold !== undefined) {
      // Before the store knows: from then on another instance may tell its own clients.
      const known = await this.#store.find(commandId)
      if (known !== null) await this.#beforeTold(isSettled(known) ? known : { ...known, ...outcome })
    }
    const settled = await this.#store.settle(commandId, outcome, fence)
    if (settled.first) {
      observe?.({ settled: by })
      this.#announce(settled.record)
    } else if (!settled.fenced) this.#watcher.settled(settled.record)
    return settled
  }

  /** What the store holds; nobody hears of an outcome before what it changed is forgotten here, too. */
  async #remembered(commandId: string): Promise<CommandRecord | null> {
    const command = await this.#store.find(commandId)
    if (command !== null && isSettled(command)) await this.#beforeTold(command)
    return command
  }

  /** Whoever waits hears of the outcome all the same: a fault of the cache must not keep it from them. */
  async #beforeTold(command: CommandRecord): Promise<void> {
    try {
      await this.#options.beforeTold?.(command)
    } catch (error) {
      this.#options.log.error({ err: error }, 'what a command has changed could not be forgotten')
    }
  }

  /** The bus brings it back to this instance as well. */
  #announce(command: CommandRecord): void {
    void this.#options.bus.publish(CHANNEL, command)
  }

  async #hear(message: unknown): Promise<void> {
    const command = toCommandRecord(message)
    if (command === null || !isSettled(command)) return
    if (this.#options.beforeTold !== undefined) await this.#beforeTold(command)
    for (const listener of [...this.#settledListeners]) listener(command)
    this.#watcher.settled(command)
  }

  /** It settled elsewhere, and the message about it was lost. */
  async #catchUp(commandId: string): Promise<void> {
    const command = await this.#store.find(commandId)
    if (command !== null) await this.#hear(command)
  }
}

function isTransient(error: unknown): boolean {
  return (
    hasCode(error, 'UPSTREAM_UNAVAILABLE') ||
    hasCode(error, 'UPSTREAM_TIMEOUT') ||
    hasCode(error, 'UPSTREAM_PROTOCOL') ||
    hasCode(error, 'RATE_LIMITED')
  )
}

/** One of many who wait leaves without the others. @param signal not aborted yet */
function abandonable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const leave = () => reject(signal.reason ?? new PrivicoreError('CANCELLED', 'the client has left'))
    signal.addEventListener('abort', leave, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
  })
}
