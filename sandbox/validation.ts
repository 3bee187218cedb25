// Knows what form validation refuses at once (422), with the field names of the REST API.
import { type Problem, Refusal } from './answers.ts'
import type { Fields } from './form.ts'

export interface Rule {
  optional: boolean
  /** The complaint about a value that is there, or undefined. */
  complaint: (value: unknown) => string | undefined
}

export type Rules = Record<string, Rule>

const BLANK = 'This value should not be blank.'
const PADDED_BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

const rule = (complaint: Rule['complaint']): Rule => ({ optional: false, complaint })

export const optional = (inner: Rule): Rule => ({ ...inner, optional: true })

export const text = rule((value) => (typeof value === 'string' ? undefined : 'This value should be of type string.'))

export const integer = (min: number, max = Number.MAX_SAFE_INTEGER) =>
  rule((value) => {
    const number = typeof value === 'number' ? value : /^-?\d+$/.test(String(value)) ? Number(value) : Number.NaN
    if (!Number.isSafeInteger(number)) return 'This value should be of type integer.'
    if (number < min || number > max) return `This value should be between ${min} and ${max}.`
  })

export const oneOf = (choices: readonly string[]) =>
  rule((value) => (choices.includes(String(value)) ? undefined : 'The value you selected is not a valid choice.'))

export const matching = (pattern: RegExp) =>
  rule((value) => (pattern.test(String(value)) ? undefined : 'This value is not valid.'))

export const listOf = (item: Rule, minimum = 0) =>
  rule((value) => {
    if (!Array.isArray(value)) return 'This value should be of type array.'
    if (value.length < minimum) return `This collection should contain ${minimum} element or more.`
    return value.map((entry) => item.complaint(entry)).find((complaint) => complaint !== undefined)
  })

/** A JSON object. An empty PHP array is written [], so that counts as well. */
export const object = rule((value) =>
  isObject(value) || (Array.isArray(value) && value.length === 0) ? undefined : 'This value should be of type object.',
)

export const jsonText = rule((value) => {
  try {
    if (isObject(JSON.parse(String(value)))) return
  } catch {}
  return 'This value should be valid JSON.'
})

export const base64 = (maxBytes: number) =>
  rule((value) => {
    if (typeof value !== 'string' || !PADDED_BASE64.test(value)) return 'This value is not valid base64.'
    if (Buffer.byteLength(value, 'base64') > maxBytes)
      return `This value is too large. It should have ${maxBytes} bytes or less.`
  })

export const uri = rule((value) => (URL.canParse(String(value)) ? undefined : 'This value is not a valid URL.'))

export function isPaddedBase64(value: string): boolean {
  return value !== '' && PADDED_BASE64.test(value)
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function validate(fields: Fields, rules: Rules): void {
  const problems: Problem[] = []
  for (const [field, { optional, complaint }] of Object.entries(rules)) {
    const value = fields[field]
    const blank = value === undefined || value === null || value === ''
    const message = blank ? (optional ? undefined : BLANK) : complaint(value)
    if (message !== undefined) problems.push({ field, message })
  }
  if (problems.length > 0) throw new Refusal(422, problems)
}
