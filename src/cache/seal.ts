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
import { LRUCache } from 'lru-cache'
import type { Secret } from '../privicore/secret.ts'

const VERSION = 1
const IV_BYTES = 12
const TAG_BYTES = 16
const HEAD_BYTES = 1 + IV_BYTES + TAG_BYTES
/** 128 bits: names of fields must not collide, and nobody can guess an argument from one. */
const FIELD_BYTES = 16
const MAX_COMMON_KEYS = 16

/**
 * AES-256-GCM under keys of CACHE_SECRET. Each generation of each area of each caller has a key of its own, so that no key
 * ever comes near the number of values that random IVs allow.
 */
export class Seal {
  readonly #values: KeyObject
  readonly #fields: KeyObject
  /** Of scopes that many values have in common: making such a key costs more than using it. */
  readonly #common = new LRUCache<string, KeyObject>({ max: MAX_COMMON_KEYS })

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
    return `${field.slice(0, space)}:${this.digestOf(field)}`
  }

  /** Stands for a text that may hold anything. */
  digestOf(text: string): string {
    const digest = createHmac('sha256', this.#fields).update(text).digest()
    return digest.toString('base64url', 0, FIELD_BYTES)
  }

  /** @param scope what the key is for: who, which area, which generation. @param place binds the value: all that names it */
  close(text: string, scope: string, place: string): Buffer {
    return close(Buffer.from(text), this.#keyOf(scope), place)
  }

  /** null for what was not closed under this secret, at this place, or has been touched since. */
  open(sealed: Buffer, scope: string, place: string): string | null {
    return open(sealed, this.#keyOf(scope), place)?.toString('utf8') ?? null
  }

  /** As `close`. @param scope one of a few that are in use at a time; it must not stay in use for ever */
  closeBytes(bytes: Buffer, scope: string, place: string): Buffer {
    return close(bytes, this.#commonKeyOf(scope), place)
  }

  /** As `open`. */
  openBytes(sealed: Buffer, scope: string, place: string): Buffer | null {
    return open(sealed, this.#commonKeyOf(scope), place)
  }

  #keyOf(scope: string): Buffer {
    return createHmac('sha256', this.#values).update(scope).digest()
  }

  #commonKeyOf(scope: string): KeyObject {
    let key = this.#common.get(scope)
    if (key === undefined) {
      key = createSecretKey(this.#keyOf(scope))
      this.#common.set(scope, key)
    }
    return key
  }
}

function close(bytes: Buffer, key: KeyObject | Buffer, place: string): Buffer {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv('aes-256-gcm', key, iv)
  cipher.setAAD(Buffer.from(place))
  const sealed = cipher.update(bytes)
  cipher.final()
  return Buffer.concat([Buffer.of(VERSION), iv, cipher.getAuthTag(), sealed])
}

function open(sealed: Buffer, key: KeyObject | Buffer, place: string): Buffer | null {
  if (sealed.length < HEAD_BYTES || sealed[0] !== VERSION) return null
  const iv = sealed.subarray(1, 1 + IV_BYTES)
  const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: TAG_BYTES })
  decipher.setAAD(Buffer.from(place))
  decipher.setAuthTag(sealed.subarray(1 + IV_BYTES, HEAD_BYTES))
  const bytes = decipher.update(sealed.subarray(HEAD_BYTES))
  try {
    decipher.final()
    return bytes
  } catch {
    // The tag does not fit: the one thing that final() can fail for.
    return null
  }
}
