// Knows what an answer is, and the shapes an error body can have (privicore.md section 1).
import type { Dialect } from './dialect.ts'

export interface Answer {
  status: number
  /** JSON value; undefined is an empty body. */
  body?: unknown
  headers?: Record<string, string>
  /** Sent as it is, instead of body. */
  raw?: { type: string; text: string }
}

export interface Problem {
  field: string | null
  message: string
}

/** Thrown by a handler: the request is refused at once. */
export class Refusal extends Error {
  readonly status: number
  readonly problems: Problem[]

  constructor(status: number, problems: Problem[] | string) {
    super(`refused with ${status}`)
    this.status = status
    this.problems = typeof problems === 'string' ? [{ field: null, message: problems }] : problems
  }
}

export const notFound = () => new Refusal(404, 'record not found')

export function ok(body?: unknown): Answer {
  return { status: 200, body }
}

/** ISO 8601 with an offset and whole seconds, as Privicore writes it. */
export function timestamp(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}+00:00`
}

/** Keys in snake_case, one level deep: as far as any row goes. */
export function snakeCase(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(record).map(([key, value]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value,
    ]),
  )
}

export function refusalAnswer(refusal: Refusal, shape: Dialect['errorBody']): Answer {
  const { status, problems } = refusal
  if (shape === 'html') {
    return {
      status,
      raw: { type: 'text/html; charset=UTF-8', text: `<html><body><h1>Error ${status}</h1></body></html>` },
    }
  }
  return { status, body: errorBody(problems, shape) }
}

function errorBody(problems: Problem[], shape: Exclude<Dialect['errorBody'], 'html'>): unknown {
  const lines = problems.map(({ field, message }) => (field === null ? message : `${field}: ${message}`))
  const text = lines.join('; ')
  switch (shape) {
    case 'empty':
      return undefined
    case 'text':
      return text
    case 'array':
      return lines
    case 'message':
      return { message: text }
    case 'error':
      return { error: text }
    case 'errors':
      return { errors: lines }
    case 'violations':
      return { violations: problems.map(({ field, message }) => ({ propertyPath: field ?? '', message })) }
    case 'field-lists':
      return byField(problems, (message) => [message]) ?? { message: text }
    case 'field-texts':
      return byField(problems, (message) => message) ?? { message: text }
  }
}

/** Null where no field is to blame: then there is nothing to key the errors by. */
function byField(problems: Problem[], value: (message: string) => unknown): unknown {
  const entries = problems.flatMap(({ field, message }) => (field === null ? [] : [[field, value(message)] as const]))
  return entries.length === 0 ? null : { errors: Object.fromEntries(entries) }
}
