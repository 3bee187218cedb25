// Reading what Privicore answers: strict about what must be there, liberal about how it is spelled. Knows no endpoint.
import { PrivicoreError } from './errors.ts'

/** A parsed JSON object whose keys may be spelled in any of the casings that privicore.md lists. */
export type Fields = Readonly<Record<string, unknown>>

/** Turns a parsed body into a value; throws a Misfit that names the place, never the value (it is private data). */
export type Decode<T> = (body: unknown) => T

/** The answer was understood as JSON but is not what the row promises. */
export class Misfit extends PrivicoreError {
  constructor(place: string, expected: string, found: unknown) {
    super('UPSTREAM_PROTOCOL', `${place}: expected ${expected}, found ${kindOf(found)}`)
    this.name = 'Misfit'
  }
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function fields(value: unknown, place: string): Fields {
  if (!isFields(value)) throw new Misfit(place, 'an object', value)
  return value
}

const snake = (name: string) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const kebab = (name: string) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)

/**
 * Finds a field under any of its names (camelCase), each also as snake_case and kebab-case: the first that is there and not null.
 * Each field gets code of its own, so that the engine remembers where it is in the records of this server, or that it is not in
 * them: one function for all fields took three times as long over a list.
 */
export function named(...names: readonly string[]): (record: Fields) => unknown {
  const spellings = [...new Set(names.flatMap((name) => [name, snake(name), kebab(name)]))].map((name) =>
    JSON.stringify(name),
  )
  const steps = spellings.map(
    (name) => `value = record[${name}]; if (value !== undefined && value !== null) return value;`,
  )
  return new Function('record', `let value; ${steps.join(' ')} return record[${spellings[0]}];`) as (
    record: Fields,
  ) => unknown
}

/** Text, or null for what is not text. Numbers count: an id may come unquoted. The empty string is absent. */
export function text(value: unknown): string | null {
  if (typeof value === 'string') return value === '' ? null : value
  return typeof value === 'number' ? String(value) : null
}

export function requiredText(value: unknown, place: string): string {
  const found = text(value)
  if (found === null) throw new Misfit(place, 'text', value)
  return found
}

/** A whole number, also where it comes as text (`"12"`); null otherwise. */
export function integer(value: unknown): number | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value : null
  if (typeof value !== 'string' || !/^\s*[+-]?\d+(\.0+)?\s*$/.test(value)) return null
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : null
}

/** true/false, 1/0, "1"/"0", "true"/"false", "yes"/"no"; null otherwise. */
export function flag(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value
  switch (String(value).toLowerCase()) {
    case '1':
    case 'true':
    case 'yes':
      return true
    case '0':
    case 'false':
    case 'no':
      return false
    default:
      return null
  }
}

/** With the bounds of each part in it: lets through what Date.parse does, at a fifth of the cost, and it is asked for every row. */
const RFC3339 =
  /^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):[0-5]\d)$/

/** An instant as RFC 3339 text. What has another form but is a date is rewritten (in UTC); what is none is null. */
export function instant(value: unknown): string | null {
  if (typeof value === 'string') {
    if (RFC3339.test(value)) return value
    // Without an offset a date would be read in the zone of this machine: privicore.md §1 says every timestamp has one.
    const iso = /^\d{4}-\d{2}-\d{2}[T ]/.test(value)
    const zoned = /(Z|[+-]\d{2}:?\d{2})$/i.test(value)
    const time = iso ? Date.parse(zoned ? value : `${value}Z`) : Number.NaN
    return Number.isNaN(time) ? null : new Date(time).toISOString()
  }
  // Seconds since 1970; a thousand times as much is milliseconds.
  if (typeof value === 'number' && value > 0 && value < 8.64e15) {
    return new Date(value < 1e11 ? value * 1000 : value).toISOString()
  }
  return null
}

/** Free JSON objects (`meta`): passed through; a PHP server spells an empty object `[]`, which counts as none. */
export function freeObject(value: unknown): Fields | null {
  return isFields(value) ? value : null
}

/**
 * Where a row says "array": also `{"items":[…]}`, one object alone, an object keyed by id, `null` or nothing for none. Rows that
 * are null are none.
 */
export function listOf<T>(item: (record: Fields, place: string) => T, place = 'list'): Decode<T[]> {
  return (body) => {
    const rows = toRows(body, place)
    const list = new Array<T>(rows.length)
    let found = 0
    for (let index = 0; index < rows.length; index++) {
      const row = rows[index]
      if (row === null) continue
      if (!isFields(row)) throw new Misfit(`${place}[${index}]`, 'an object', row)
      list[found++] = item(row, place)
    }
    list.length = found
    return list
  }
}

const envelope = named('data', 'results')
/** What a record is known by: with one of these, `data` is a field of its own and not what it is wrapped around. */
const identity = named('id', 'token', 'dataToken', 'deviceIdentifier', 'deviceId', 'deviceUniqueIdentifier', 'name')

function toRows(body: unknown, place: string): readonly unknown[] {
  if (Array.isArray(body)) return body
  if (body === null || body === undefined) return []
  const record = fields(body, place)
  const wrapped = record.items === undefined && text(identity(record)) === null ? envelope(record) : record.items
  if (Array.isArray(wrapped)) return wrapped
  if (wrapped === null) return []
  if (isFields(wrapped)) return toRows(wrapped, place)
  const entries = Object.entries(record)
  if (!entries.every(([, row]) => isFields(row) || row === null)) return [record]
  // Keyed by id: the key is the id where the object names none. Whole numbers only: a PHP list with holes, no ids.
  if (entries.every(([key]) => /^\d+$/.test(key))) return entries.map(([, row]) => row)
  if (!entries.every(([, row]) => isFields(row))) return [record]
  return entries.map(([id, row]) => ({ id, ...(row as Fields) }))
}

/** Where a row says `{"key":"…"}`, accept a bare string. */
export function textOrBare(place: string, ...names: readonly string[]): Decode<string> {
  const field = named(...names)
  return (body) => requiredText(isFields(body) ? field(body) : body, place)
}

/** Where a row says "200 one of those": the record itself, or a list or an envelope of one. null where there is none in it. */
export function oneOf<T>(item: (record: Fields, place: string) => T, place: string): Decode<T | null> {
  const list = listOf(item, place)
  return (body) => {
    if (isFields(body)) {
      try {
        return item(body, place)
      } catch (error) {
        // It is no record: what it holds may be one.
        if (!(error instanceof Misfit)) throw error
      }
    }
    return list(body)[0] ?? null
  }
}

/**
 * Ids or names, however a list of them is spelled: an array of texts or of objects that name themselves (under one of `names`),
 * a PHP list with holes, an object whose keys they are, or one text alone.
 */
export function textsIn(...names: readonly string[]): (value: unknown) => string[] {
  const field = named(...names)
  const own = (item: unknown) => text(isFields(item) ? field(item) : item)
  return (value) => {
    if (Array.isArray(value)) return value.map(own).filter((item) => item !== null)
    if (!isFields(value)) return [text(value)].filter((item) => item !== null)
    const keys = Object.keys(value)
    if (!keys.every((key) => /^\d+$/.test(key))) return keys
    return Object.values(value)
      .map(own)
      .filter((item) => item !== null)
  }
}

/** A word of a closed set, however it is cased: `minimumPercentage`, `MINIMUM-PERCENTAGE` → `minimum_percentage`. */
export function word(value: unknown): string | null {
  if (typeof value !== 'string') return null
  const plain = value
    .trim()
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replace(/[\s-]+/g, '_')
  return plain === '' ? null : plain.toLowerCase()
}
