// The door to Privicore: sends one row of the catalogue and answers its value or a coded error. Knows no row in particular.
import { commandIdOf } from './acknowledgement.ts'
import { Misfit } from './decode.ts'
import type { Values } from './encoding.ts'
import type { AnyEndpoint, AnyRead, Command, Method, Read } from './endpoint.ts'
import { PrivicoreError } from './errors.ts'
import { ExchangeFailure, Origin, parseBody, type WireAnswer } from './http.ts'
import { pause } from './pause.ts'
import { coded, lenient, misread, refusal } from './refusal.ts'
import { type Credentials, compose, type EndpointOverride, type Spelling } from './request.ts'

/** Before the one retry of a read: long enough for a restarted worker to accept again, short beside any deadline. */
const RETRY_PAUSE_MS = { min: 20, max: 60 }
const RETRIED_STATUSES = new Set([502, 503, 504])

export interface PrivicoreOptions {
  /** May have a path, which is put before every row's. */
  readonly baseUrl: string
  /** One attempt, in milliseconds (PRIVICORE_TIMEOUT_MS). */
  readonly timeoutMs: number
  /** Most open sockets. */
  readonly connections: number
  /** PRIVICORE_ENDPOINTS: method and path by catalogue id. */
  readonly overrides?: ReadonlyMap<string, EndpointOverride>
  /** Told of every attempt once it has ended: for logs, metrics and traces. */
  readonly onAttempt?: (attempt: Attempt) => void
}

export interface Attempt {
  readonly endpoint: string
  /** HTTP status, or why there was none. */
  readonly result: number | ExchangeFailure['kind']
  readonly durationMs: number
}

export interface CallOptions extends Credentials {
  /** Cancels a read. A command is not cancelled once sent: it would only lose its answer. */
  readonly signal?: AbortSignal
  /** Shortens the attempt, e.g. to what is left of the operation's time. */
  readonly timeoutMs?: number
}

/** What an accepted command said. `commandId` is null where Privicore completed it at once and named none. */
export interface Accepted<Beside> {
  readonly commandId: string | null
  readonly beside: Beside
}

/** What a read has brought. Beside an answer that may be asked for again, it shows by its one key. */
interface Readable<Result> {
  readonly value: Result
}

export class Privicore {
  readonly #options: PrivicoreOptions
  readonly #origin: Origin
  readonly #spelling: Spelling
  /** Catalogue ids of the reads that this server has answered: it has them. */
  readonly #answered = new Set<string>()

  constructor(options: PrivicoreOptions) {
    const url = new URL(options.baseUrl)
    this.#options = options
    this.#spelling = { prefix: url.pathname.replace(/\/+$/, ''), overrides: options.overrides }
    this.#origin = new Origin(url, options.connections, options.timeoutMs)
  }

  /** @throws PrivicoreError; a failed connection and 502, 503, 504 are tried once more */
  async read<Args, Result>(
    endpoint: Read<string, Args, Result>,
    args: Args,
    options: CallOptions = {},
  ): Promise<Result> {
    const read = (answer: WireAnswer) =>
      RETRIED_STATUSES.has(answer.status) ? answer : this.#readable(endpoint, answer)
    let first: Readable<Result> | WireAnswer | ExchangeFailure
    try {
      first = await this.#attempt(endpoint, args as Values, options, read)
    } catch (failure) {
      if (!(failure instanceof ExchangeFailure) || failure.kind !== 'connection') throw coded(endpoint, failure)
      first = failure
    }
    if ('value' in first) return first.value
    return this.#readable(endpoint, await this.#readAgain(endpoint, args as Values, options, first)).value
  }

