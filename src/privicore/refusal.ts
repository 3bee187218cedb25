// What it means when a call brings no value: another status than 2xx, no answer at all, or one that nobody can read. Sends nothing.
import { Misfit } from './decode.ts'
import type { AnyEndpoint } from './endpoint.ts'
import { readErrorBody } from './error-body.ts'
import { PrivicoreError, type PrivicoreErrorCode } from './errors.ts'
import { ExchangeFailure, parseBody, type WireAnswer } from './http.ts'

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
export function misread(endpoint: AnyEndpoint, { status }: WireAnswer, error: unknown): unknown {
  if (!(error instanceof Misfit)) return error
  const { id } = endpoint
  return new PrivicoreError('UPSTREAM_PROTOCOL', `${id}: ${error.message}`, { endpoint: id, status, cause: error })
}

/** For bodies that only add to what is known already: what cannot be parsed says nothing. */
export function lenient(parse: () => unknown): unknown {
  try {
    return parse()
  } catch (error) {
    if (error instanceof Misfit) return undefined
    throw error
  }
}
