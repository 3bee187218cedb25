// Public keys, on the wire (privicore.md §4): 4 bytes of version tag, a 32-byte Curve25519 key, a 64-byte BLAKE2b of both.
import { blake2b } from '@noble/hashes/blake2.js'
import { fields, instant, isFields, named, requiredText, text } from './decode.ts'
import { command, read } from './endpoint.ts'
import { Secret } from './secret.ts'

export interface PublicKeyRecord {
  /** As Privicore spells it: either case. */
  readonly signedHex: string
  readonly status: string | null
  /** RFC 3339. */
  readonly createdAt: string | null
}

export interface KeyPair {
  readonly privateKeyHex: Secret
  readonly publicKey: PublicKeyRecord
}

const SIGNED_KEY_BYTES = 100
/** The version tag and the key: what the hash is over. */
const HASHED_BYTES = 36
const TAG_BYTES = 4
const HASH_BYTES = 64

/** Why a text is no signed public key; null when it is one. The version tag is not judged: more than one occurs. */
export function faultOfSignedKey(signedHex: string): string | null {
  if (!/^[0-9a-f]*$/i.test(signedHex)) return 'This is not hexadecimal text.'
  if (signedHex.length !== SIGNED_KEY_BYTES * 2) {
    return `A signed public key is ${SIGNED_KEY_BYTES * 2} hex characters; these are ${signedHex.length}.`
  }
  const bytes = Buffer.from(signedHex, 'hex')
  const hash = blake2b(bytes.subarray(0, HASHED_BYTES), { dkLen: HASH_BYTES })
  return bytes.subarray(HASHED_BYTES).equals(hash) ? null : 'The hash does not match the key: it was mistyped or cut.'
}

/** The Curve25519 key in a signed one, as 64 hex characters. */
export function bareKey(signedHex: string): string {
  return signedHex.slice(TAG_BYTES * 2, HASHED_BYTES * 2)
}

const publicKeyOf = named('publicKey', 'public')
const privateKeyOf = named('private', 'privateKey')
const createdAtOf = named('createdAt')
const statusOf = named('status')

function toPublicKey(body: unknown): PublicKeyRecord {
  if (!isFields(body)) return { signedHex: requiredText(body, 'publicKey'), status: null, createdAt: null }
  return {
    signedHex: requiredText(publicKeyOf(body), 'publicKey'),
    status: text(statusOf(body)),
    createdAt: instant(createdAtOf(body)),
  }
}

export const publicKey = {
  /** Every call makes another pair. */
  generate: read('publicKey.generate', {
    get: '/generate-keys',
    auth: 'none',
    once: true,
    sureness: 'sure',
    decode: (body): KeyPair => ({
      privateKeyHex: new Secret(requiredText(privateKeyOf(fields(body, 'key pair')), 'private')),
      publicKey: toPublicKey(body),
    }),
  }),
  register: command('publicKey.register', {
    post: '/public-key/register-public-key',
    form: ['publicKey'],
    sureness: 'sure',
  }),
  own: read('publicKey.own', {
    get: '/public-key/retrieve-public-key',
    sureness: 'sure',
    decode: toPublicKey,
  }),
  /** The engine's own. It can rotate. */
  cab: read('publicKey.cab', {
    get: '/dptcab/public-key',
    sureness: 'seen',
    decode: toPublicKey,
  }),
}