  /** What a body says, once it is known to say something. @throws PrivicoreError */
  #readable<Result>(endpoint: Read<string, unknown, Result>, answer: WireAnswer): Readable<Result> {
    if (answer.status < 200 || answer.status > 299) throw refusal(endpoint, answer)
    this.#answered.add(endpoint.id)
    try {
      return { value: endpoint.decode(parseBody(answer.text, endpoint.id)) }
    } catch (error) {
      throw misread(endpoint, answer, error)
    }
  }

  /** Whether this server has ever answered that read: until it has, a 404 may be about the row and not about the id. */
  hasAnswered(endpoint: AnyRead): boolean {
    return this.#answered.has(endpoint.id)
  }

  /** @throws PrivicoreError; OUTCOME_UNKNOWN where it was sent and the answer never came. It is never sent again. */
  async send<Args, Beside>(
    endpoint: Command<string, Args, Beside>,
    args: Args,
    options: CallOptions = {},
  ): Promise<Accepted<Beside>> {
    if (options.signal?.aborted)
      throw new PrivicoreError('CANCELLED', `${endpoint.id}: not sent`, { endpoint: endpoint.id })
    const { signal: _, ...rest } = options
    const answer = await this.exchange(endpoint, args as Values, rest).catch((failure: unknown) => {
      // The id is in the headers: the body that was cut off has nothing to add.
      if (failure instanceof ExchangeFailure && failure.head && commandIdOf(undefined, failure.head)) {
        return { ...failure.head, text: '' }
      }
      throw coded(endpoint, failure)
    })
    if (answer.status < 200 || answer.status > 299) throw refusal(endpoint, answer)
    try {
      const idInHeader = commandIdOf(undefined, answer)
      const body = idInHeader === null ? bodyOf(endpoint, answer) : lenient(() => parseBody(answer.text, endpoint.id))
      const answersText = endpoint.bareText === 'answer' && answer.status === 200 && typeof body === 'string'
      const commandId = answersText ? idInHeader : commandIdOf(body, answer)
      const beside = endpoint.decode(body, answer.header, commandId)
      if (commandId === null && answer.status === 202 && beside === undefined) {
        throw new Misfit(endpoint.id, 'a command id', body)
      }
      return { commandId, beside }
    } catch (error) {
      throw misread(endpoint, answer, error)
    }
  }

  /**
   * One attempt, whatever the status of its answer.
   * @throws ExchangeFailure; PrivicoreError for what cannot be sent (no token, an id that cannot be one)
   */
  exchange(
    endpoint: AnyEndpoint,
    args: Values,
    options: CallOptions & { readonly method?: Method } = {},
  ): Promise<WireAnswer> {
    return this.#attempt(endpoint, args, options, (answer) => answer)
  }

  async #attempt<T>(
    endpoint: AnyEndpoint,
    args: Values,
    options: CallOptions & { readonly method?: Method },
    read: (answer: WireAnswer) => T,
  ): Promise<T> {
    const request = compose(endpoint, args, options, this.#spelling)
    const startedAt = performance.now()
    const observe = (result: Attempt['result']) =>
      this.#options.onAttempt?.({ endpoint: endpoint.id, result, durationMs: performance.now() - startedAt })
    try {
      return await this.#origin.exchange(
        request,
        {
          signal: options.signal,
          timeoutMs: Math.min(this.#options.timeoutMs, options.timeoutMs ?? Number.POSITIVE_INFINITY),
        },
        (answer) => {
          observe(answer.status)
          return read(answer)
        },
      )
    } catch (failure) {
      if (failure instanceof ExchangeFailure) observe(failure.kind)
      throw failure
    }
  }

  /** Ends every connection; what is under way fails. */
  close(): Promise<void> {
    return this.#origin.close()
  }

  async #readAgain(
    endpoint: AnyRead,
    args: Values,
    options: CallOptions,
    first: WireAnswer | ExchangeFailure,
  ): Promise<WireAnswer> {
    const mayRetry = !endpoint.once || (first instanceof ExchangeFailure && !first.sent)
    if (mayRetry) {
      try {
        await pause(RETRY_PAUSE_MS.min + Math.random() * (RETRY_PAUSE_MS.max - RETRY_PAUSE_MS.min), options.signal)
        return await this.exchange(endpoint, args, options)
      } catch (failure) {
        if (options.signal?.aborted) {
          const sent = failure instanceof ExchangeFailure && failure.sent
          throw coded(endpoint, new ExchangeFailure('cancelled', sent, null, options.signal.reason))
        }
        throw coded(endpoint, failure)
      }
    }
    if (first instanceof ExchangeFailure) throw coded(endpoint, first)
    return first
  }
}

/** A 202 must name its command; any other 2xx whose body says nothing readable may have completed, or be on its way. */
function bodyOf(endpoint: AnyEndpoint, answer: WireAnswer): unknown {
  try {
    return parseBody(answer.text, endpoint.id)
  } catch (error) {
    if (!(error instanceof Misfit) || answer.status === 202) throw error
    throw new PrivicoreError('OUTCOME_UNKNOWN', `${endpoint.id}: sent, but its answer cannot be read`, {
      endpoint: endpoint.id,
      status: answer.status,
      cause: error,
    })
  }
}
