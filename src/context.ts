// One GraphQL operation: who asks, how long there is, and the only doors to Privicore. Knows no GraphQL and no area.
import type { CallerCache, Verdict } from './cache/cache.ts'
import { isRefusal } from './cache/failure.ts'
import type { Entry } from './cache/memory.ts'
import { OperationCache } from './cache/operation.ts'
import { policyOf } from './cache/policy.ts'
import type { Errand, Tickets } from './cache/tickets.ts'
import { type CommandRecord, isSettled } from './commands/command.ts'
import type { Commands } from './commands/commands.ts'
import type { Delivery } from './commands/deliveries.ts'
import type { Feed } from './commands/feed.ts'
import type { Following } from './commands/following.ts'
import type { Observing } from './commands/observer.ts'
import type { Waiter } from './commands/watcher.ts'
import type { CallOptions, Privicore } from './privicore/client.ts'
import type { AnyEndpoint, AnyRead, Auth, Command, Read } from './privicore/endpoint.ts'
import { hasCode, PrivicoreError } from './privicore/errors.ts'
import { pause } from './privicore/pause.ts'
import type { PushHold } from './privicore/push.ts'
import type { Secret } from './privicore/secret.ts'
import type { Streams } from './privicore/stream.ts'

/** Whoever sent the request: a Privicore token, handed through, and a keyed digest that stands for it everywhere else. */
export interface Caller {
  readonly token: Secret
  readonly digest: string
}

/** What all operations of a gateway share. */
export interface Services {
  readonly privicore: Privicore
  readonly commands: Commands
  readonly following: Following
  /** What is remembered between operations; null where nothing is (CACHE=off). */
  readonly cache: CallerCache | null
  readonly tickets: Tickets
  readonly streams: Streams
  /** Where clients reach the gateway; undefined: where they have sent their request. */
  readonly publicUrl: string | undefined
  /** Makes a Caller of a token. */
  readonly callers: (token: string | null) => Caller | null
}

/** Where the answer to a read came from, for extensions.cache. */
export interface CacheNote {
  /** Catalogue id. */
  readonly read: string
  readonly status: Verdict
  readonly ageMs: number
}

/** Kept back from the operation's time when waiting for a command, so that the answer is still written in time. */
const ANSWER_RESERVE_MS = 500

/** Follow-ups are eventually consistent (privicore.md §1.1): how often, and how far apart, a 404 just after success is asked again. */
const FOLLOW_UP = { tries: 7, pauseMs: 1_000, firstPauseMs: 100 }
/** How long a success counts as just now. */
const JUST_NOW_MS = 10_000

/** Finds one record by its id, out of a list that one call answers. */
export interface Lookup<Row> {
  readonly list: Read<string, object, Row[]>
  readonly id: (row: Row) => string
  /** Another id it goes by; the id of another record wins. */
  readonly alias?: (row: Row) => string
  /** Answers one record alone, by its `id`: asked where nothing else of the list is wanted in the operation. */
  readonly one?: Read<string, { readonly id: string }, Row | null>
}

/** At once where the list has come already: a join of many rows costs no promise each. */
export type Found<Row> = Promise<Row | null> | Row | null

/** A command that was sent, with what came beside its id. */
export interface Sent<Beside = undefined> {
  readonly command: CommandRecord
  readonly beside: Beside
}

export interface ContextOptions {
  readonly services: Services
  readonly caller: Caller | null
  readonly requestId: string
  /** Aborts when the client leaves or the operation's time runs out; its reason is a PrivicoreError. */
  readonly signal: AbortSignal
  /** When the operation's time runs out, on the clock of performance.now(). */
  readonly deadline: number
  /** A subscription has no end of its own: each of its events has this much time, in milliseconds. */
  readonly eventTimeoutMs?: number | undefined
  /** A URL that the request was sent to, in the client's words. */
  readonly address?: string | undefined
  /** Gets a note for each read that may be remembered. */
  readonly cacheNotes?: CacheNote[] | undefined
}

export class Context {
  readonly caller: Caller | null
  readonly requestId: string
  readonly signal: AbortSignal
  readonly #services: Services
  readonly #eventTimeoutMs: number | undefined
  readonly #address: string | undefined
  #deadline: number
  readonly #cache = new OperationCache()
  readonly #cacheNotes: CacheNote[] | undefined
  readonly #note: ((read: string, status: Verdict, ageMs: number) => void) | null
  /** When this operation has changed something last, ms since 1970: what is remembered from before is not served to it. */
  #since = 0
  #madeOf: Entry[] | null = []

