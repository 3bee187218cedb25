// Yoga's way into an operation: our context in place of its own, our errors in place of any.
import { randomUUID } from 'node:crypto'
import { type ExecutionArgs, getOperationAST } from 'graphql'
import { isAsyncIterable, type Plugin, type YogaInitialContext } from 'graphql-yoga'
import type { CompiledQueries } from './compiled-queries.ts'
import { CACHE_DEBUG_HEADER, tokenOf } from './credentials.ts'
import type { AskedOperation, Operation, OperationName, Operations, Part } from './operations.ts'
import { Events, subscribe, Wrapped } from './subscribing.ts'

interface Answered {
  readonly result: unknown
  readonly setResult: (result: never) => void
}

/** The id of a request: here, or from where it came in by another way. */
export const requestIds = new WeakMap<Request, string>()

/** Whoever asks by these takes the events of a subscription as they are, and ends them when its client leaves. */
export const directRequests = new WeakSet<Request>()

export function useOperation(operations: Operations, queries: CompiledQueries): Plugin {
  const requestIdOf = (request: Request | undefined): string => {
    const known = request && requestIds.get(request)
    if (known !== undefined) return known
    const requestId = randomUUID()
    if (request) requestIds.set(request, requestId)
    return requestId
  }

  const begin = (args: ExecutionArgs, type: AskedOperation['type']) => {
    const { request } = args.contextValue as YogaInitialContext
    const token = tokenOf((name) => request.headers.get(name))
    const cacheDebug = request.headers.get(CACHE_DEBUG_HEADER) === '1'
    const operation = operations.begin({
      token,
      type,
      requestId: requestIdOf(request),
      cacheDebug,
      address: request.url,
    })
    operation.endWith(request.signal)
    return operation
  }

  return {
    onExecute({ args, executeFn, setExecuteFn }) {
      const operation = begin(args, getOperationAST(args.document, args.operationName)?.operation ?? 'query')
      const { context } = operation
      const compiled = queries.learn(args.document, args.operationName)
      setExecuteFn(async (executed) => {
        const result = await compiled?.run(context, args.variableValues)
        return result ?? executeFn({ ...executed, contextValue: context })
      })
      return { onExecuteDone: watch(operation, () => operation.end(nameOf(args))) }
    },
    onSubscribe({ args, setSubscribeFn }) {
      const { request } = args.contextValue as YogaInitialContext
      const operation = begin(args, 'subscription')
      setSubscribeFn(async (executed) => {
        const result = await subscribe({ ...executed, contextValue: operation.context }, operation, nameOf(args))
        if (!(result instanceof Events && directRequests.has(request))) return result
        operation.endWith(null)
        return new Wrapped(result)
      })
    },
    // What never came to be executed: broken JSON, syntax errors, validation errors, bodies over the limit.
    onResultProcess({ request, result, setResult }) {
      if (isAsyncIterable(result) || Array.isArray(result)) return
      setResult(operations.codeAll(result as Part, requestIdOf(request)))
    },
    onResponse({ request, response }) {
      const requestId = requestIds.get(request)
      if (requestId === undefined) return
      response.headers.set('x-request-id', requestId)
      // Whatever a token was sent with is somebody's own.
      if (tokenOf((name) => request.headers.get(name)) !== null) {
        response.headers.set('cache-control', 'private, no-store')
      }
    },
  }
}

export function nameOf({ document, operationName }: Pick<ExecutionArgs, 'document' | 'operationName'>): OperationName {
  const operation = getOperationAST(document, operationName)
  return { type: operation?.operation ?? 'none', name: operation?.name?.value }
}

/** Codes the errors of every result, the parts of an incremental one included, and sees the end. */
function watch(operation: Operation, end: () => void) {
  return (payload: Answered) => {
    const see = ({ result, setResult }: Answered) => setResult(operation.answer(result as Part) as never)
    if (isAsyncIterable(payload.result)) return { onNext: see, onEnd: end }
    see(payload)
    end()
    return undefined
  }
}
