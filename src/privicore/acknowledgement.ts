// Finding the command id in an accepted command's answer: four body shapes and a header (privicore.md §1.1). Knows no endpoint.
import { isFields, text } from './decode.ts'

const COMMAND_ID_HEADER = 'x-dpt-cab-id'

/** Words that a server may answer in place of an id when it has completed at once; an id is never one of them. */
const WORDS = new Set([
  'ok',
  'true',
  'success',
  'succeeded',
  'done',
  'completed',
  'accepted',
  'started',
  'pending',
  'submitted',
])

/** From this length on, a text without a digit is no word any more. */
const LONGER_THAN_WORDS = 16

/** @returns the id, or null when neither the header nor the body names one. */
export function commandIdOf(
  body: unknown,
  { status, header }: { readonly status: number; readonly header: (name: string) => string | null },
): string | null {
  return header(COMMAND_ID_HEADER) ?? fromBody(body, status)
}

function fromBody(body: unknown, status: number): string | null {
  if (Array.isArray(body)) {
    const texts = body.filter((item) => text(item) !== null)
    if (texts.length === 1) return fromBody(texts[0], status)
    return body.length === 1 ? fromBody(body[0], status) : null
  }
  if (!isFields(body)) {
    const said = text(body)
    return said !== null && isId(said, status) ? said : null
  }
  for (const [key, value] of Object.entries(body)) {
    const name = key.toLowerCase().replaceAll(/[_-]/g, '')
    const id = name === 'commandid' || name === 'xdptcabid' ? text(value) : null
    if (id !== null) return id
  }
  return null
}

/** Whether a text only says that all is well. */
export function isWord(value: string): boolean {
  return WORDS.has(value.toLowerCase())
}

/** A 202 must name a command; any other answer may only say in a word of its own that it has completed (`removed`). */
function isId(value: string, status: number): boolean {
  if (/\s/.test(value) || isWord(value)) return false
  return status === 202 || value.length >= LONGER_THAN_WORDS || /\d/.test(value)
}
