// Knows the data-token rows: a reserved space is filled, becomes a token, and is asked for (privicore.md section 5).
import { type Answer, notFound, ok } from '../answers.ts'
import { type Command, Rejected } from '../commands.ts'
import { list, listFields } from '../data-token-list.ts'
import { dispatch } from '../deliveries.ts'
import type { Fields } from '../form.ts'
import { malformed, opaqueToken, uuid } from '../ids.ts'
import type { Call, Routes } from '../router.ts'
import type { DataToken, Profile } from '../state.ts'
import { base64, integer, isObject, jsonText, object, optional, text } from '../validation.ts'
import { accept, accepted, begin, COMMAND_HEADER, type World } from '../world.ts'

const DEFAULT_TTL_MINUTES = 5
/** 300 was refused, 5 accepted: the limit is somewhere between. */
const MAX_TTL_MINUTES = 60
/** "Up to about 50 KB": generous, so that only what is clearly too much is refused. */
const MAX_INLINE_BYTES = 64 * 1024

export function dataToken(world: World): Routes {
  return {
    'dataToken.reserve': {
      method: 'POST',
      path: '/data-token/reserve-token-space',
      auth: 'token',
      fields: { context: text, ttl: optional(integer(1, MAX_TTL_MINUTES)), meta: optional(jsonText) },
      answer: (call, { profile }) =>
        accept(world, call.endpoint, profile, {
          keyed: true,
          apply: (command) => {
            command.result = reserve(world, profile, call).temporaryToken
          },
        }),
    },

    'dataToken.temporary': {
      method: 'GET',
      path: '/data-token/retrieve-temporary-data-token/{commandId}',
      auth: 'token',
      answer: (call, { profile }) => {
        const token = world.commands.result(call.param('commandId'), 'dataToken.reserve', profile.profileId)
        const found = find(profile, token ?? '')
        if (!found || isExpired(found)) throw notFound()
        return temporaryAnswer(world, found)
      },
    },

    'dataToken.exchange': {
      method: 'POST',
      path: '/data-token/exchange-data-for-token',
      auth: 'token',
      fields: { temporaryTokenSpace: text, data: base64(MAX_INLINE_BYTES) },
      answer: (call, { profile }) => {
        const space = (command: Command) => emptySpace(world, profile, call.text('temporaryTokenSpace'), command)
        return accept(world, call.endpoint, profile, {
          check: space,
          stays: () => profile.storage.size === 0,
          apply: (command) => {
            space(command).stored = world.blobs.put(Buffer.from(call.text('data'), 'base64'))
          },
        })
      },
    },

    'dataToken.request': {
      method: 'POST',
      path: '/data-token/request-data',
      auth: 'token',
      fields: { token: text },
      answer: (call, { profile }) => request(world, profile, call),
    },

    'dataToken.riskMeta': {
      method: 'POST',
      path: '/data-token/configure-information-security-risk-meta',
      auth: 'token',
      fields: { token: text, classification: text, label: text, handling: text },
      answer: (call, { profile }) =>
        accept(world, call.endpoint, profile, {
          apply: () => {
            const found = ownToken(world, profile, call.text('token'))
            found.meta.information_security_risk = call.others(['token'])
          },
        }),
    },

    'dataToken.fileMeta': {
      method: 'POST',
      path: '/data-token/configure-file-meta',
      auth: 'token',
      fields: { token: text, fileName: text, extension: text, context: text, size: integer(0), path: text },
      answer: (call, { profile }) => fileMeta(world, profile, call),
    },

    'dataToken.list': {
      method: 'GET',
      path: '/data-token/list-data-tokens',
      auth: 'token',
      fields: listFields,
      answer: (call, { profile }) => list(world, world.state.seen(profile), call),
    },

    'dataToken.update': {
      method: 'POST',
      path: '/data-token/update-data',
      auth: 'token',
      encoding: 'json',
      fields: { dataToken: text, data: base64(MAX_INLINE_BYTES), meta: optional(object) },
      answer: (call, { profile }) =>
        accept(world, call.endpoint, profile, {
          apply: () => {
            const found = storedToken(world, profile, call.text('dataToken'))
            found.stored = world.blobs.put(Buffer.from(call.text('data'), 'base64'))
            mergeMeta(found, call.object('meta'))
          },
        }),
    },

    'dataToken.delete': {
      method: 'POST',
      path: '/data-token/delete-data',
      auth: 'token',
      fields: { token: text },
      answer: (call, { profile }) =>
        accept(world, call.endpoint, profile, {
          apply: () => {
            profile.dataTokens.delete(storedToken(world, profile, call.text('token')).token)
          },
        }),
    },
  }
}

