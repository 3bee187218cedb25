// Signing up: a profile, its session and its public key, in one go.
import type { Context } from '../context/context.ts'
import { hasCode, PrivicoreError } from '../privicore/errors.ts'
import { profile, type Session } from '../privicore/profile.ts'
import { publicKey } from '../privicore/public-key.ts'
import { checkSignedKey } from './public-key.ts'
import { type Ended, Workflow } from './workflow.ts'

export type SignUpStep = 'REGISTER' | 'AUTHENTICATE' | 'REGISTER_KEY'

export interface SignedUp extends Ended<SignUpStep, true> {
  /** There as soon as the second step is done, whatever becomes of the third. */
  readonly session: Session | null
}

export async function signUp(
  ctx: Context,
  input: { readonly username: string; readonly password: string; readonly publicKeyHex: string },
): Promise<SignedUp> {
  const { username, password, publicKeyHex } = input
  let session: Session | null = null
  const workflow = new Workflow<SignUpStep>(ctx, 'REGISTER')
  const ended = await workflow.run(async () => {
    checkSignedKey(publicKeyHex, 'publicKeyHex')
    const { command } = await workflow.succeeded(await ctx.commands.send(profile.register, { username, password }))

    workflow.begin('AUTHENTICATE')
    // A profile that was made just now may not be known yet: its own password is refused for a moment.
    const authenticate = () => ctx.read(profile.authenticate, { username, password }).catch(nullUnless)
    session = await ctx.commands.afterSuccess(command, authenticate)
    if (session === null) throw new PrivicoreError('UNAUTHENTICATED', 'signUp: the new profile cannot sign in')

    workflow.begin('REGISTER_KEY')
    const own = ctx.as(session.token)
    await workflow.succeeded(await own.commands.send(publicKey.register, { publicKey: publicKeyHex }))
    return true as const
  })
  return { ...ended, session }
}

function nullUnless(error: unknown): null {
  if (hasCode(error, 'UNAUTHENTICATED')) return null
  throw error
}
