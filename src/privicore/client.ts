// The door to Privicore: sends one row of the catalogue and answers its value or a coded error. Knows no row in particular.
import { commandIdOf } from './acknowledgement.ts'
import { Misfit } from './decode.ts'
import { encodeForm, fillPath, type Value, type Values } from './encoding.ts'
import type { AnyEndpoint, AnyRead, Command, Method, Read } from './endpoint.ts'
import { readErrorBody } from './error-body.ts'
import { PrivicoreError, type PrivicoreErrorCode } from './errors.ts'
import { ExchangeFailure, Origin, parseBody, type WireAnswer } from './http.ts'
import { pause } from './pause.ts'
import type { Secret } from './secret.ts'

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

export interface EndpointOverride {
  readonly method?: Method | undefined
  readonly path?: string | undefined
}

export interface Attempt {
  readonly endpoint: string
  /** HTTP status, or why there was none. */
  readonly result: number | ExchangeFailure['kind']
  readonly durationMs: number
}

export interface CallOptions {
  /** The caller's token; needed by rows of auth `token`. */
  readonly token?: Secret | null
  /** The value after `Basic `; needed by rows of auth `client` and `access-token`. */
  readonly basic?: Secret
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

/** A header value that may be sent: anything else could not have come from Privicore. */
const HEADER_VALUE = /^[\x21-\x7e]+$/

export class Privicore {
  readonly #options: PrivicoreOptions
  readonly #origin: Origin
  readonly #prefix: string
  /** Catalogue ids of the reads that this server has answered: it has them. */
  readonly #answered = new Set<string>()