function reserve({ dialect }: World, profile: Profile, call: Call): DataToken {
  const token = dialect.ids === 'malformed' ? malformed(uuid()) : uuid()
  const ttlMinutes = call.optionalNumber('ttl') ?? DEFAULT_TTL_MINUTES
  const reserved: DataToken = {
    token,
    temporaryToken: token,
    stream: opaqueToken(),
    context: call.text('context'),
    meta: { file: {}, information_security_risk: {}, data: {} },
    createdAt: Date.now(),
    expiresAt: Date.now() + ttlMinutes * 60_000,
    stored: null,
  }
  mergeMeta(reserved, JSON.parse(call.optionalText('meta') ?? '{}'))
  profile.dataTokens.set(token, reserved)
  return reserved
}

function temporaryAnswer(world: World, { temporaryToken: token, stream, stored }: DataToken): Answer {
  const { dialect } = world
  if (dialect.temporaryToken === 'text') return ok(token)
  if (dialect.stream === 'absent' || stream === null || stored) return ok({ token })
  return ok({ token, stream: dialect.stream === 'url' ? `${world.upstreamUrl()}/?auth=${stream}` : stream })
}

function request(world: World, profile: Profile, call: Call): Answer {
  const { dialect } = world
  const requestId = uuid()
  const command = begin(world, call.endpoint, profile, {
    keyed: true,
    check: () => storedToken(world, profile, call.text('token')),
    apply: (accepted) => {
      accepted.result = requestId
      const found = storedToken(world, profile, call.text('token'))
      world.timers.after(0, () => dispatch(world, profile, found, requestId))
    },
  })
  const { status } = accepted(dialect, command.id)
  return {
    status,
    body: dialect.requestDataBody === 'null' ? null : { commandId: command.id, requestId },
    headers: { [COMMAND_HEADER]: command.id, 'X-Dpt-Cab-Request-Id': requestId },
  }
}

function fileMeta(world: World, profile: Profile, call: Call): Answer {
  const { dialect } = world
  const configure = (found: DataToken) => {
    found.context = call.text('context')
    const { fileName, extension, path } = call.fields
    found.meta.file = { ...found.meta.file, fileName, extension, size: call.number('size'), path }
  }
  if (dialect.fileMeta === '202') {
    const accepted = accept(world, call.endpoint, profile, {
      apply: () => configure(ownToken(world, profile, call.text('token'))),
    })
    // A text that came with 200 would be a token (section 5).
    return typeof accepted.body === 'string' ? { ...accepted, status: 202 } : accepted
  }
  const found = find(profile, call.text('token'))
  if (!found || isExpired(found)) throw notFound()
  configure(found)
  if (dialect.fileMeta === 'no-token') return ok()
  const isTemporary = found.token === found.temporaryToken && found.expiresAt !== Number.POSITIVE_INFINITY
  if (isTemporary) {
    profile.dataTokens.delete(found.token)
    found.token = dialect.ids === 'malformed' ? malformed(uuid()) : uuid()
    profile.dataTokens.set(found.token, found)
  }
  return ok(dialect.fileMeta === 'text' ? found.token : { token: found.token })
}

/** By permanent or temporary token. */
function find(profile: Profile, token: string): DataToken | undefined {
  return profile.dataTokens.get(token) ?? [...profile.dataTokens.values()].find((one) => one.temporaryToken === token)
}

function isExpired({ stored, expiresAt }: DataToken, at = Date.now()): boolean {
  return !stored && expiresAt <= at
}

/** Throws Rejected, like the two below. */
function ownToken(world: World, profile: Profile, token: string, at?: number): DataToken {
  const found = find(profile, token)
  if (!found)
    throw new Rejected(world.state.owns('dataTokens', token) ? 'profile.not_an_owner' : 'data_token.not_found')
  if (isExpired(found, at)) throw new Rejected('data_token.expired')
  return found
}

/** A space that was good when the command was accepted stays good while the command waits for a vote. */
function emptySpace(world: World, profile: Profile, token: string, { acceptedAt }: Command): DataToken {
  const found = ownToken(world, profile, token, acceptedAt)
  if (found.stored) throw new Rejected('data_token.already_exchanged')
  return found
}

function storedToken(world: World, profile: Profile, token: string): DataToken {
  const found = ownToken(world, profile, token)
  if (!found.stored) throw new Rejected('data_token.empty')
  return found
}

function mergeMeta(target: DataToken, meta: Fields): void {
  for (const part of ['information_security_risk', 'file', 'data'] as const) {
    const given = meta[part]
    if (isObject(given)) Object.assign(target.meta[part], given)
  }
}
