// Knows the profile rows: registration, sessions, passwords (privicore.md section 2).
import { ok, Refusal, timestamp } from '../answers.ts'
import { Rejected } from '../commands.ts'
import { opaqueToken, uuid } from '../ids.ts'
import type { Routes } from '../router.ts'
import { integer, optional, text } from '../validation.ts'
import { accept, type World } from '../world.ts'

/** "Short-lived" says the contract. */
const QR_TOKEN_LIFETIME_MS = 60_000

export function profile(world: World): Routes {
  const { state, dialect } = world
  const taken = (username: string) => state.byUsername(username) !== undefined

  return {
    'profile.register': {
      method: 'POST',
      path: '/profile/register-profile',
      auth: 'none',
      fields: { username: text, password: text },
      answer: (call) => {
        const username = call.text('username')
        if (taken(username) && dialect.usernameTaken === '409') throw new Refusal(409, 'profile.username_taken')
        return accept(world, call.endpoint, null, {
          apply: () => {
            if (taken(username)) throw new Rejected('profile.username_taken')
            state.addProfile(uuid(), username, call.text('password'), Date.now())
          },
        })
      },
    },

    'profile.authenticate': {
      method: 'POST',
      path: '/profile/authenticate',
      auth: 'none',
      fields: { username: text, password: text },
      answer: (call) => {
        const owner = state.byUsername(call.text('username'))
        if (owner?.password !== call.text('password')) throw new Refusal(401, 'invalid credentials')
        const { token, expiresAt } = state.openSession(owner.profileId, world.tokenLifetimeMs)
        return ok({ authorizationToken: token, expiresAt: timestamp(expiresAt) })
      },
    },

    'profile.id': {
      method: 'GET',
      path: '/profile/retrieve-profile-id',
      auth: 'token',
      keyless: true,
      answer: (_call, { profile }) => {
        if (dialect.profileId === 'text') return ok(profile.profileId)
        const directory = dialect.directoryFields === 'present' ? profile.directory : {}
        return ok({ profileId: profile.profileId, ...directory })
      },
    },

    'profile.changePassword': {
      method: 'POST',
      path: '/profile/change-password',
      auth: 'token',
      keyless: true,
      fields: { currentPassword: text, newPassword: text },
      answer: (call, { profile }) =>
        accept(world, call.endpoint, profile, {
          apply: () => {
            if (profile.password !== call.text('currentPassword')) throw new Rejected('profile.invalid_password')
            profile.password = call.text('newPassword')
          },
        }),
    },

    'profile.qrToken': {
      method: 'POST',
      path: '/profile/generate-token-qr',
      auth: 'token',
      keyless: true,
      answer: () => {
        const token = opaqueToken()
        const expiresAt = timestamp(Date.now() + QR_TOKEN_LIFETIME_MS)
        if (dialect.qrToken === 'text') return ok(token)
        return ok(dialect.qrToken === 'token' ? { token, expiresAt } : { qrToken: token, expiresAt })
      },
    },

    'profile.reauthorize': {
      method: 'POST',
      path: '/profile/reauthorize-authorization-token',
      auth: 'token',
      keyless: true,
      fields: { ttl: optional(integer(1)) },
      answer: (call, { profile, session }) => {
        const seconds = call.optionalNumber('ttl')
        const lifetimeMs = seconds === undefined ? world.tokenLifetimeMs : seconds * 1000
        if (dialect.reauthorize === '200') {
          const { token, expiresAt } = state.openSession(profile.profileId, lifetimeMs)
          return ok({ authorizationToken: token, expiresAt: timestamp(expiresAt) })
        }
        return accept(world, call.endpoint, profile, {
          apply: () => {
            session.expiresAt = Date.now() + lifetimeMs
          },
        })
      },
    },

    'profile.revoke': {
      method: 'POST',
      path: '/profile/revoke-authorization-token',
      auth: 'token',
      keyless: true,
      answer: (call, { profile, session }) => {
        const revoke = () => {
          session.revoked = true
        }
        if (dialect.revoke === '202') return accept(world, call.endpoint, profile, { apply: revoke })
        revoke()
        return ok()
      },
    },

    'profile.tokenExpiry': {
      method: 'POST',
      path: '/profile/authorization-token/expiry',
      auth: 'token',
      keyless: true,
      answer: (_call, { session }) => ok({ expiresAt: timestamp(session.expiresAt) }),
    },
  }
}
