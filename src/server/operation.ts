// One operation on its way through the server: its context and deadline, its coded errors, its line in the log.
import { randomUUID } from 'node:crypto'
import { type ExecutionArgs, type ExecutionResult, GraphQLError, getOperationAST } from 'graphql'
import { isAsyncIterable, type Plugin, type YogaInitialContext } from 'graphql-yoga'
import { type Caller, Context, type Services } from '../context.ts'
import type { Metrics } from '../metrics.ts'
import { PrivicoreError } from '../privicore/errors.ts'
import { toGraphQLError } from '../schema/errors.ts'
import { tokenOf } from './credentials.ts'
import type { Logger } from './log.ts'

export interface OperationOptions {
  readonly services: Services
  readonly callers: (token: string | null) => Caller | null
  readonly requestTimeoutMs: number
  /** Whether validation errors may name what the schema has ("Did you mean …"). */
  readonly suggestions: boolean
  readonly log: Logger
  readonly metrics: Pick<Metrics, 'operations'>
}

/** What an executor may answer: a result, or one part of an incremental one. */
interface Part extends ExecutionResult {
  readonly incremental?: readonly Part[]
}

interface Answered {
  readonly result: unknown
  readonly setResult: (result: never) => void
}

const SUGGESTION = / Did you mean [^?]*\?/g

export function useOperation(options: OperationOptions): Plugin {
  const { services, callers, requestTimeoutMs, log, metrics } = options
  const requestIds = new WeakMap<Request, string>()
  const coded = new WeakSet<GraphQLError>()

  const requestIdOf = (request: Request | undefined): string => {
    const known = request && requestIds.get(request)
    if (known !== undefined) return known
    const requestId = randomUUID()
    if (request) requestIds.set(request, requestId)
    return requestId
  }

  const code = (error: unknown, requestId: string): GraphQLError => {
    if (error instanceof GraphQLError && coded.has(error)) return error
    const face = toGraphQLError(error, requestId, (bug) => log.error({ requestId, err: bug }, 'unexpected failure'))
    if (!options.suggestions) face.message = face.message.replaceAll(SUGGESTION, '')
    coded.add(face)
    return face
  }

  const codeAll = <T extends Part>(part: T, requestId: string): T => {
    if (part.errors === undefined && part.incremental === undefined) return part
    return {
      ...part,
      ...(part.errors && { errors: part.errors.map((error) => code(error, requestId)) }),
      ...(part.incremental && { incremental: part.incremental.map((inner) => codeAll(inner, requestId)) }),
    }
  }

  /** Makes the context that replaces yoga's; `end` says that the operation is over. */
  const begin = (args: ExecutionArgs, timeoutMs: number) => {
    const { request } = args.contextValue as YogaInitialContext
    const requestId = requestIdOf(request)
    const startedAt = performance.now()
    const abort = new AbortController()
    const timer = Number.isFinite(timeoutMs)
      ? setTimeout(
          () => abort.abort(new PrivicoreError('DEADLINE_EXCEEDED', `operation: ${timeoutMs} ms are over`)),
          timeoutMs,
        )
      : undefined
    const leave = () => abort.abort(new PrivicoreError('CANCELLED', 'operation: the client has left'))
    request.signal.addEventListener('abort', leave, { once: true })
    const context = new Context({
      services,
      caller: callers(tokenOf((name) => request.headers.get(name))),
      requestId,
      signal: abort.signal,
      deadline: startedAt + timeoutMs,
    })
    const codes: string[] = []
    return {
      requestId,
      context,
      note: (part: Part) => {
        for (const error of part.errors ?? []) codes.push(String(error.extensions.code))
        for (const inner of part.incremental ?? [])
          for (const error of inner.errors ?? []) codes.push(String(error.extensions.code))
      },
      end: () => {
        clearTimeout(timer)
        request.signal.removeEventListener('abort', leave)
        const operation = getOperationAST(args.document, args.operationName)
        metrics.operations.inc({ type: operation?.operation ?? 'none', code: codes[0] ?? 'none' })
        const line = {
          requestId,
          operation: operation?.name?.value,
          type: operation?.operation,
          ms: Math.round(performance.now() - startedAt),
        }
        log.info(codes.length === 0 ? line : { ...line, errors: codes }, 'operation')
      },
    }
  }

  /** Codes the errors of every result, the parts of an incremental one included, and sees the end. */
  const watch = (operation: ReturnType<typeof begin>) => (payload: Answered) => {
    const see = ({ result, setResult }: Answered) => {
      const answered = codeAll(result as Part, operation.requestId)
      operation.note(answered)
      setResult(answered as never)
    }
    if (isAsyncIterable(payload.result)) return { onNext: see, onEnd: operation.end }
    see(payload)
    operation.end()
    return undefined
  }

  return {
    onExecute({ args, executeFn, setExecuteFn }) {
      const operation = begin(args, requestTimeoutMs)
      setExecuteFn((executed) => executeFn({ ...executed, contextValue: operation.context }))
      return { onExecuteDone: watch(operation) }
    },
    onSubscribe({ args, subscribeFn, setSubscribeFn }) {
      // A subscription ends with its token or its client, not with a clock.
      const operation = begin(args, Number.POSITIVE_INFINITY)
      setSubscribeFn((executed) => subscribeFn({ ...executed, contextValue: operation.context }))
      return {
        onSubscribeResult: watch(operation),
        onSubscribeError({ error, setError }) {
          setError(code(error, operation.requestId))
        },
      }
    },
    // What never came to be executed: broken JSON, syntax errors, validation errors, bodies over the limit.
    onResultProcess({ request, result, setResult }) {
      if (!isAsyncIterable(result) && !Array.isArray(result)) setResult(codeAll(result as Part, requestIdOf(request)))
    },
    onResponse({ request, response }) {
      const requestId = requestIds.get(request)
      if (requestId === undefined) return
      response.headers.set('x-request-id', requestId)
      // Whatever a token was sent with is somebody's own.
      if (tokenOf((name) => request.headers.get(name)) !== null)
        response.headers.set('cache-control', 'private, no-store')
    },
  }
}
