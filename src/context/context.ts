// One GraphQL operation: who asks, and the only doors to Privicore. Knows no GraphQL and no area.
import type { Verdict } from '../cache/cache.ts'
import type { Recipe } from '../cache/ingredients.ts'
import type { Entry } from '../cache/memory.ts'
import { policyOf } from '../cache/policy.ts'
import type { Feed } from '../commands/feed.ts'
import type { Observing } from '../commands/observer.ts'
import type { CallOptions } from '../privicore/client.ts'
import type { AnyRead, Read } from '../privicore/endpoint.ts'
import { hasCode, PrivicoreError } from '../privicore/errors.ts'
import type { Secret } from '../privicore/secret.ts'
import { CallerCommands } from './commands.ts'
import { CallerData } from './data.ts'
import { CallerLinks } from './links.ts'
import { type Caller, type ContextOptions, type Found, Scope } from './scope.ts'

/** Finds one record by its id, out of a list that one call answers. */
export interface Lookup<Row> {
  readonly list: Read<string, object, Row[]>
  readonly id: (row: Row) => string
  /** Another id it goes by; the id of another record wins. */
  readonly alias?: (row: Row) => string
  /** Answers one record alone, by its `id`: asked where nothing else of the list is wanted in the operation. */
  readonly one?: Read<string, { readonly id: string }, Row | null>
}

export class Context {
  readonly caller: Caller | null
  readonly requestId: string
  readonly signal: AbortSignal
  readonly #scope: Scope
  readonly #note: ((read: string, status: Verdict, ageMs: number) => void) | null
  // Most operations only read.
  #commands: CallerCommands | undefined
  #data: CallerData | undefined
  #links: CallerLinks | undefined

  constructor(options: ContextOptions) {
    this.caller = options.caller
    this.requestId = options.requestId
    this.signal = options.signal
    this.#scope = new Scope(options)
    const notes = options.cacheNotes
    this.#note = notes === undefined ? null : (read, status, ageMs) => void notes.push({ read, status, ageMs })
  }

  get commands(): CallerCommands {
    this.#commands ??= new CallerCommands(this.#scope)
    return this.#commands
  }

  get data(): CallerData {
    this.#data ??= new CallerData(this.#scope)
    return this.#data
  }

  get links(): CallerLinks {
    this.#links ??= new CallerLinks(this.#scope)
    return this.#links
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
    const { privicore, cache } = this.#scope.services
    const ask = (signal: AbortSignal, cached = true) =>
      this.#scope.see(
        privicore.read(endpoint, args, { ...credentials, token: caller?.token ?? null, signal }),
        endpoint,
        cached,
      )
    const askAlone = () => ask(this.signal, false)
    const policy = policyOf(endpoint.id)
    if (endpoint.once || credentials.basic !== undefined) {
      this.#scope.spoil()
      return askAlone()
    }
    const field = readKey(endpoint, args)
    if (!('area' in policy) || cache === null || caller === null || endpoint.auth !== 'token') {
      this.#scope.spoil()
      return this.#scope.cache.share(field, askAlone, policy.kind !== 'never')
    }
    const known = this.#scope.cache.known<Result>(field)
    if (known !== undefined) return known
    const { id } = endpoint
    const question = {
      id,
      policy,
      field,
      ask,
      caller: caller.digest,
      since: this.#scope.since,
      signal: this.signal,
      ingredients: this.#scope.ingredients,
      note: this.#note,
    }
    const entry = cache.peek<Result>(question)
    if (entry !== undefined) {
      this.#scope.ingredients.spoil()
      // What is nobody's own is served only to who was let in a moment ago: each time that is asked anew.
      if (policy.kind === 'public') this.#scope.madeOf = null
      this.#scope.madeOf?.push(entry)
      return this.#scope.cache.hold(field, entry.promise, entry.value)
    }
    this.#scope.madeOf = null
    if (policy.kind === 'public') this.#scope.ingredients.spoil()
    this.#scope.ingredients.await()
    return this.#scope.cache.share(field, () => cache.read(question))
  }

  /** The remembered values that all of this operation was made of; null where anything else went into it. */
  get madeOf(): readonly Entry[] | null {
    return this.#scope.since === 0 ? this.#scope.madeOf : null
  }

  /** What all of this operation was made of, where the shared tier knows that; null where anything else went into it. */
  get recipe(): Recipe | null {
    return this.#scope.since === 0 ? this.#scope.ingredients.recipe : null
  }

  /**
   * Starts reads without arguments that the operation will ask for. Resolves when all have come; what fails is told to whoever asks.
   * @returns null where all are here already
   */
  readAhead(endpoints: readonly AnyRead[]): Promise<unknown> | null {
    let coming: Promise<unknown>[] | null = null
    for (const endpoint of endpoints as readonly Read<string, object, unknown>[]) {
      const reading = this.read(endpoint, {})
      if (this.#scope.cache.isHere(readKey(endpoint, {}))) continue
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
    const found = this.#scope.cache.found(name, lookup, id)
    if (found !== undefined) return found
    return this.#scope.cache.find(
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
      if (error.status === 404 && this.#scope.services.privicore.hasAnswered(one)) return null
      if (error.status === 404 || error.status === 405) return undefined
      if (error.code === 'NOT_FOUND') return null
      throw error
    }
  }

  /** The same operation, with its time and its end, for the caller that a new token belongs to. */
  as(token: Secret): Context {
    return new Context(this.#scope.optionsFor(token))
  }

  /**
   * A subscription's events, which end with the client, with the caller's token, and with the process. Each event is an operation
   * of its own: nothing that was read for the one before it is served again.
   * @param begin fills the feed; what it answers is called once, when the feed has ended
   * @throws PrivicoreError, also what `begin` throws
   */
  feed<T>(begin: (feed: Feed<T>) => Promise<() => void>): Promise<Feed<T>> {
    const { feeds } = this.#scope.services.following
    const onEvent = () => this.#scope.beginEvent()
    return feeds.open({ session: this.caller, signal: this.signal, onEvent }, begin)
  }

  /** What is read now, then whenever it changes, for whatever Privicore never announces. @returns for the observer to leave */
  observe<Args extends object, Result>(
    endpoint: Read<string, Args, Result>,
    args: Args,
    observing: Observing<Result>,
  ): () => void {
    const { privicore, following } = this.#scope.services
    const { caller } = this
    return following.observer.observe(
      {
        key: `${caller?.digest} ${readKey(endpoint, args)}`,
        lane: caller?.digest ?? '',
        // Not with this operation's signal: others may be asking with it.
        ask: () => this.#scope.see(privicore.read(endpoint, args, { token: caller?.token ?? null }), endpoint),
      },
      observing,
    )
  }

  /** Privicore has said until when a token works: subscriptions with it last no longer. @param expiresAt RFC 3339 */
  noteSession(token: Secret, expiresAt: string): void {
    const { callers, following } = this.#scope.services
    const session = callers(token.reveal())
    if (session !== null) following.sessions.expires(session.digest, expiresAt)
  }
}

/** Two reads of one key are the same question, however their arguments were written down. */
function readKey({ id, args: names, extra }: Read<string, unknown, unknown>, args: object): string {
  if (names.length === 0 && !extra) return id
  const given = args as Readonly<Record<string, unknown>>
  const values = names.map((name) => given[name] ?? null)
  return `${id} ${JSON.stringify(extra ? [...values, given.extra ?? null] : values)}`
}