  constructor(options: ContextOptions) {
    this.caller = options.caller
    this.requestId = options.requestId
    this.signal = options.signal
    this.#services = options.services
    this.#deadline = options.deadline
    this.#eventTimeoutMs = options.eventTimeoutMs
    this.#address = options.address
    const notes = options.cacheNotes
    this.#cacheNotes = notes
    this.#note = notes === undefined ? null : (read, status, ageMs) => void notes.push({ read, status, ageMs })
  }

  /**
   * Asks Privicore, or who remembers (cache/policy.ts); the same question within one operation is one call, unless the row hands
   * its answer out once. What it answers is shared: it must not be changed.
   * @throws PrivicoreError
   */
  read<Args extends object, Result>(
    endpoint: Read<string, Args, Result>,
    args: Args,
    credentials: Pick<CallOptions, 'basic'> = {},
  ): Promise<Result> {
    const { caller } = this
    const { privicore, cache } = this.#services
    const ask = (signal: AbortSignal, cached = true) =>
      this.#see(
        privicore.read(endpoint, args, { ...credentials, token: caller?.token ?? null, signal }),
        endpoint,
        cached,
      )
    const askAlone = () => ask(this.signal, false)
    const policy = policyOf(endpoint.id)
    if (endpoint.once || credentials.basic !== undefined) {
      this.#madeOf = null
      return askAlone()
    }
    const field = readKey(endpoint, args)
    if (!('area' in policy) || cache === null || caller === null || endpoint.auth !== 'token') {
      this.#madeOf = null
      return this.#cache.share(field, askAlone, policy.kind !== 'never')
    }
    const known = this.#cache.known<Result>(field)
    if (known !== undefined) return known
    const { id } = endpoint
    const { signal } = this
    const question = { id, policy, field, ask, caller: caller.digest, since: this.#since, signal, note: this.#note }
    const entry = cache.peek<Result>(question)
    if (entry !== undefined) {
      // What is nobody's own is served only to who was let in a moment ago: each time that is asked anew.
      if (policy.kind === 'public') this.#madeOf = null
      this.#madeOf?.push(entry)
      return this.#cache.hold(field, entry.promise, entry.value)
    }
    this.#madeOf = null
    return this.#cache.share(field, () => cache.read(question))
  }

  /** The remembered values that all of this operation was made of; null where anything else went into it. */
  get madeOf(): readonly Entry[] | null {
    return this.#since === 0 ? this.#madeOf : null
  }

