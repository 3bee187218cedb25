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

/** @returns the id, or null when neither the header nor the body names one. */
export function commandIdOf(body: unknown, header: (name: string) => string | null): string | null {
  return header(COMMAND_ID_HEADER) ?? fromBody(body)
}

function fromBody(body: unknown): string | null {
  if (Array.isArray(body)) return body.length === 1 ? fromBody(body[0]) : null
  if (typeof body === 'string') return isId(body) ? body : null
  if (!isFields(body)) return null
  for (const [key, value] of Object.entries(body)) {
    const name = key.toLowerCase().replaceAll(/[_-]/g, '')
    if (name === 'commandid' || name === 'xdptcabid') return text(value)
  }
  return null
}

/** Whether a text only says that all is well. */
export function isWord(value: string): boolean {
  return WORDS.has(value.toLowerCase())
}

function isId(value: string): boolean {
  return value !== '' && !/\s/.test(value) && !isWord(value)
}
