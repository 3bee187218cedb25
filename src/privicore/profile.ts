// Profile, on the wire (privicore.md §2): credentials in, tokens out.
import { instant, isFields, Misfit, named, text, textOrBare } from './decode.ts'
import { command, read } from './endpoint.ts'
import { Secret } from './secret.ts'

export interface Session {
  readonly token: Secret
  /** RFC 3339. */
  readonly expiresAt: string
}

export interface QrToken {
  readonly token: Secret
  readonly expiresAt: string | null
}

const tokenOf = named('authorizationToken', 'token')
const qrTokenOf = named('qrToken', 'token')
const expiresAtOf = named('expiresAt', 'expiry', 'expires')

/** null where the body holds no session: the answer to a reauthorization may be a command. */
function session(body: unknown): Session | null {
  if (!isFields(body)) return null
  const token = text(tokenOf(body))
  const expiresAt = instant(expiresAtOf(body))
  return token === null || expiresAt === null ? null : { token: new Secret(token), expiresAt }
}

export const profile = {
  register: command('profile.register', {
    post: '/profile/register-profile',
    form: ['username', 'password'],
    auth: 'none',
    sureness: 'sure',
  }),
  authenticate: read('profile.authenticate', {
    post: '/profile/authenticate',
    form: ['username', 'password'],
    auth: 'none',
    sureness: 'sure',
    decode: (body): Session => {
      const found = session(body)
      if (found === null) throw new Misfit('authorizationToken, expiresAt', 'a session', body)
      return found
    },
  }),
  id: read('profile.id', {
    get: '/profile/retrieve-profile-id',
    sureness: 'sure',
    decode: textOrBare('profileId', 'profileId', 'id'),
  }),
  changePassword: command('profile.changePassword', {
    post: '/profile/change-password',
    form: ['currentPassword', 'newPassword'],
    sureness: 'seen',
  }),
  qrToken: read('profile.qrToken', {
    post: '/profile/generate-token-qr',
    form: [],
    once: true,
    sureness: 'seen',
    decode: (body): QrToken => {
      const token = text(isFields(body) ? qrTokenOf(body) : body)
      if (token === null) throw new Misfit('qrToken', 'text', body)
      return { token: new Secret(token), expiresAt: isFields(body) ? instant(expiresAtOf(body)) : null }
    },
  }),
  /** ttl in seconds. Either the same token lives longer (a command), or there is a new one at once. */
  reauthorize: command('profile.reauthorize', {
    post: '/profile/reauthorize-authorization-token',
    form: ['ttl?'],
    sureness: 'seen',
    decode: (body): Session | undefined => session(body) ?? undefined,
  }),
  revoke: command('profile.revoke', {
    post: '/profile/revoke-authorization-token',
    form: [],
    sureness: 'seen',
  }),
  tokenExpiry: read('profile.tokenExpiry', {
    post: '/profile/authorization-token/expiry',
    form: [],
    sureness: 'seen',
    decode: (body): string => {
      const expiresAt = instant(isFields(body) ? expiresAtOf(body) : body)
      if (expiresAt === null) throw new Misfit('expiresAt', 'a timestamp', body)
      return expiresAt
    },
  }),
}
