// One operation, however it came: its context and deadline, its coded errors, its line in the log. Knows no HTTP and no yoga.
import { randomUUID } from 'node:crypto'
import { type ExecutionResult, GraphQLError } from 'graphql'
import { type CacheNote, type Caller, Context, type Services } from '../context.ts'
import type { Metrics } from '../metrics.ts'
import { PrivicoreError } from '../privicore/errors.ts'
import { toGraphQLError } from '../schema/errors.ts'
import type { Logger } from './log.ts'

export interface OperationsOptions {
  readonly services: Services
  readonly callers: (token: string | null) => Caller | null
  readonly requestTimeoutMs: number
  /** Whether validation errors may name what the schema has ("Did you mean …"). */
  readonly suggestions: boolean
  readonly log: Logger
  readonly metrics: Pick<Metrics, 'operations'>
  /** Whether clients may learn what came out of the cache. */
  readonly cacheDebug: boolean
}

/** What an executor may answer: a result, or one part of an incremental one. */
export interface Part extends ExecutionResult {
  readonly incremental?: readonly Part[]
}

/** What the log and the metrics say of an operation. */
export interface OperationName {
  readonly type: string
  readonly name: string | undefined
}

const SUGGESTION = / Did you mean [^?]*\?/g

export class Operations {
  readonly #options: OperationsOptions
  readonly #coded = new WeakSet<GraphQLError>()

  constructor(options: OperationsOptions) {
    this.#options = options
  }

  /**
   * @param lasting a subscription: it ends with its token or its client, not with a clock
   * @param cacheDebug the client wants extensions.cache
   */
  begin(token: string | null, requestId: string = randomUUID(), lasting = false, cacheDebug = false): Operation {
    const { services, callers, requestTimeoutMs } = this.#options
    const timeoutMs = lasting ? Number.POSITIVE_INFINITY : requestTimeoutMs
    const cacheNotes = cacheDebug && this.#options.cacheDebug ? [] : undefined
    return new Operation(this, services, callers(token), requestId, timeoutMs, requestTimeoutMs, cacheNotes)
  }

  /** The public face of an error; the same one when it has its face already. */
  code(error: unknown, requestId: string): GraphQLError {
    if (error instanceof GraphQLError && this.#coded.has(error)) return error
    const { log, suggestions } = this.#options
    const face = toGraphQLError(error, requestId, (bug) => log.error({ requestId, err: bug }, 'unexpected failure'))
    if (!suggestions) face.message = face.message.replaceAll(SUGGESTION, '')
    this.#coded.add(face)
    return face
  }

  codeAll<T extends Part>(part: T, requestId: string): T {
    if (part.errors === undefined && part.incremental === undefined) return part
    return {
      ...part,
      ...(part.errors && { errors: part.errors.map((error) => this.code(error, requestId)) }),
      ...(part.incremental && { incremental: part.incremental.map((inner) => this.codeAll(inner, requestId)) }),
    }
  }

  ended(operation: Operation, { type, name }: OperationName): void {
    const { log, metrics } = this.#options
    const { requestId, codes } = operation
    metrics.operations.inc({ type, code: codes[0] ?? 'none' })
    if (!log.isLevelEnabled('info')) return
    const line = { requestId, operation: name, type, ms: Math.round(performance.now() - operation.startedAt) }
    log.info(codes.length === 0 ? line : { ...line, errors: codes }, 'operation')
  }
}

export class Operation {
  readonly context: Context
  readonly requestId: string
  readonly startedAt = performance.now()
  /** Codes of the errors that it has answered. */
  readonly codes: string[] = []
  readonly #operations: Operations
  readonly #abort = new AbortController()
  readonly #timer: NodeJS.Timeout | undefined
  readonly #cacheNotes: CacheNote[] | undefined

  constructor(
    operations: Operations,
    services: Services,
    caller: Caller | null,
    requestId: string,
    timeoutMs: number,
    eventTimeoutMs: number,
    cacheNotes?: CacheNote[],
  ) {
    this.#operations = operations
    this.requestId = requestId
    if (Number.isFinite(timeoutMs)) this.#timer = setTimeout(() => this.#expire(timeoutMs), timeoutMs)
    const deadline = this.startedAt + timeoutMs
    this.#cacheNotes = cacheNotes
    this.context = new Context({
      services,
      caller,
      requestId,
      signal: this.#abort.signal,
      deadline,
      eventTimeoutMs,
      cacheNotes,
    })
  }

  #expire(timeoutMs: number): void {
    this.#abort.abort(new PrivicoreError('DEADLINE_EXCEEDED', `operation: ${timeoutMs} ms are over`))
  }

  /** The client has left: what it has not sent yet is not sent, and what it reads is given up. */
  readonly leave = (): void => {
    this.#abort.abort(new PrivicoreError('CANCELLED', 'operation: the client has left'))
  }

  /** A result, or a part of one, as the client gets it. */
  answer<T extends Part>(part: T): T {
    const answered = this.#operations.codeAll(part, this.requestId)
    for (const error of answered.errors ?? []) this.codes.push(String(error.extensions.code))
    for (const inner of answered.incremental ?? []) {
      for (const error of inner.errors ?? []) this.codes.push(String(error.extensions.code))
    }
    if (this.#cacheNotes === undefined) return answered
    // Each part of an incremental answer tells of the reads since the last.
    return { ...answered, extensions: { ...answered.extensions, cache: this.#cacheNotes.splice(0) } }
  }

  /** It is another's to run: nothing was done, nothing is told. */
  abandon(): void {
    clearTimeout(this.#timer)
  }

  end(name: OperationName): void {
    clearTimeout(this.#timer)
    this.#operations.ended(this, name)
  }
}
