// Knows the OAuth application rows: secrets and codes that are handed out once, tokens with scopes (privicore.md section 3).
import { type Answer, notFound, ok, Refusal, snakeCase, timestamp } from '../answers.ts'
import { Rejected } from '../commands.ts'
import { opaqueToken, uuid } from '../ids.ts'
import type { Call, Caller, Routes } from '../router.ts'
import { covers, SCOPE } from '../scopes.ts'
import type { Application, Session } from '../state.ts'
import { listOf, matching, optional, text, uri } from '../validation.ts'
import { accept, type World } from '../world.ts'

const CODE_LIFETIME_MS = 10 * 60_000
const REFRESH_LIFETIME_MS = 30 * 24 * 3_600_000

const scope = matching(SCOPE)

export function oauth(world: World): Routes {
  const { state, dialect } = world
  const written = (record: Record<string, unknown>) => (dialect.oauthKeys === 'snake' ? snakeCase(record) : record)

  return {
    'oauth.register': {
      method: 'POST',
      path: '/profile/oauth-application-register',
      auth: 'token',
      fields: { title: text, redirect_uri: optional(uri), scope: optional(listOf(scope)) },
      answer: (call, { profile }) => {
        const shape = dialect.oauthRegisterBody === 'none' ? 'none' : dialect.commandBody
        return accept(
          world,
          call.endpoint,
          profile,
          {
            keyed: true,
            apply: (command) => {
              command.result = command.id
              profile.applications.set(command.id, {
                id: command.id,
                title: call.text('title'),
                redirectUri: call.optionalText('redirect_uri') ?? null,
                profileId: profile.profileId,
                clientId: uuid(),
                clientSecret: opaqueToken(),
                scopes: call.list('scope'),
                createdAt: Date.now(),
                retrieved: false,
              })
            },
          },
          shape,
        )
      },
    },

    'oauth.configuration': {
      method: 'POST',
      path: '/profile/retrieve-oauth-application-configuration',
      auth: 'token',
      answer: (call, caller) => ok(written(configuration(world, call, caller))),
    },

    'oauth.requestCode': {
      method: 'GET',
      path: '/profile/oauth-application-request-authorization-code',
      auth: 'token',
      fields: { client_id: text, nonce: text, scope: listOf(scope, 1) },
      answer: (call, caller) => requestCode(world, call, caller),
    },

    'oauth.code': {
      method: 'POST',
      path: '/oauth-application/retrieve-authorization-code',
      auth: 'client',
      fields: { id: text, nonce: text },
      answer: (call, { clientId }) => {
        const code = state.codes.get(world.commands.result(call.text('id'), 'oauth.requestCode') ?? '')
        if (code?.clientId !== clientId) throw notFound()
        if (code.nonce !== call.text('nonce')) throw new Refusal(422, 'oauth.nonce_mismatch')
        if (code.retrieved) throw new Refusal(422, 'oauth.already_retrieved')
        code.retrieved = true
        const { nonce, code: authorizationCode, expiresAt } = code
        return ok(written({ clientId, nonce, authorizationCode, expiresAt: timestamp(expiresAt) }))
      },
    },

    'oauth.accessToken': {
      method: 'POST',
      path: '/oauth-application/obtain-access-token',
      auth: 'client',
      fields: { authorization_code: text },
      answer: (call, application) => accessToken(world, call, application),
    },

    'oauth.list': {
      method: 'GET',
      path: '/profile/retrieve-oauth-application-list',
      auth: 'token',
      answer: (_call, { profile }) => {
        const records = [...state.seen(profile).applications.values()].map((one) =>
          written({
            id: one.id,
            title: one.title,
            clientId: one.clientId,
            redirectUri: one.redirectUri,
            createdAt: timestamp(one.createdAt),
          }),
        )
        return ok(dialect.oauthList === 'items' ? { items: records } : records)
      },
    },

    'oauth.scope': {
      method: 'GET',
      path: '/oauth-application/retrieve-oauth-application-scope',
      auth: 'access-token',
      answer: (_call, { grant }) => scopeAnswer(world, grant?.scopes ?? []),
    },

    'oauth.refresh': {
      method: 'POST',
      path: '/oauth-application/refresh-access-token',
      auth: 'access-token',
      expiredToo: true,
      fields: { refresh_token: text },
      answer: (call, session) => refresh(world, call, session),
    },
  }
}

