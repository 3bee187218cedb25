// The one place where a failure gets its public face: GraphQLErrors with the codes of the process contract, and user errors.
import { GraphQLError } from 'graphql'
import { isReason } from '../privicore/error-body.ts'
import { PrivicoreError, type PrivicoreErrorCode } from '../privicore/errors.ts'

export type PublicCode =
  | 'BAD_USER_INPUT'
  | 'GRAPHQL_PARSE_FAILED'
  | 'GRAPHQL_VALIDATION_FAILED'
  | 'LIMIT_EXCEEDED'
  | 'PERSISTED_DOCUMENT_NOT_FOUND'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'CONFLICT'
  | 'RATE_LIMITED'
  | 'UPSTREAM_UNAVAILABLE'
  | 'UPSTREAM_TIMEOUT'
  | 'UPSTREAM_PROTOCOL'
  | 'OUTCOME_UNKNOWN'
  | 'DEADLINE_EXCEEDED'
  | 'INTERNAL_SERVER_ERROR'

interface Face {
  readonly code: PublicCode
  readonly message: string
}

/** What a client is told. Nothing of Privicore's own text, URL or headers is in it. */
export const FACES: Readonly<Record<PrivicoreErrorCode, Face>> = {
  UNAUTHENTICATED: {
    code: 'UNAUTHENTICATED',
    message:
      'The credentials are missing, wrong or expired. Send a Privicore token as `Authorization: Bearer <token>`.',
  },
  FORBIDDEN: { code: 'FORBIDDEN', message: 'Privicore does not allow this with these credentials.' },
  NOT_FOUND: { code: 'NOT_FOUND', message: 'Privicore does not know what this is about.' },
  VALIDATION_FAILED: {
    code: 'BAD_USER_INPUT',
    message: 'Privicore refused the arguments. Check their form and bounds.',
  },
  CONFLICT: { code: 'CONFLICT', message: 'It is taken, or has changed meanwhile.' },
  RATE_LIMITED: { code: 'RATE_LIMITED', message: 'Too many requests. Try again later.' },
  UPSTREAM_UNAVAILABLE: { code: 'UPSTREAM_UNAVAILABLE', message: 'Privicore cannot be reached. Try again later.' },
  UPSTREAM_TIMEOUT: { code: 'UPSTREAM_TIMEOUT', message: 'Privicore did not answer in time. Try again later.' },
  UPSTREAM_PROTOCOL: {
    code: 'UPSTREAM_PROTOCOL',
    message: 'Privicore gave an answer that the gateway does not understand.',
  },
  OUTCOME_UNKNOWN: {
    code: 'OUTCOME_UNKNOWN',
    message:
      'It was sent to Privicore, but its answer never came. It may or may not have happened: look before you send it again.',
  },
  DEADLINE_EXCEEDED: {
    code: 'DEADLINE_EXCEEDED',
    message: 'The request took too long. What was sent to Privicore goes on.',
  },
  CANCELLED: { code: 'DEADLINE_EXCEEDED', message: 'The request was given up by its client.' },
  LIMIT_EXCEEDED: { code: 'LIMIT_EXCEEDED', message: 'This is more than the gateway allows at once.' },
}

/** The client asked for what cannot be; the message says what to do. */
export class BadUserInput extends GraphQLError {
  constructor(message: string) {
    super(message, { extensions: { code: 'BAD_USER_INPUT' satisfies PublicCode } })
  }
}

/**
 * Every error on its way to a client, in one form: a code of the closed set and the id of the request.
 * @param report told of errors that nobody expected: bugs
 */
export function toGraphQLError(error: unknown, requestId: string, report: (error: unknown) => void): GraphQLError {
  const located = error instanceof GraphQLError ? error : null
  const cause = rootCause(error)
  const place = { nodes: located?.nodes, source: located?.source, positions: located?.positions, path: located?.path }
  if (cause instanceof PrivicoreError) {
    const face = FACES[cause.code]
    const retryAfter = cause.retryAfter === undefined ? {} : { retryAfter: cause.retryAfter }
    return new GraphQLError(cause.publicMessage ?? face.message, {
      ...place,
      extensions: { code: face.code, ...retryAfter, requestId },
    })
  }
  if (cause instanceof GraphQLError) {
    const code = publicCode(cause, located)
    // `http` is for the server, which takes it off again; whatever else a library puts there is its own affair.
    const http = cause.extensions?.http
    return new GraphQLError(cause.message, { ...place, extensions: { ...(http ? { http } : {}), code, requestId } })
  }
  report(cause)
  return new GraphQLError('Something went wrong in the gateway. Tell its operators the request id.', {
    ...place,
    extensions: { code: 'INTERNAL_SERVER_ERROR' satisfies PublicCode, requestId },
  })
}

/** Executors wrap what a resolver throws, some more than once. */
export function rootCause(error: unknown): unknown {
  let cause = error
  while (cause instanceof GraphQLError && cause.originalError !== undefined) cause = cause.originalError
  return cause
}

const CODES: ReadonlySet<string> = new Set<PublicCode>([
  'BAD_USER_INPUT',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'LIMIT_EXCEEDED',
  'PERSISTED_DOCUMENT_NOT_FOUND',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'CONFLICT',
  'RATE_LIMITED',
  'UPSTREAM_UNAVAILABLE',
  'UPSTREAM_TIMEOUT',
  'UPSTREAM_PROTOCOL',
  'OUTCOME_UNKNOWN',
  'DEADLINE_EXCEEDED',
  'INTERNAL_SERVER_ERROR',
])

/** GraphQL's own complaints about a request carry no code of ours: they are about what the client sent. */
function publicCode(error: GraphQLError, located: GraphQLError | null): string {
  const code = error.extensions?.code ?? located?.extensions?.code
  if ((error.extensions?.http as { status?: number } | undefined)?.status === 413) return 'LIMIT_EXCEEDED'
  return typeof code === 'string' && CODES.has(code) ? code : 'BAD_USER_INPUT'
}

/** One thing that the caller can mend. `field` is the path of the GraphQL input field. */
export interface UserErrorShape {
  readonly field: readonly string[] | null
  readonly message: string
  readonly code: string
}

/**
 * What a 422 says, for the input that caused it.
 * @param inputFields the names of the input's fields
 * @param renamed REST field → input field, where the names differ
 */
export function toUserErrors(
  error: PrivicoreError,
  inputFields: readonly string[],
  renamed: Readonly<Record<string, string>> = {},
): UserErrorShape[] {
  const { violations } = error
  // One reason cannot be told to belong to one of several complaints.
  const shared = (violations.length < 2 ? error.reason : undefined) ?? 'VALIDATION_FAILED'
  if (violations.length === 0) return [{ field: null, message: FACES.VALIDATION_FAILED.message, code: shared }]
  return violations.map(({ field, message }) => {
    const name = field === null ? undefined : (renamed[field] ?? field)
    const code = isReason(message) ? message : shared
    return { field: name !== undefined && inputFields.includes(name) ? ['input', name] : null, message, code }
  })
}
