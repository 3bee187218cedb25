// What a failed read means to the cache, and how one instance tells another of it. Knows error codes, no endpoint.
import { PrivicoreError, type PrivicoreErrorCode } from '../privicore/errors.ts'

/** No answer, or none that says anything of the data: what is known from before may stand in for it. */
export function isOutage(error: unknown): boolean {
  return error instanceof PrivicoreError && (error.code === 'UPSTREAM_UNAVAILABLE' || error.code === 'UPSTREAM_TIMEOUT')
}

/** Privicore does not let this caller in (any more). */
export function isRefusal(error: unknown): boolean {
  return error instanceof PrivicoreError && (error.status === 401 || error.status === 403)
}

/** Those that mean the same to whoever waited on another instance; the others carry details, or concern one instance alone. */
const TOLD: ReadonlySet<PrivicoreErrorCode> = new Set<PrivicoreErrorCode>([
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'NOT_FOUND',
  'CONFLICT',
  'RATE_LIMITED',
  'UPSTREAM_UNAVAILABLE',
  'UPSTREAM_TIMEOUT',
  'UPSTREAM_PROTOCOL',
])

/** null where those who wait had better ask themselves. */
export function wordOf(error: unknown): string | null {
  if (!(error instanceof PrivicoreError) || !TOLD.has(error.code)) return null
  return `${error.code} ${error.status ?? ''} ${error.retryAfter ?? ''}`
}

export function errorOf(word: string, endpoint: string): PrivicoreError {
  const [code = '', status = '', retryAfter = ''] = word.split(' ')
  const known = TOLD.has(code as PrivicoreErrorCode)
  return new PrivicoreError(
    known ? (code as PrivicoreErrorCode) : 'UPSTREAM_UNAVAILABLE',
    `${endpoint}: failed for another instance that asked for all`,
    {
      endpoint,
      ...(known && status !== '' && { status: Number(status) }),
      ...(known && retryAfter !== '' && { retryAfter: Number(retryAfter) }),
    },
  )
}