function configuration(world: World, call: Call, { profile }: Caller): Record<string, unknown> {
  const key = world.dialect.oauthConfigurationKey
  const applicationId = call.text(key)
  if (applicationId === '') throw new Refusal(422, [{ field: key, message: 'This value should not be blank.' }])
  const owner = world.commands.byId.get(applicationId)?.profile
  if (owner && owner !== profile) throw new Refusal(403, 'profile.not_an_owner')
  const known = profile.applications.get(applicationId)
  const isReady = known?.retrieved || world.commands.result(applicationId, 'oauth.register') !== null
  if (!known || !isReady) throw notFound()
  if (known.retrieved) throw new Refusal(422, 'oauth.already_retrieved')
  known.retrieved = true
  const { id, title, redirectUri, profileId, clientId, clientSecret } = known
  return { id, title, redirectUri, profileId, clientId, clientSecret }
}

function requestCode(world: World, call: Call, { profile }: Caller): Answer {
  return accept(world, call.endpoint, profile, {
    keyed: true,
    apply: (command) => {
      const application = world.state.application(call.text('client_id'))
      if (!application) throw new Rejected('oauth.application_not_found')
      const scopes = call.list('scope')
      const isAllowed = application.scopes.length === 0 || scopes.every((one) => covers(application.scopes, one))
      if (!isAllowed) throw new Rejected('oauth.scope_not_allowed')
      command.result = command.id
      world.state.codes.set(command.id, {
        code: opaqueToken(),
        clientId: application.clientId,
        profileId: profile.profileId,
        nonce: call.text('nonce'),
        scopes,
        expiresAt: Date.now() + CODE_LIFETIME_MS,
        retrieved: false,
        used: false,
      })
    },
  })
}

function accessToken(world: World, call: Call, { clientId }: Application): Answer {
  const wanted = call.text('authorization_code')
  const code = [...world.state.codes.values()].find((one) => one.code === wanted)
  if (!code) throw notFound()
  if (code.clientId !== clientId) throw new Refusal(403, 'oauth.not_an_owner')
  if (code.used) throw new Refusal(422, 'oauth.code_used')
  if (code.expiresAt <= Date.now()) throw new Refusal(422, 'oauth.code_expired')
  code.used = true
  const refreshTokenExpiresAt = Date.now() + REFRESH_LIFETIME_MS
  return grantAnswer(world, code.profileId, {
    clientId,
    scopes: code.scopes,
    refreshToken: opaqueToken(),
    refreshTokenExpiresAt,
  })
}

function refresh(world: World, call: Call, session: Session): Answer {
  const { grant } = session
  const isGood = grant?.refreshToken === call.text('refresh_token') && grant.refreshTokenExpiresAt > Date.now()
  if (!grant || !isGood) throw new Refusal(422, 'oauth.invalid_refresh_token')
  session.revoked = true
  const refreshToken = world.dialect.oauthRefreshToken === 'kept' ? grant.refreshToken : opaqueToken()
  return grantAnswer(world, session.profileId, { ...grant, refreshToken })
}

/** Opens the session, and answers with the seven keys of both rows. */
function grantAnswer(world: World, profileId: string, grant: NonNullable<Session['grant']>): Answer {
  const session = world.state.openSession(profileId, world.tokenLifetimeMs)
  session.grant = grant
  return ok({
    clientId: grant.clientId,
    token: session.token,
    refreshToken: grant.refreshToken,
    type: 'bearer',
    scope: grant.scopes.join(' '),
    expiresAt: timestamp(session.expiresAt),
    refreshTokenExpiresAt: timestamp(grant.refreshTokenExpiresAt),
  })
}

function scopeAnswer({ dialect }: World, scopes: string[]): Answer {
  switch (dialect.oauthScope) {
    case 'array':
      return ok(scopes)
    case 'text':
      return ok(scopes.join(' '))
    case 'scope-text':
      return ok({ scope: scopes.join(' ') })
    case 'scope-array':
      return ok({ scope: scopes })
    case 'scopes':
      return ok({ scopes })
  }
}
