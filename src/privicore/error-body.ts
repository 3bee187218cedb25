// What a refused call says of itself, in every shape that privicore.md §1 lists. Knows no endpoint.
import { type Fields, isFields, named } from './decode.ts'
import type { Violation } from './errors.ts'

/** Messages and field names come from Privicore's validator and are shown to clients: bounded, in case a server raves. */
const MAX_VIOLATIONS = 50
const MAX_MESSAGE_LENGTH = 500

/** Dotted keys such as `oauth.already_retrieved`. */
const REASON = /^[a-z][a-z0-9_-]*(\.[a-z0-9_-]+)+$/

const pathOf = named('propertyPath', 'field', 'property', 'path')

export interface ErrorBody {
  readonly violations: readonly Violation[]
  readonly reason: string | undefined
}

/** @param body parsed JSON, or undefined where the body was empty, HTML or not JSON. */
export function readErrorBody(body: unknown): ErrorBody {
  const violations = collect(body).slice(0, MAX_VIOLATIONS)
  return { violations, reason: violations.find(({ message }) => isReason(message))?.message }
}

/** Whether a message is a key for machines and not a sentence. */
export function isReason(message: string): boolean {
  return REASON.test(message)
}

function collect(body: unknown): Violation[] {
  if (typeof body === 'string') return complaint(null, body)
  if (Array.isArray(body)) return body.flatMap((item) => collect(item))
  if (!isFields(body)) return []
  // The first key that says anything: an empty one beside it (`"errors":[]`) hides nothing.
  for (const [key, read] of KEYS) {
    const said = read(body[key])
    if (said.length > 0) return said
  }
  return []
}

const KEYS: readonly (readonly [key: string, read: (value: unknown) => Violation[]])[] = [
  ['violations', fromListOrMap],
  ['errors', fromListOrMap],
  ...['error', 'message', 'detail', 'reason', 'body'].map((key) => [key, collect] as const),
]

function fromListOrMap(value: unknown): Violation[] {
  if (Array.isArray(value)) return value.flatMap(fromItem)
  return isFields(value) ? fromMap(value) : collect(value)
}

/** `{"propertyPath":"name","message":"…"}`, as Symfony says it, or with `field`; anything else is read as a body of its own. */
function fromItem(item: unknown): Violation[] {
  if (!isFields(item)) return collect(item)
  const message = item.message ?? item.title
  return typeof message === 'string' ? complaint(pathOf(item), message) : collect(item)
}

function fromMap(errors: Fields): Violation[] {
  return Object.entries(errors).flatMap(([field, value]) => {
    const messages = Array.isArray(value) ? value : isFields(value) ? Object.values(value) : [value]
    return messages.flatMap((message) => (typeof message === 'string' ? complaint(field, message) : []))
  })
}

function complaint(path: unknown, message: string): Violation[] {
  const said = message.trim().slice(0, MAX_MESSAGE_LENGTH)
  return said === '' ? [] : [{ field: fieldName(path), message: said }]
}

/** `data.deviceName`, `children[device_name].data`, `[scope][0]` → the field they are about, in camelCase. */
function fieldName(path: unknown): string | null {
  if (typeof path !== 'string') return null
  const parts = path
    .split(/[.[\]]+/)
    .filter((part) => part !== '' && part !== 'data' && part !== 'children' && !/^\d+$/.test(part))
  // A free field's name is its first part (`meta[file][size]` is about meta).
  const name = parts[0] ?? (path === 'data' ? 'data' : undefined)
  return name === undefined ? null : name.replace(/[_-]([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}
