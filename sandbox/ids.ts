// Knows how the sandbox makes ids and opaque tokens.
import { createHash, randomBytes } from 'node:crypto'

/** When the seeded data was made, as a Unix time in milliseconds: 1 February 2026. */
export const SEED_TIME = Date.UTC(2026, 1, 1, 9, 0, 0)

let lastMs = 0
let sequence = 0

/** A UUID v7: later ids sort after earlier ones, also within one millisecond. */
export function uuid(): string {
  const now = Date.now()
  sequence = now > lastMs ? 0 : sequence + 1
  lastMs = Math.max(now, lastMs) + (sequence > 0xfff ? 1 : 0)
  sequence &= 0xfff
  return format(lastMs, sequence, randomBytes(8))
}

/** The same id for the same name in every sandbox, so that seeded records can be named in examples. */
export function seededId(name: string, ordinal = 0): string {
  const hash = createHash('sha256').update(name).digest()
  return format(SEED_TIME + ordinal, hash.readUInt16BE(0) & 0xfff, hash.subarray(2, 10))
}

function format(ms: number, counter: number, tail: Buffer): string {
  const time = ms.toString(16).padStart(12, '0')
  const rest = Buffer.from(tail)
  rest[0] = (rest.readUInt8(0) & 0x3f) | 0x80
  const hex = rest.toString('hex')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${counter.toString(16).padStart(3, '0')}-${hex.slice(0, 4)}-${hex.slice(4)}`
}

/** Not well formed, and with characters that break a path they are pasted into. */
export function malformed(id: string): string {
  return `${id.slice(0, 30)}/${id.slice(31, 33)}+?%20#${id.slice(-2)}`
}

export function opaqueToken(): string {
  return randomBytes(32).toString('hex')
}
