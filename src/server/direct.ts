// An operation that comes by another way than yoga's HTTP, through all of yoga's plugins. Knows no transport.
import type { ExecutionResult } from 'graphql'
import { type GraphQLParams, isAsyncIterable, type YogaServerInstance } from 'graphql-yoga'
import { directRequests, requestIds } from './operation.ts'
import type { Operations, Part } from './operations.ts'
import { Wrapped } from './subscribing.ts'

export interface DirectRequest {
  readonly params: GraphQLParams
  /** What would be headers over HTTP, by lower-case name. */
  readonly header: (name: string) => string | null
  readonly requestId: string
  /** Where the client has found us, in its own words: for links. */
  readonly host: string | undefined
  /** Aborts when the client leaves before there is an answer; then whoever reads a subscription returns from it. */
  readonly signal: AbortSignal
}

export type Direct = (request: DirectRequest) => Promise<ExecutionResult | AsyncIterable<ExecutionResult>>

/** A subscription may last for hours, and there may be thousands: as little as can be is kept for each. */
export function createDirect(handler: YogaServerInstance<object, object>, operations: Operations): Direct {
  return async ({ params, header, requestId, host, signal }) => {
    // All that the plugins look at. A real Request would cost several kilobytes for as long as the operation lasts.
    const request = { method: 'POST', url: `http://${hostOf(host)}/graphql`, headers: { get: header }, signal }
    requestIds.set(request as unknown as Request, requestId)
    directRequests.add(request as unknown as Request)
    const result: unknown = await handler.getResultForParams({ params, request: request as unknown as Request }, {})
    if (result instanceof Wrapped) return result.events
    if (isAsyncIterable<ExecutionResult>(result)) return result
    // A result that never came to be executed has not been coded: syntax, validation, limits.
    return operations.codeAll((result ?? {}) as Part, requestId)
  }
}

/** A result as clients get it: without what is yoga's own affair. */
export function toMessage(result: ExecutionResult): object {
  if (result.errors === undefined) return result
  return {
    ...result,
    errors: result.errors.map((error) => {
      const { extensions, ...rest } = error.toJSON()
      const { http: _, ...shown } = (extensions ?? {}) as Record<string, unknown>
      return { ...rest, extensions: shown }
    }),
  }
}

/** A client may send no Host, or nonsense: it gets no link from us then, and all the rest. */
function hostOf(header: string | undefined): string {
  const isHost = header !== undefined && /^[\w.:[\]-]+$/.test(header) && URL.canParse(`http://${header}`)
  return isHost ? header : 'gateway.invalid'
}
