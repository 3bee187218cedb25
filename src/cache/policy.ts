// What may be remembered, for whom and for how long, and what a command makes the gateway forget. Knows every row by its id,
// and no store. A read or a command without a line here does not compile.
import type { CommandId, ReadId } from '../privicore/catalogue.ts'

/** What is remembered of a caller is forgotten by area. */
export const AREAS = [
  'profile',
  'publicKey',
  'oauth',
  'dataToken',
  'device',
  'storage',
  'authenticator',
  'votingStrategy',
  'votingConfiguration',
  'policyTemplate',
  'policy',
] as const
export type Area = (typeof AREAS)[number]

/** How long an answer counts, from the moment it was asked for. */
export interface Remembered {
  readonly kind: 'caller' | 'public'
  readonly area: Area
  /** Served as it is. */
  readonly freshMs: number
  /** After that: served while it is asked for anew, and while Privicore is down. */
  readonly staleMs: number
}

export type Policy =
  /** Not kept at all; only asks that overlap within one operation share their call. */
  | { readonly kind: 'never'; readonly reason: string }
  /** Kept as long as the operation that asked. */
  | { readonly kind: 'operation'; readonly reason: string }
  | Remembered

const never = (reason: string): Policy => ({ kind: 'never', reason })
const operation = (reason: string): Policy => ({ kind: 'operation', reason })

interface Seconds {
  readonly area: Area
  readonly fresh: number
  readonly stale: number
}

/** Kept for one caller: whoever sends the same token. */
const perCaller = ({ area, fresh, stale }: Seconds): Policy => ({
  kind: 'caller',
  area,
  freshMs: fresh * 1_000,
  staleMs: stale * 1_000,
})

/** One answer for all callers, given to those whom Privicore has let in a moment ago. For what is nobody's own. */
const forAll = (seconds: Seconds): Policy => ({ ...(perCaller(seconds) as Remembered), kind: 'public' })

// Lists change through commands, which forget them: the seconds bound what happens behind the gateway's back, in another client
// or on a device. 15 s is what a person waits before pressing reload; a token that was revoked elsewhere is served no longer
// than the longest fresh time.
export const READS = {
  'utility.health': operation('it is asked to learn how things are now'),
  'utility.requestStatus': never('the status of a command; commands/ knows when to ask'),

  'profile.authenticate': never('a token'),
  'profile.id': perCaller({ area: 'profile', fresh: 60, stale: 120 }),
  'profile.qrToken': never('a token that works once'),
  'profile.tokenExpiry': perCaller({ area: 'profile', fresh: 15, stale: 60 }),

  'oauth.configuration': never('a client secret, handed out once'),
  'oauth.code': never('a code that works once'),
  'oauth.accessToken': never('tokens'),
  'oauth.list': perCaller({ area: 'oauth', fresh: 30, stale: 120 }),
  'oauth.scope': never('asked with another credential than the token of the caller'),
  'oauth.refresh': never('tokens'),

  'publicKey.generate': never('a private key'),
  'publicKey.own': perCaller({ area: 'publicKey', fresh: 60, stale: 120 }),
  // The engine's key can rotate (privicore.md §4): briefly.
  'publicKey.cab': forAll({ area: 'publicKey', fresh: 60, stale: 60 }),

  'dataToken.temporary': never('a token and a stream that work once'),
  'dataToken.list': perCaller({ area: 'dataToken', fresh: 10, stale: 60 }),

  'device.identifier': operation('asked once, by whoever has requested the device'),
  'device.list': perCaller({ area: 'device', fresh: 15, stale: 120 }),
  'device.configuration': never('credentials of the message broker'),

  'storage.list': perCaller({ area: 'storage', fresh: 15, stale: 120 }),

  'authenticator.list': perCaller({ area: 'authenticator', fresh: 15, stale: 120 }),
  'authenticator.strategy': perCaller({ area: 'votingStrategy', fresh: 30, stale: 120 }),
  'votingConfiguration.list': perCaller({ area: 'votingConfiguration', fresh: 30, stale: 120 }),
  'votingConfiguration.get': perCaller({ area: 'votingConfiguration', fresh: 30, stale: 120 }),

  // Templates belong to the server; no command changes them.
  'policy.templates': perCaller({ area: 'policyTemplate', fresh: 60, stale: 240 }),
  'policy.listActive': perCaller({ area: 'policy', fresh: 15, stale: 120 }),
  'policy.listInactive': perCaller({ area: 'policy', fresh: 15, stale: 120 }),
  'policy.list': perCaller({ area: 'policy', fresh: 15, stale: 120 }),
  'policy.get': perCaller({ area: 'policy', fresh: 15, stale: 120 }),

  'voting.pool': operation('it changes with every vote, without a command'),
} satisfies Record<ReadId, Policy>

/** Longest time that anything remembered can still be served. */
export const LONGEST_MS = Math.max(
  ...Object.values<Policy>(READS).map((policy) => ('freshMs' in policy ? policy.freshMs + policy.staleMs : 0)),
)

/** Policy of a row; one that is not in the catalogue is shared within its operation only. */
export function policyOf(id: string): Policy {
  return (READS as Readonly<Record<string, Policy>>)[id] ?? UNLISTED
}

const UNLISTED = operation('not in the catalogue')

const EVERYTHING: readonly Area[] = AREAS
const NOTHING: readonly Area[] = []
/** A device is in the lists of its roles, and configurations name devices. */
const DEVICE_GONE: readonly Area[] = ['device', 'storage', 'authenticator', 'votingConfiguration']

const FORGETS = {
  'profile.register': NOTHING,
  'profile.changePassword': EVERYTHING,
  'profile.reauthorize': ['profile'],
  'profile.revoke': EVERYTHING,

  'oauth.register': ['oauth'],
  'oauth.requestCode': NOTHING,

  'publicKey.register': ['publicKey'],

  'dataToken.reserve': ['dataToken'],
  'dataToken.exchange': ['dataToken'],
  'dataToken.request': NOTHING,
  'dataToken.riskMeta': ['dataToken'],
  'dataToken.fileMeta': ['dataToken'],
  'dataToken.update': ['dataToken'],
  'dataToken.delete': ['dataToken'],

  'device.request': ['device'],
  'device.configure': ['device', 'storage', 'authenticator'],
  'device.approve': ['device', 'storage', 'authenticator'],
  'device.reject': DEVICE_GONE,
  'device.remove': DEVICE_GONE,

  'storage.register': ['storage', 'device'],
  'storage.sync': ['storage', 'device'],
  'storage.remove': ['storage', 'device'],

  'authenticator.register': ['authenticator', 'device'],
  'authenticator.quorumSize': ['votingStrategy'],
  'authenticator.quorumStrategy': ['votingStrategy'],
  'authenticator.timeLimit': ['votingStrategy'],
  'authenticator.maxAttempts': ['votingStrategy'],
  'authenticator.remove': ['authenticator', 'device', 'votingConfiguration'],

  // A policy carries its configuration.
  'votingConfiguration.register': ['votingConfiguration', 'policy'],
  'votingConfiguration.update': ['votingConfiguration', 'policy'],

  'policy.register': ['policy'],
  'policy.activate': ['policy'],
  'policy.deactivate': ['policy'],
  'policy.delete': ['policy'],

  'voting.create': NOTHING,
} satisfies Record<CommandId, readonly Area[]>

/** The areas that a command changes, of whoever sent it. */
export function forgottenBy(commandId: string): readonly Area[] {
  return (FORGETS as Readonly<Record<string, readonly Area[]>>)[commandId] ?? NOTHING
}
