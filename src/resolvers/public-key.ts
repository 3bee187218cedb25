// Public keys: the caller's, the engine's, and new ones.
import type { Sent } from '../context/commands.ts'
import type { Context } from '../context/context.ts'
import { faultOfSignedKey, type KeyPair, type PublicKeyRecord, publicKey } from '../privicore/public-key.ts'
import { refuse } from './input.ts'

/** null until one is registered. */
export function findPublicKey(ctx: Context): Promise<PublicKeyRecord | null> {
  return ctx.find(publicKey.own, {})
}

/** The engine's own. */
export function findCabPublicKey(ctx: Context): Promise<PublicKeyRecord | null> {
  return ctx.find(publicKey.cab, {})
}

export function generateKeyPair(ctx: Context): Promise<KeyPair> {
  return ctx.read(publicKey.generate, {})
}

/** @param field of the input that holds it. @throws VALIDATION_FAILED, before anything is sent */
export function checkSignedKey(signedHex: string, field: string): void {
  const fault = faultOfSignedKey(signedHex)
  if (fault !== null) refuse(field, fault)
}

/** Replaces the one that is registered. @throws VALIDATION_FAILED without a call for what is no signed key */
export async function registerPublicKey(ctx: Context, signedHex: string): Promise<Sent> {
  checkSignedKey(signedHex, 'signedHex')
  return ctx.commands.send(publicKey.register, { publicKey: signedHex })
}
