// Values at rest outside of this process: encrypted, and bound to the place they were kept at. Knows no store and no value.
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import type { Secret } from '../privicore/secret.ts'

const VERSION = 1
const IV_BYTES = 12
const TAG_BYTES = 16
const HEAD_BYTES = 1 + IV_BYTES + TAG_BYTES
/** 128 bits: names of fields must not collide, and nobody can guess an argument from one. */
const FIELD_BYTES = 16

/**
 * AES-256-GCM under keys of CACHE_SECRET. Each generation of each area of each caller has a key of its own, so that no key
 * ever comes near the number of values that random IVs allow.
 */
export class Seal {
  readonly #values: KeyObject
  readonly #fields: KeyObject

  constructor(secret: Secret | undefined) {
    const material = secret?.reveal() ?? randomBytes(32)
    const derive = (purpose: string) =>
      createSecretKey(Buffer.from(hkdfSync('sha256', material, '', `privicore-graphql cache ${purpose}`, 32)))
    this.#values = derive('values')
    this.#fields = derive('fields')
  }

  /** A name for a field that holds nothing of the arguments in it. */
  nameOf(field: string): string {
    const space = field.indexOf(' ')
    if (space < 0) return field
    const digest = createHmac('sha256', this.#fields).update(field).digest().subarray(0, FIELD_BYTES)
    return `${field.slice(0, space)}:${digest.toString('base64url')}`
  }

  /** @param scope what the key is for: who, which area, which generation. @param place binds the value: all that names it */
  close(text: string, scope: string, place: string): Buffer {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv('aes-256-gcm', this.#keyOf(scope), iv)
    cipher.setAAD(Buffer.from(place))
    const sealed = cipher.update(text, 'utf8')
    cipher.final()
    return Buffer.concat([Buffer.of(VERSION), iv, cipher.getAuthTag(), sealed])
  }

  /** null for what was not closed under this secret, at this place, or has been touched since. */
  open(sealed: Buffer, scope: string, place: string): string | null {
    if (sealed.length < HEAD_BYTES || sealed[0] !== VERSION) return null
    const decipher = createDecipheriv('aes-256-gcm', this.#keyOf(scope), sealed.subarray(1, 1 + IV_BYTES))
    decipher.setAAD(Buffer.from(place))
    decipher.setAuthTag(sealed.subarray(1 + IV_BYTES, HEAD_BYTES))
    try {
      return decipher.update(sealed.subarray(HEAD_BYTES), undefined, 'utf8') + decipher.final('utf8')
    } catch {
      // The tag does not fit: the one thing that final() can fail for.
      return null
    }
  }

  #keyOf(scope: string): Buffer {
    return createHmac('sha256', this.#values).update(scope).digest()
  }
}
