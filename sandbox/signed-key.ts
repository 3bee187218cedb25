// Knows the signed public key of privicore.md section 4: version tag, Curve25519 key, BLAKE2b over the two; in hex.
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { blake2b } from '@noble/hashes/blake2.js'

export const TAGS = ['31420500', '31400500'] as const

const TAGGED_KEY_BYTES = 36
const SIGNED_KEY_BYTES = 100

export function sign(key: Uint8Array, tag: string): string {
  const tagged = Buffer.concat([Buffer.from(tag, 'hex'), key])
  return Buffer.concat([tagged, blake2b(tagged, { dkLen: 64 })]).toString('hex')
}

/** Length, hex and hash; the version tag is not judged. */
export function isSignedKey(hex: string): boolean {
  if (!/^[0-9a-f]*$/i.test(hex) || hex.length !== 2 * SIGNED_KEY_BYTES) return false
  const bytes = Buffer.from(hex, 'hex')
  const hash = blake2b(bytes.subarray(0, TAGGED_KEY_BYTES), { dkLen: 64 })
  return bytes.subarray(TAGGED_KEY_BYTES).equals(hash)
}

export function generateKeyPair(tag: string): { private: string; public: string } {
  const { privateKey, publicKey } = generateKeyPairSync('x25519')
  return { private: rawKey(privateKey, 'd').toString('hex'), public: sign(rawKey(publicKey, 'x'), tag) }
}

function rawKey(key: KeyObject, part: 'd' | 'x'): Buffer {
  return Buffer.from(key.export({ format: 'jwk' })[part] ?? '', 'base64url')
}
