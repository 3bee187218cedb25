// What the stub of Privicore holds, and the answer that each query must give. Knows the wire (privicore.md, the default
// spellings) and the queries; no server.
import { createHash } from 'node:crypto'

/** A time-ordered UUID, the same in every run. */
function uuid(kind: string, index: number): string {
  const hex = createHash('sha256').update(`${kind} ${index}`).digest('hex')
  return `019c0f2a-${hex.slice(0, 4)}-7${hex.slice(4, 7)}-8${hex.slice(7, 10)}-${hex.slice(10, 22)}`
}

const range = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i))
const two = (index: number) => String(index + 1).padStart(2, '0')
const createdAt = (index: number) => `2026-02-${two(index % 28)}T15:33:44+00:00`

const PROFILE_ID = uuid('profile', 0)

const devices = range(50, (index) => ({
  deviceIdentifier: uuid('device', index),
  name: `Device ${two(index)}`,
  createdAt: createdAt(index),
  status: index % 5 === 4 ? 'pending' : 'approved',
  score: 50 + index,
  meta: { os: index % 2 === 0 ? 'android' : 'ios', appVersion: `3.${index % 4}.1` },
}))
const storageDevices = devices.slice(0, 20)
const authenticators = devices.slice(20, 40)

const STRATEGIES = ['unanimous', 'consensus', 'affirmative', 'minimum_percentage', 'consensus']
const votingConfigurations = STRATEGIES.map((strategy, index) => ({
  id: uuid('voting configuration', index),
  name: `Rules ${two(index)}`,
  timeLimit: 300,
  strategy,
  ...(strategy === 'minimum_percentage' ? { percentageRequired: 60 } : {}),
  deviceIdentifiers: authenticators.slice(index, index + 3).map((row) => row.deviceIdentifier),
}))

const templates = Object.fromEntries(
  range(4, (index) => [
    uuid('template', index),
    {
      name: `Template ${two(index)}`,
      description: 'Holds an operation until the authenticators have voted.',
      events: { [uuid('event', index)]: { 'data_token.exchange': 'Data is exchanged' } },
      configuration: ['threshold'],
      votingAttributes: ['question'],
    },
  ]),
)

const policies = range(20, (index) => ({
  id: uuid('policy', index),
  name: `Policy ${two(index)}`,
  policyTemplateId: uuid('template', index % 4),
  applyingEventIds: [uuid('event', index % 4)],
  votingConfigurationId: uuid('voting configuration', index % 5),
  configuration: { threshold: index },
  active: index % 3 !== 0,
  createdAt: createdAt(index),
}))

/** Every answer of the stub, by method and path. */
export const ANSWERS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['GET /health', { status: 'ok' }],
  ['GET /profile/retrieve-profile-id', { profileId: PROFILE_ID }],
  ['POST /profile/authorization-token/expiry', { expiresAt: '2027-02-21T15:33:44+00:00' }],
  ['GET /public-key/retrieve-public-key', { publicKey: '31420500'.padEnd(200, '0'), createdAt: createdAt(0) }],
  ['GET /device/retrieve-profile-devices', devices],
  ['GET /storage/list-storage-devices', storageDevices],
  ['GET /verified-authenticator/list-verified-authenticator', authenticators],
  ['GET /policy/list-registered-policies', policies],
  ['GET /policy/list-policy-templates', templates],
  ['GET /verified-authenticator/voting-configuration/list', votingConfigurations],
  ...votingConfigurations.map(
    (row) => [`GET /verified-authenticator/voting-configuration/retrieve/${row.id}`, row] as const,
  ),
])

export const QUERY_NAMES = ['list', 'nPlusOne', 'join', 'dashboard'] as const
export type QueryName = (typeof QUERY_NAMES)[number]

export interface Query {
  readonly title: string
  readonly document: string
  /** Upstream calls where each related record is asked for by its id: what a server without a look-up in the list does. */
  readonly callsById: number
  /** Endpoints that it takes at least. */
  readonly endpoints: number
  /** What the answer must be, in the order of the selection. */
  readonly data: object
}

const DEVICE = '{ deviceIdentifier name status score createdAt meta }'
const HOLDERS = 'deviceIdentifier device { name }'

const data = {
  profile: { profileId: PROFILE_ID },
  devices: devices.map(({ deviceIdentifier, name, status, score, createdAt, meta }) => ({
    deviceIdentifier,
    name,
    status: status.toUpperCase(),
    score,
    createdAt,
    meta,
  })),
  storageDevices: storageDevices.map(({ deviceIdentifier, name }) => ({ deviceIdentifier, device: { name } })),
  authenticators: authenticators.map(({ deviceIdentifier, name }) => ({ deviceIdentifier, device: { name } })),
  policies: policies.map((row, index) => ({
    name: row.name,
    votingConfiguration: {
      name: `Rules ${two(index % 5)}`,
      strategy: STRATEGIES[index % 5]?.toUpperCase(),
    },
  })),
}

export const QUERIES: Readonly<Record<QueryName, Query>> = {
  list: {
    title: 'list',
    document: `query List { devices ${DEVICE} }`,
    callsById: 1,
    endpoints: 1,
    data: { devices: data.devices },
  },
  nPlusOne: {
    title: 'N+1',
    document: 'query NPlusOne { policies { name votingConfiguration { name strategy } } }',
    callsById: 6,
    endpoints: 2,
    data: { policies: data.policies },
  },
  join: {
    title: 'join',
    document: `query Join { storageDevices { ${HOLDERS} } authenticators { ${HOLDERS} } }`,
    callsById: 3,
    endpoints: 3,
    data: { storageDevices: data.storageDevices, authenticators: data.authenticators },
  },
  dashboard: {
    title: 'dashboard',
    document: `query Dashboard { profile { profileId } devices ${DEVICE} storageDevices { ${HOLDERS} } authenticators { ${HOLDERS} } policies { name votingConfiguration { name strategy } } }`,
    callsById: 10,
    endpoints: 6,
    data,
  },
}

/** The body of the POST that asks it. */
export function requestBody(name: QueryName): string {
  return JSON.stringify({ query: QUERIES[name].document })
}

/** The bytes that answer it. */
export function answerBody(name: QueryName): string {
  return JSON.stringify({ data: QUERIES[name].data })
}

/** Tokens are opaque: these are as long as real ones. */
export function tokenOf(user: number): string {
  return `tok${String(user).padStart(7, '0')}${createHash('sha256').update(`user ${user}`).digest('hex').slice(0, 38)}`
}
