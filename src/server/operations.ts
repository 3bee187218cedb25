// One operation, however it came: its context and deadline, its coded errors, its line in the log. Knows no HTTP and no yoga.
import { randomUUID } from 'node:crypto'
import { type ExecutionResult, GraphQLError } from 'graphql'
import { Context } from '../context/context.ts'
import type { CacheNote, Caller, Services } from '../context/scope.ts'
import type { Metrics } from '../metrics.ts'
import { hasCode, PrivicoreError } from '../privicore/errors.ts'
import { rootCause, toGraphQLError } from '../schema/errors.ts'
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

/** How an operation came. */
export interface AskedOperation {
  readonly token: string | null
  /** A subscription ends with its token or its client, not with a clock. What a query does not find is null, not an error. */
  readonly type: 'query' | 'mutation' | 'subscription'
  readonly requestId?: string
  /** The client wants extensions.cache. */
  readonly cacheDebug?: boolean
  /** A URL that the request was sent to, in the client's words. */
  readonly address?: string | undefined
}

interface OperationParts {
  readonly services: Services
  readonly caller: Caller | null
  readonly requestTimeoutMs: number
  readonly cacheNotes: CacheNote[] | undefined
}

const SUGGESTION = / Did you mean [^?]*\?/g

export class Operations {
  readonly #options: OperationsOptions
  readonly #coded = new WeakSet<GraphQLError>()

  constructor(options: OperationsOptions) {
    this.#options = options
  }

  begin(asked: AskedOperation): Operation {
    const { services, callers, requestTimeoutMs, cacheDebug } = this.#options
    const cacheNotes = asked.cacheDebug && cacheDebug ? [] : undefined
    return new Operation(this, asked, { services, caller: callers(asked.token), requestTimeoutMs, cacheNotes })
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

  /** An answer that was given before goes out again. @returns the id of the request */
  answerAgain({ type, name }: OperationName): string {
    const { log, metrics } = this.#options
    const requestId = randomUUID()
    metrics.operations.inc({ type, code: 'none' })
    if (log.isLevelEnabled('info')) log.info({ requestId, operation: name, type, ms: 0 }, 'operation')
    return requestId
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
  /** Aborts when the client leaves; null once somebody else sees to that. */
  #client: AbortSignal | null = null

  readonly #type: AskedOperation['type']

  constructor(operations: Operations, asked: AskedOperation, parts: OperationParts) {
    const { services, caller, requestTimeoutMs, cacheNotes } = parts
    const { requestId = randomUUID(), address } = asked
    this.#operations = operations
    this.#type = asked.type
    this.#cacheNotes = cacheNotes
    this.requestId = requestId
    const lasting = asked.type === 'subscription'
    const timeoutMs = lasting ? Number.POSITIVE_INFINITY : requestTimeoutMs
    if (!lasting) this.#timer = setTimeout(() => this.#expire(timeoutMs), timeoutMs)
    this.context = new Context({
      services,
      caller,
      requestId,
      signal: this.#abort.signal,
      deadline: this.startedAt + timeoutMs,
      eventTimeoutMs: requestTimeoutMs,
      address,
      serial: asked.type === 'mutation',
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

  /** It is left when this aborts; null: when it is told so. */
  endWith(client: AbortSignal | null): void {
    this.#client?.removeEventListener('abort', this.leave)
    this.#client = client
    client?.addEventListener('abort', this.leave, { once: true })
  }

  /** A result, or a part of one, as the client gets it. */
  answer<T extends Part>(part: T): T {
    const answered = this.#operations.codeAll(this.#type === 'query' ? withoutNotFound(part) : part, this.requestId)
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
    this.endWith(null)
    this.#operations.ended(this, name)
  }
}

/** A query answers null for what Privicore does not know: the data says so already. */
function withoutNotFound<T extends Part>(part: T): T {
  if (part.incremental !== undefined) return { ...part, incremental: part.incremental.map(withoutNotFound) }
  if (part.errors === undefined || part.data === undefined) return part
  const { errors, ...rest } = part
  const left = errors.filter((error) => !hasCode(rootCause(error), 'NOT_FOUND'))
  return (left.length === 0 ? rest : { errors: left, ...rest }) as T
}