  /**
   * Starts reads without arguments that the operation will ask for. Resolves when all have come; what fails is told to whoever asks.
   * @returns null where all are here already
   */
  readAhead(endpoints: readonly AnyRead[]): Promise<unknown> | null {
    let coming: Promise<unknown>[] | null = null
    for (const endpoint of endpoints as readonly Read<string, object, unknown>[]) {
      const reading = this.read(endpoint, {})
      if (this.#cache.isHere(readKey(endpoint, {}))) continue
      coming ??= []
      coming.push(reading.catch(() => undefined))
    }
    return coming && Promise.all(coming)
  }

  /** The same, with null for what Privicore does not know. */
  async find<Args extends object, Result>(endpoint: Read<string, Args, Result>, args: Args): Promise<Result | null> {
    try {
      return await this.read(endpoint, args)
    } catch (error) {
      if (hasCode(error, 'NOT_FOUND')) return null
      throw error
    }
  }

  /** One record out of a list: however many are looked up in one operation, it is one call. null when the list has it not. */
  lookup<Row>(lookup: Lookup<Row>, id: string): Found<Row> {
    const { list, one } = lookup
    const name = readKey(list, {})
    const found = this.#cache.found(name, lookup, id)
    if (found !== undefined) return found
    return this.#cache.find(
      {
        name,
        id: lookup.id,
        alias: lookup.alias,
        list: () => this.read(list, {}),
        one: one && ((wanted) => this.#findAlone(one, wanted)),
      },
      id,
    )
  }

  /** undefined where Privicore may not have that row of the catalogue at all: then only the list can tell. */
  async #findAlone<Row>(
    one: Read<string, { readonly id: string }, Row | null>,
    id: string,
  ): Promise<Row | null | undefined> {
    try {
      return await this.read(one, { id })
    } catch (error) {
      if (!(error instanceof PrivicoreError)) throw error
      if (error.status === 404 && this.#services.privicore.hasAnswered(one)) return null
      if (error.status === 404 || error.status === 405) return undefined
      if (error.code === 'NOT_FOUND') return null
      throw error
    }
  }

  /**
   * Sends a command, once. It goes on when the client leaves.
   * @throws PrivicoreError; OUTCOME_UNKNOWN where it was sent and the answer never came
   */
  async send<Args extends object, Beside>(endpoint: Command<string, Args, Beside>, args: Args): Promise<Sent<Beside>> {
    const { privicore, commands, cache } = this.#services
    const owner = endpoint.auth === 'none' ? null : this.#owner()
    // Outcomes are pushed once: the channel must be there before the command is sent.
    const [sending, hold] = await Promise.all([cache?.sending(owner, endpoint.id), this.#listenFirst(endpoint.auth)])
    this.#hasChanged()
    try {
      const sent = privicore.send(endpoint, args, {
        token: this.caller?.token ?? null,
        signal: this.signal,
        timeoutMs: this.#timeLeft(),
      })
      const accepted = await this.#see(sent, endpoint)
      const command = await commands.accepted(endpoint.id, accepted.commandId, owner, hold?.release)
      if (isSettled(command)) {
        sending?.over()
        await cache?.settled(command)
        this.#hasChanged()
      } else sending?.accepted(command.commandId)
      return { command, beside: accepted.beside }
    } catch (error) {
      hold?.release()
      // Where nobody knows whether it was carried out, what it changes counts as changing for as long as a command is followed.
      if (!hasCode(error, 'OUTCOME_UNKNOWN')) sending?.over()
      throw error
    }
  }

  /** The command as it is now; null when Privicore does not know it, or it is somebody else's. */
  async findCommand(commandId: string): Promise<CommandRecord | null> {
    this.#madeOf = null
    const command = await this.#services.commands.find(commandId, this.#owner(), this.signal)
    if (command !== null) await this.#services.cache?.settled(command)
    return command
  }

  /** Waits for the outcome, at most `timeoutMs` and never past the operation's time; then it is still PENDING. */
  async settle(command: CommandRecord, timeoutMs = Number.POSITIVE_INFINITY): Promise<CommandRecord> {
    const most = Math.max(0, Math.min(timeoutMs, this.#timeLeft() - ANSWER_RESERVE_MS))
    const hold = this.caller && this.#services.following.listen(this.caller)
    const settled = await this.#services.commands
      .settled(command.commandId, most, this.signal)
      .finally(() => hold?.release())
    if (settled !== null) await this.#services.cache?.settled(settled)
    // What was read before may be the old truth.
    if (settled?.status === 'SUCCEEDED') this.#hasChanged()
    return settled ?? command
  }

  /**
   * Reads what a command has made, once it has succeeded; null if it was rejected or is still pending when time runs out.
   * Just after success Privicore may not know it yet: null, NOT_FOUND and what is not `current` are asked again for a while.
   */
  async afterSuccess<T>(
    command: CommandRecord,
    find: () => Found<T>,
    current: (found: T) => boolean = () => true,
  ): Promise<T | null> {
    if ((await this.settle(command)).status !== 'SUCCEEDED') return null
    for (let attempt = 1; ; attempt++) {
      const found = await Promise.try(find).catch((error: unknown) => {
        if (hasCode(error, 'NOT_FOUND')) return null
        throw error
      })
      const wait = attempt === 1 ? FOLLOW_UP.firstPauseMs : FOLLOW_UP.pauseMs
      if (found !== null && current(found)) return found
      if (attempt === FOLLOW_UP.tries || this.#timeLeft() < wait + ANSWER_RESERVE_MS) return found
      await pause(wait, this.signal)
      this.#hasChanged()
    }
  }

  /**
   * Reads what a command has made, by the command's id alone; null until it has settled. A 404 is asked again for a while where
   * the command has succeeded just now.
   * @param whose `any`: for what an application asks for without the token that the command was sent with
   */
  async followUp<T>(commandId: string, find: () => Promise<T>, whose: 'own' | 'any' = 'own'): Promise<T | null> {
    try {
      return await find()
    } catch (error) {
      if (!hasCode(error, 'NOT_FOUND')) throw error
    }
    const command = await (whose === 'any' ? this.#findAnyCommand(commandId) : this.findCommand(commandId))
    // One that this gateway has not sent may have succeeded at any time.
    if (command?.status !== 'SUCCEEDED' || command.acceptedAt === null || command.settledAt === null) return null
    if (Date.now() - Date.parse(command.settledAt) > JUST_NOW_MS) return null
    this.#hasChanged()
    return this.afterSuccess(command, find)
  }

  /** Whoever has sent it. Only to decide whether to ask again: nothing of it may be shown. */
  async #findAnyCommand(commandId: string): Promise<CommandRecord | null> {
    const { commands } = this.#services
    let owner = this.#owner()
    const now = (known: CommandRecord) => {
      owner = known.owner
    }
    const leave = await commands.follow(commandId, { now, settled: () => {}, gaveUp: () => {} })
    leave?.()
    this.#madeOf = null
    return commands.find(commandId, owner, this.signal)
  }

  /** The same operation, with its time and its end, for the caller that a new token belongs to. */
  as(token: Secret): Context {
    return new Context({
      services: this.#services,
      caller: this.#services.callers(token.reveal()),
      requestId: this.requestId,
      signal: this.signal,
      deadline: this.#deadline,
      eventTimeoutMs: this.#eventTimeoutMs,
      address: this.#address,
      cacheNotes: this.#cacheNotes,
    })
  }

  /**
   * A subscription's events, which end with the client, with the caller's token, and with the process. Each event is an operation
   * of its own: nothing that was read for the one before it is served again.
   * @param begin fills the feed; what it answers is called once, when the feed has ended
   * @throws PrivicoreError, also what `begin` throws
   */
  feed<T>(begin: (feed: Feed<T>) => Promise<() => void>): Promise<Feed<T>> {
    const onEvent = () => {
      this.#hasChanged()
      if (this.#eventTimeoutMs !== undefined) this.#deadline = performance.now() + this.#eventTimeoutMs
    }
    return this.#services.following.feeds.open({ session: this.caller, signal: this.signal, onEvent }, begin)
  }

  /** As `findCommand`, but what is remembered of a known command will do: whoever follows it learns the rest. */
  knowCommand(commandId: string): Promise<CommandRecord | null> {
    return this.#services.commands.find(commandId, this.#owner(), this.signal, 'never')
  }

  /** The command now, then its outcome. @returns for the follower to leave; null when it is not known any more */
  async followCommand(
    commandId: string,
    follower: Waiter & { now(command: CommandRecord): void },
  ): Promise<(() => void) | null> {
    const hold = this.caller && this.#services.following.listen(this.caller)
    const leave = await this.#services.commands.follow(commandId, follower)
    if (leave === null) hold?.release()
    return (
      leave &&
      (() => {
        leave()
        hold?.release()
      })
    )
  }

  /** What is read now, then whenever it changes, for whatever Privicore never announces. @returns for the observer to leave */
  observe<Args extends object, Result>(
    endpoint: Read<string, Args, Result>,
    args: Args,
    observing: Observing<Result>,
  ): () => void {
    const { privicore, following } = this.#services
    const { caller } = this
    return following.observer.observe(
      {
        key: `${caller?.digest} ${readKey(endpoint, args)}`,
        lane: caller?.digest ?? '',
        // Not with this operation's signal: others may be asking with it.
        ask: () => this.#see(privicore.read(endpoint, args, { token: caller?.token ?? null }), endpoint),
      },
      observing,
    )
  }

  /** Whether Privicore's push channel is configured: data that was asked for comes by no other way. */
  get hasPush(): boolean {
    return this.#services.following.hasPush
  }

  /** Data was asked for: whoever comes for it later finds it, for some minutes. @param inline where it came at once */
  expectData(requestId: string, inline: { readonly context: string | null; readonly bytes: Buffer } | null): void {
    const { following } = this.#services
    if (this.caller === null) return
    if (inline === null) following.expectData(this.caller, requestId)
    else {
      const { context, bytes } = inline
      following.deliveries.keep(this.caller.digest, { requestId, context, inline: bytes, stream: null })
    }
  }

  /** Data that has arrived already; null while it has not. */
  async findData(requestId: string): Promise<Delivery | null> {
    return this.caller && this.#services.following.deliveries.find(this.caller.digest, requestId)
  }

  /** Calls `listener` once, when the data of a request is there. @returns stops it. @throws UNAUTHENTICATED without a token */
  followData(requestId: string, listener: (delivery: Delivery) => void): () => void {
    const { caller } = this
    if (caller === null) throw new PrivicoreError('UNAUTHENTICATED', 'requested data: needs a token')
    const { following } = this.#services
    const hold = following.listen(caller)
    const stop = following.deliveries.wait(caller.digest, requestId, listener)
    return () => {
      stop()
      hold?.release()
    }
  }

  /** Waits until the data of a request is there; null when the operation's time runs out first. */
  async awaitData(requestId: string): Promise<Delivery | null> {
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        this.signal.removeEventListener('abort', abort)
        stop()
      }
      const done = (delivery: Delivery | null) => {
        end()
        resolve(delivery)
      }
      const abort = () => {
        end()
        reject(this.signal.reason)
      }
      const stop = this.followData(requestId, done)
      const timer = setTimeout(() => done(null), Math.max(0, this.#timeLeft() - ANSWER_RESERVE_MS))
      this.signal.addEventListener('abort', abort)
    })
  }

  /**
   * A short-lived, single-use link on this gateway that stands for a stream of Privicore, for this caller alone.
   * @param stream a whole URL, or a bare auth token
   * @param reservation the command that the stream was opened for: the link lasts no longer than what it has reserved
   * @returns null where that is over already
   * @throws PrivicoreError where the stream may not be opened
   */
  async mintLink(
    { direction, fileName }: Omit<Errand, 'link'>,
    stream: Secret,
    reservation: string | null = null,
  ): Promise<URL | null> {
    const { caller } = this
    if (caller === null) throw new PrivicoreError('UNAUTHENTICATED', 'a link: needs a token')
    const { tickets, streams, publicUrl } = this.#services
    const base = publicUrl ?? this.#address ?? ''
    if (!URL.canParse(base)) {
      throw new PrivicoreError('VALIDATION_FAILED', 'a link: the request names no host', {
        publicMessage: 'The request has no valid Host header, so there is no address to make a link of.',
      })
    }
    const errand = { direction, fileName, link: streams.link(direction, stream) }
    const notAfter = reservation === null ? undefined : await tickets.limitOf(`${caller.digest} ${reservation}`)
    const ticket = await tickets.mint(caller.digest, errand, notAfter)
    if (ticket === null) return null
    // Of a request's own address only where it points counts, not its path.
    const root = publicUrl === undefined ? new URL(base).origin : base.replace(/\/+$/, '')
    return new URL(`${root}/data/${ticket.reveal()}`)
  }

  /** What a command reserves lasts until then, ms since 1970: no link to it lasts longer. */
  async limitLinks(reservation: string, until: number): Promise<void> {
    if (this.caller !== null) await this.#services.tickets.limit(`${this.caller.digest} ${reservation}`, until)
  }

  /** Privicore has said until when a token works: subscriptions with it last no longer. @param expiresAt RFC 3339 */
  noteSession(token: Secret, expiresAt: string): void {
    const session = this.#services.callers(token.reveal())
    if (session !== null) this.#services.following.sessions.expires(session.digest, expiresAt)
  }

  /** The caller's push channel, joined, or given up for now; null where there is none to wait for. */
  async #listenFirst(auth: Auth): Promise<PushHold | null> {
    if (auth !== 'token' || this.caller === null) return null
    return this.#services.following.listenFirst(this.caller, this.#timeLeft() / 2)
  }

  /**
   * Every call tells whether the caller's token still works. Once Privicore does not let the caller in, nothing of his is served
   * from memory either. @param cached the cache has asked, and sees to that itself
   */
  async #see<T>(answer: Promise<T>, { auth }: AnyEndpoint, cached = false): Promise<T> {
    const { caller } = this
    if (auth !== 'token' || caller === null) return answer
    const { following, cache } = this.#services
    try {
      const value = await answer
      following.sessions.works(caller.digest)
      return value
    } catch (error) {
      if (hasCode(error, 'UNAUTHENTICATED') && error.status === 401) following.sessions.ended(caller.digest)
      if (!cached && isRefusal(error)) await cache?.refused(caller.digest)
      throw error
    }
  }

  /** From now on this operation reads anew. */
  #hasChanged(): void {
    this.#cache.forget()
    this.#since = Date.now()
  }

  #owner(): string | null {
    return this.caller?.digest ?? null
  }

  #timeLeft(): number {
    return this.#deadline - performance.now()
  }
}

/** Two reads of one key are the same question, however their arguments were written down. */
function readKey({ id, args: names, extra }: Read<string, unknown, unknown>, args: object): string {
  if (names.length === 0 && !extra) return id
  const given = args as Readonly<Record<string, unknown>>
  const values = names.map((name) => given[name] ?? null)
  return `${id} ${JSON.stringify(extra ? [...values, given.extra ?? null] : values)}`
}
