// Checks of what a client sent, made before anything goes to Privicore. Knows no area.
import type { Values } from '../privicore/encoding.ts'
import { PrivicoreError } from '../privicore/errors.ts'

/** @param field of the input. @throws VALIDATION_FAILED, which a mutation tells as a userError on that field */
export function refuse(field: string, message: string): never {
  throw new PrivicoreError('VALIDATION_FAILED', `input: ${field} refused`, { violations: [{ field, message }] })
}

/** A free JSON object; null and undefined are none. */
export function objectOf(value: unknown, field: string): Values | undefined {
  if (value === null || value === undefined) return undefined
  if (typeof value === 'object' && !Array.isArray(value)) return value as Values
  return refuse(field, 'This must be a JSON object.')
}

/** @param message for the client. @throws BAD_USER_INPUT */
export function refuseArguments(message: string): never {
  throw new PrivicoreError('VALIDATION_FAILED', 'arguments refused', { publicMessage: message })
}
