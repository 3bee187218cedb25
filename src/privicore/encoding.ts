// How arguments become a path, a query and a body. Knows no endpoint.
import { PrivicoreError } from './errors.ts'

/** What a field may hold. Objects and arrays are spelled in PHP style in forms and queries, and stay as they are in JSON. */
export type Value = string | number | boolean | null | undefined | readonly Value[] | { readonly [key: string]: Value }

export type Values = Readonly<Record<string, Value>>

/** Names of the `{placeholders}` of a path. */
export function placeholders(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1] as string)
}

/**
 * Fills `{placeholders}`, percent-encoded as one segment each. An id of dots would climb in the path however it is encoded, and
 * an empty one would name another resource: no record has such an id, so it is NOT_FOUND without a call.
 */
export function fillPath(path: string, values: Values): string {
  if (!path.includes('{')) return path
  return path.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name]
    const segment = typeof value === 'string' || typeof value === 'number' ? String(value) : ''
    if (segment === '' || segment === '.' || segment === '..' || !segment.isWellFormed()) {
      throw new PrivicoreError('NOT_FOUND', `${path}: ${name} cannot be the id of anything`)
    }
    return encodeURIComponent(segment)
  })
}

/**
 * `application/x-www-form-urlencoded` in PHP style: `scope[]=a&scope[]=b`, `meta[file][size]=3`. null and undefined are left
 * out; booleans are 1 and 0, as PHP reads them.
 */
export function encodeForm(values: Values): string {
  const form = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) append(form, name, value)
  return form.toString()
}

function append(form: URLSearchParams, name: string, value: Value): void {
  if (value === null || value === undefined) return
  if (Array.isArray(value)) {
    // An element that is itself a list or an object needs its index: `a[][x]` would start a new element per key.
    value.forEach((item: Value, index) => {
      append(form, typeof item === 'object' && item !== null ? `${name}[${index}]` : `${name}[]`, item)
    })
  } else if (typeof value === 'object') {
    for (const [key, item] of Object.entries(value)) append(form, `${name}[${key}]`, item)
  } else {
    form.append(name, typeof value === 'boolean' ? (value ? '1' : '0') : String(value))
  }
}
