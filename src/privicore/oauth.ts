// OAuth applications, on the wire (privicore.md §3): secrets and codes that are handed out once, and tokens with scopes.
import { type Fields, fields, instant, isFields, listOf, Misfit, named, requiredText, text } from './decode.ts'
import { command, read } from './endpoint.ts'
import { Secret } from './secret.ts'

export interface OAuthApplicationRecord {
  readonly applicationId: string
  readonly title: string
  readonly clientId: string | null
  readonly redirectUri: string | null
  /** RFC 3339. */
  readonly createdAt: string | null
}

export interface OAuthConfiguration {
  /** null where the body names none: then it is the id that was asked for. */
  readonly applicationId: string | null
  readonly title: string | null
  readonly redirectUri: string | null
  readonly profileId: string | null
  readonly clientId: string
  readonly clientSecret: Secret
}

export interface OAuthAuthorizationCode {
  readonly code: Secret
  readonly clientId: string | null
  readonly nonce: string | null
  /** RFC 3339. */
  readonly expiresAt: string | null
}

export interface OAuthAccessToken {
  readonly clientId: string | null
  readonly token: Secret
  /** null where a refresh does not replace it and does not repeat it either. */
  readonly refreshToken: Secret | null
  readonly type: string
  readonly scopes: readonly string[]
  /** RFC 3339. */
  readonly expiresAt: string | null
  readonly refreshTokenExpiresAt: string | null
}

const applicationIdOf = named('id', 'applicationId')
const titleOf = named('title', 'name')
const clientIdOf = named('clientId')
const clientSecretOf = named('clientSecret')
const redirectUriOf = named('redirectUri', 'redirectUrl')
const profileIdOf = named('profileId')
const createdAtOf = named('createdAt')
const nonceOf = named('nonce')
const codeOf = named('authorizationCode', 'code')
const tokenOf = named('token', 'accessToken')
const refreshTokenOf = named('refreshToken')
const typeOf = named('type', 'tokenType')
const scopeOf = named('scope', 'scopes')
const expiresAtOf = named('expiresAt')
const refreshTokenExpiresAtOf = named('refreshTokenExpiresAt')

function toApplication(record: Fields, place: string): OAuthApplicationRecord {
  return {
    applicationId: requiredText(applicationIdOf(record), `${place}.id`),
    title: text(titleOf(record)) ?? '',
    clientId: text(clientIdOf(record)),
    redirectUri: text(redirectUriOf(record)),
    createdAt: instant(createdAtOf(record)),
  }
}

function toConfiguration(body: unknown): OAuthConfiguration {
  const record = fields(body, 'configuration')
  return {
    applicationId: text(applicationIdOf(record)),
    title: text(titleOf(record)),
    redirectUri: text(redirectUriOf(record)),
    profileId: text(profileIdOf(record)),
    clientId: requiredText(clientIdOf(record), 'configuration.clientId'),
    clientSecret: new Secret(requiredText(clientSecretOf(record), 'configuration.clientSecret')),
  }
}

function toAuthorizationCode(body: unknown): OAuthAuthorizationCode {
  const record = fields(body, 'authorization code')
  return {
    code: new Secret(requiredText(codeOf(record), 'authorizationCode')),
    clientId: text(clientIdOf(record)),
    nonce: text(nonceOf(record)),
    expiresAt: instant(expiresAtOf(record)),
  }
}

function toAccessToken(body: unknown): OAuthAccessToken {
  const record = fields(body, 'access token')
  const refreshToken = text(refreshTokenOf(record))
  return {
    clientId: text(clientIdOf(record)),
    token: new Secret(requiredText(tokenOf(record), 'access token.token')),
    refreshToken: refreshToken === null ? null : new Secret(refreshToken),
    type: text(typeOf(record)) ?? 'bearer',
    scopes: toScopes(scopeOf(record)),
    expiresAt: instant(expiresAtOf(record)),
    refreshTokenExpiresAt: instant(refreshTokenExpiresAtOf(record)),
  }
}

/** One text with spaces or commas, or a list (which PHP may spell as an object with numbers for keys); nothing is none. */
function toScopes(value: unknown): string[] {
  if (value === undefined || value === null) return []
  if (typeof value === 'string') return value.split(/[\s,]+/).filter((scope) => scope !== '')
  if (Array.isArray(value)) return value.flatMap(toScopes)
  if (isFields(value)) {
    if ('scope' in value || 'scopes' in value) return toScopes(scopeOf(value))
    if (Object.keys(value).every((key) => /^\d+$/.test(key))) return toScopes(Object.values(value))
  }
  throw new Misfit('scope', 'scopes', value)
}

export const oauth = {
  /** Its command id is the id of the application. */
  register: command('oauth.register', {
    post: '/profile/oauth-application-register',
    form: ['title', 'redirect_uri?', 'scope?'],
    sureness: 'sure',
  }),
  /** id: command id of the registration. The sources disagree about the field's name. */
  configuration: read('oauth.configuration', {
    post: '/profile/retrieve-oauth-application-configuration',
    form: ['id'],
    twins: { applicationId: 'id' },
    once: true,
    sureness: 'sure',
    decode: toConfiguration,
  }),
  /** Sent by the consenting profile. Answered by oauth.code, with the command's id as key. */
  requestCode: command('oauth.requestCode', {
    get: '/profile/oauth-application-request-authorization-code',
    query: ['client_id', 'nonce', 'scope'],
    sureness: 'sure',
  }),
  /** id: command id of requestCode; the nonce is the same. */
  code: read('oauth.code', {
    post: '/oauth-application/retrieve-authorization-code',
    form: ['id', 'nonce'],
    auth: 'client',
    once: true,
    sureness: 'sure',
    decode: toAuthorizationCode,
  }),
  accessToken: read('oauth.accessToken', {
    post: '/oauth-application/obtain-access-token',
    form: ['authorization_code'],
    auth: 'client',
    once: true,
    sureness: 'sure',
    decode: (body): OAuthAccessToken & { readonly refreshToken: Secret } => {
      const granted = toAccessToken(body)
      if (granted.refreshToken === null) throw new Misfit('access token.refreshToken', 'text', undefined)
      return { ...granted, refreshToken: granted.refreshToken }
    },
  }),
  list: read('oauth.list', {
    get: '/profile/retrieve-oauth-application-list',
    sureness: 'sure',
    decode: listOf(toApplication, 'application'),
  }),
  scope: read('oauth.scope', {
    get: '/oauth-application/retrieve-oauth-application-scope',
    auth: 'access-token',
    sureness: 'sure',
    decode: toScopes,
  }),
  /** Authenticated by the access token as it is: raw, not base64. */
  refresh: read('oauth.refresh', {
    post: '/oauth-application/refresh-access-token',
    form: ['refresh_token'],
    auth: 'access-token',
    once: true,
    sureness: 'sure',
    decode: toAccessToken,
  }),
}
