// The closed set of ways in which a call to Privicore can fail. Knows no GraphQL: schema/errors.ts gives each its public face.

/** Callers switch on these, never on a message. */
export type PrivicoreErrorCode =
  | 'UNAUTHENTICATED' // 401, or a token was needed and none was given
  | 'FORBIDDEN' // 403
  | 'NOT_FOUND' // 404
  | 'VALIDATION_FAILED' // 422: the caller can mend it
  | 'CONFLICT' // 409
  | 'RATE_LIMITED' // 429
  | 'UPSTREAM_UNAVAILABLE' // 5xx, or no connection
  | 'UPSTREAM_TIMEOUT' // one attempt took longer than PRIVICORE_TIMEOUT_MS
  | 'UPSTREAM_PROTOCOL' // an answer that makes no sense
  | 'OUTCOME_UNKNOWN' // a command was sent and its answer never came
  | 'DEADLINE_EXCEEDED' // the operation's time ran out
  | 'CANCELLED' // the client left
  | 'LIMIT_EXCEEDED' // more was asked for than the gateway holds: ids of one subscription, events of a slow reader

/** One complaint of a 422. `field` is the REST field's name (camelCase), null when it concerns the whole request. */
export interface Violation {
  readonly field: string | null
  readonly message: string
}

export interface PrivicoreErrorDetails {
  /** Catalogue id of the call, e.g. `device.approve`. */
  readonly endpoint?: string
  /** HTTP status, when there was an answer. */
  readonly status?: number
  readonly violations?: readonly Violation[]
  /** Privicore's dotted key, e.g. `oauth.already_retrieved`, when the body carried one. */
  readonly reason?: string
  /** Seconds, from Retry-After. */
  readonly retryAfter?: number
  /** What a client is told in place of the code's usual text: a text of our own, never one of Privicore's. */
  readonly publicMessage?: string
  readonly cause?: unknown
}

/** `message` is for logs and operators: it names the call and the shape of the failure, never a value from a body. */
export class PrivicoreError extends Error {
  readonly code: PrivicoreErrorCode
  readonly endpoint: string | undefined
  readonly status: number | undefined
  readonly violations: readonly Violation[]
  readonly reason: string | undefined
  readonly retryAfter: number | undefined
  readonly publicMessage: string | undefined

  constructor(code: PrivicoreErrorCode, message: string, details: PrivicoreErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'PrivicoreError'
    this.code = code
    this.endpoint = details.endpoint
    this.status = details.status
    this.violations = details.violations ?? []
    this.reason = details.reason
    this.retryAfter = details.retryAfter
    this.publicMessage = details.publicMessage
  }
}

export function hasCode(error: unknown, code: PrivicoreErrorCode): error is PrivicoreError {
  return error instanceof PrivicoreError && error.code === code
}