  constructor(options: PrivicoreOptions) {
    const url = new URL(options.baseUrl)
    this.#options = options
    this.#prefix = url.pathname.replace(/\/+$/, '')
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
    const override = this.#options.overrides?.get(endpoint.id)
    const method = options.method ?? override?.method ?? endpoint.method
    const template = override?.path ?? endpoint.path
    const path = this.#prefix + fillPath(template, args)
    const headers: Record<string, string> = { accept: 'application/json' }
    authorize(endpoint, options, headers)
    const { query, body } = carry(endpoint, method, carried(endpoint, template, args), headers)
    const startedAt = performance.now()
    const observe = (result: Attempt['result']) =>
      this.#options.onAttempt?.({ endpoint: endpoint.id, result, durationMs: performance.now() - startedAt })
    try {
      return await this.#origin.exchange(
        { method, path: query === '' ? path : `${path}?${query}`, headers, body },
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

function authorize(endpoint: AnyEndpoint, options: CallOptions, headers: Record<string, string>): void {
  switch (endpoint.auth) {
    case 'none':
    case 'query':
      return
    case 'token':
      headers['x-dpt-authorization'] = credential(endpoint, options.token)
      return
    case 'client':
    case 'access-token':
      headers.authorization = `Basic ${credential(endpoint, options.basic)}`
  }
}

function credential(endpoint: AnyEndpoint, secret: Secret | null | undefined): string {
  const value = secret?.reveal() ?? ''
  if (HEADER_VALUE.test(value)) return value
  throw new PrivicoreError('UNAUTHENTICATED', `${endpoint.id}: needs credentials that can be sent`, {
    endpoint: endpoint.id,
  })
}

function carry(
  endpoint: AnyEndpoint,
  method: Method,
  values: Values,
  headers: Record<string, string>,
): { query: string; body: string | null } {
  if (endpoint.encoding === 'query' || method === 'GET') {
    const query = endpoint.args.length === 0 && !endpoint.extra ? '' : encodeForm(values)
    if (method === 'GET' || endpoint.encoding !== 'query') return { query, body: null }
    // Only /request-status is ever asked by POST like this (privicore.md §1.2).
    headers['content-type'] = 'application/json'
    return { query, body: '{}' }
  }
  if (endpoint.encoding === 'json') {
    headers['content-type'] = 'application/json'
    return { query: '', body: JSON.stringify(values) }
  }
  headers['content-type'] = 'application/x-www-form-urlencoded'
  return { query: '', body: encodeForm(values) }
}

/** The arguments that do not go into the path, under the names and in the order of the row. */
function carried(endpoint: AnyEndpoint, path: string, args: Values): Values {
  const values: Record<string, Value> = {}
  if (endpoint.extra) Object.assign(values, args.extra)
  for (const name of endpoint.args) {
    if (args[name] !== undefined && !path.includes(`{${name}}`)) values[name] = args[name]
  }
  for (const [twin, name] of Object.entries(endpoint.twins)) if (args[name] !== undefined) values[twin] = args[name]
  return values
}

/** What an attempt without an answer means: for what was sent and has an effect, or is handed out once, that nobody knows. */
export function coded(endpoint: AnyEndpoint, failure: unknown): PrivicoreError {
  if (failure instanceof PrivicoreError) return failure
  if (!(failure instanceof ExchangeFailure)) throw failure
  // Given up by the operation, which knows why: its client left, or its time ran out.
  if (failure.cause instanceof PrivicoreError) return failure.cause
  const details = { endpoint: endpoint.id, cause: failure }
  if (failure.sent && (endpoint.kind === 'command' || (endpoint.kind === 'read' && endpoint.once))) {
    return new PrivicoreError(
      'OUTCOME_UNKNOWN',
      `${endpoint.id}: sent, but the answer never came (${failure.kind})`,
      details,
    )
  }
  return new PrivicoreError(FAILURE_CODES[failure.kind], `${endpoint.id}: ${failure.message}`, details)
}

const FAILURE_CODES: Record<ExchangeFailure['kind'], PrivicoreErrorCode> = {
  connection: 'UPSTREAM_UNAVAILABLE',
  timeout: 'UPSTREAM_TIMEOUT',
  cancelled: 'CANCELLED',
  'too-large': 'UPSTREAM_PROTOCOL',
}

/** The coded error of an answer that is not 2xx. */
export function refusal(endpoint: AnyEndpoint, answer: WireAnswer): PrivicoreError {
  const { violations, reason } = readErrorBody(lenient(() => parseBody(answer.text, endpoint.id)))
  const details = {
    endpoint: endpoint.id,
    status: answer.status,
    violations,
    ...(reason === undefined ? {} : { reason }),
    ...retryAfter(answer),
  }
  return new PrivicoreError(refusalCode(answer.status, violations.length), `${endpoint.id}: ${answer.status}`, details)
}

function refusalCode(status: number, violations: number): PrivicoreErrorCode {
  switch (status) {
    case 401:
      return 'UNAUTHENTICATED'
    case 403:
      return 'FORBIDDEN'
    case 404:
    case 410:
      return 'NOT_FOUND'
    case 409:
      return 'CONFLICT'
    case 422:
      return 'VALIDATION_FAILED'
    case 429:
      return 'RATE_LIMITED'
    case 400:
      return violations > 0 ? 'VALIDATION_FAILED' : 'UPSTREAM_PROTOCOL'
    default:
      return status >= 500 ? 'UPSTREAM_UNAVAILABLE' : 'UPSTREAM_PROTOCOL'
  }
}

/** Retry-After is seconds or a date. */
function retryAfter(answer: WireAnswer): { retryAfter?: number } {
  const value = answer.header('retry-after')
  if (value === null) return {}
  const seconds = /^\d+$/.test(value) ? Number(value) : Math.ceil((Date.parse(value) - Date.now()) / 1000)
  return Number.isFinite(seconds) ? { retryAfter: Math.max(0, seconds) } : {}
}

/** What a body that fits no reader means; any other error as it is. */
function misread(endpoint: AnyEndpoint, { status }: WireAnswer, error: unknown): unknown {
  if (!(error instanceof Misfit)) return error
  const { id } = endpoint
  return new PrivicoreError('UPSTREAM_PROTOCOL', `${id}: ${error.message}`, { endpoint: id, status, cause: error })
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

/** For bodies that only add to what is known already: what cannot be parsed says nothing. */
function lenient(parse: () => unknown): unknown {
  try {
    return parse()
  } catch (error) {
    if (error instanceof Misfit) return undefined
    throw error
  }
}
