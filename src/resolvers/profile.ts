// The profile: registration, sessions, and what is known of the caller.
import type { Sent } from '../context/commands.ts'
import type { Context } from '../context/context.ts'
import { profile, type QrToken, type Session } from '../privicore/profile.ts'

export interface ProfileRecord {
  readonly profileId: string
}

/** The caller's own profile. */
export async function findProfile(ctx: Context): Promise<ProfileRecord> {
  return { profileId: await ctx.read(profile.id, {}) }
}

/** When the caller's token stops working. RFC 3339. */
export async function tokenExpiry(ctx: Context): Promise<string> {
  const expiresAt = await ctx.read(profile.tokenExpiry, {})
  if (ctx.caller !== null) ctx.noteSession(ctx.caller.token, expiresAt)
  return expiresAt
}

export function registerProfile(ctx: Context, input: { username: string; password: string }): Promise<Sent> {
  return ctx.commands.send(profile.register, input)
}

/** @throws UNAUTHENTICATED for wrong credentials */
export async function authenticate(ctx: Context, input: { username: string; password: string }): Promise<Session> {
  const session = await ctx.read(profile.authenticate, input)
  ctx.noteSession(session.token, session.expiresAt)
  return session
}

export function changePassword(ctx: Context, input: { currentPassword: string; newPassword: string }): Promise<Sent> {
  return ctx.commands.send(profile.changePassword, input)
}

export function generateQrToken(ctx: Context): Promise<QrToken> {
  return ctx.read(profile.qrToken, {})
}

/** Either the same token lives longer (a command), or there is a new session at once. */
export async function reauthorizeToken(
  ctx: Context,
  ttlSeconds: number | null | undefined,
): Promise<{ command: Sent['command'] | null; session: Session | null }> {
  const { command, beside: session } = await ctx.commands.send(profile.reauthorize, { ttl: ttlSeconds })
  return session === undefined ? { command, session: null } : { command: null, session }
}

/** The caller's token answers UNAUTHENTICATED from then on. */
export function revokeToken(ctx: Context): Promise<Sent> {
  return ctx.commands.send(profile.revoke, {})
}
