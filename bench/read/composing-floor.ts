// The composing floor: node:http and undici by hand, one function per query. What the work itself costs: the caller's token
// handed through, the calls sent as early as they can be, joined by Maps, and JSON written once. No GraphQL at all.
//
// PORT, STUB_URL; LOOK_UP: `id` asks for each voting configuration by its id, `list` for all of them in one call.
import { createServer } from 'node:http'
import { Pool } from 'undici'
import { QUERIES } from './rows.ts'

const pool = new Pool(process.env.STUB_URL ?? '', { connections: null })

async function call<T>(path: string, token: string): Promise<T> {
  const { statusCode, body } = await pool.request({ path, method: 'GET', headers: { 'x-dpt-authorization': token } })
  if (statusCode !== 200) throw new Error(`the stub answered ${statusCode}`)
  return (await body.json()) as T
}

interface Device {
  readonly deviceIdentifier: string
  readonly name: string
  readonly status: string
  readonly score: number
  readonly createdAt: string
  readonly meta: object
}
interface Policy {
  readonly name: string
  readonly votingConfigurationId: string
}
interface VotingConfiguration {
  readonly id: string
  readonly name: string
  readonly strategy: string
}

const readDevices = (token: string) => call<Device[]>('/device/retrieve-profile-devices', token)
const readStorage = (token: string) => call<Device[]>('/storage/list-storage-devices', token)
const readAuthenticators = (token: string) =>
  call<Device[]>('/verified-authenticator/list-verified-authenticator', token)
const VOTING = '/verified-authenticator/voting-configuration'

const toDevice = ({ deviceIdentifier, name, status, score, createdAt, meta }: Device) => ({
  deviceIdentifier,
  name,
  status: status.toUpperCase(),
  score,
  createdAt,
  meta,
})

async function list(token: string): Promise<object> {
  return { devices: (await readDevices(token)).map(toDevice) }
}

async function nPlusOne(token: string): Promise<object> {
  let policies: Policy[]
  let rules: VotingConfiguration[]
  if (process.env.LOOK_UP === 'list') {
    ;[policies, rules] = await Promise.all([
      call<Policy[]>('/policy/list-registered-policies', token),
      call<VotingConfiguration[]>(`${VOTING}/list`, token),
    ])
  } else {
    policies = await call<Policy[]>('/policy/list-registered-policies', token)
    const ids = [...new Set(policies.map((policy) => policy.votingConfigurationId))]
    rules = await Promise.all(ids.map((id) => call<VotingConfiguration>(`${VOTING}/retrieve/${id}`, token)))
  }
  const byId = new Map(rules.map(({ id, name, strategy }) => [id, { name, strategy: strategy.toUpperCase() }] as const))
  return {
    policies: policies.map(({ name, votingConfigurationId }) => ({
      name,
      votingConfiguration: byId.get(votingConfigurationId) ?? null,
    })),
  }
}

function holders(rows: readonly Device[], devices: ReadonlyMap<string, { name: string }>): object[] {
  return rows.map(({ deviceIdentifier }) => ({ deviceIdentifier, device: devices.get(deviceIdentifier) ?? null }))
}

function named(devices: readonly Device[]): Map<string, { name: string }> {
  return new Map(devices.map(({ deviceIdentifier, name }) => [deviceIdentifier, { name }]))
}

async function join(token: string): Promise<object> {
  const [storage, authenticators, devices] = await Promise.all([
    readStorage(token),
    readAuthenticators(token),
    readDevices(token),
  ])
  const byId = named(devices)
  return { storageDevices: holders(storage, byId), authenticators: holders(authenticators, byId) }
}

async function dashboard(token: string): Promise<object> {
  const [profile, devices, storage, authenticators, ruled] = await Promise.all([
    call<{ profileId: string }>('/profile/retrieve-profile-id', token),
    readDevices(token),
    readStorage(token),
    readAuthenticators(token),
    nPlusOne(token),
  ])
  const byId = named(devices)
  return {
    profile: { profileId: profile.profileId },
    devices: devices.map(toDevice),
    storageDevices: holders(storage, byId),
    authenticators: holders(authenticators, byId),
    ...ruled,
  }
}

const answerers = new Map<string, (token: string) => Promise<object>>([
  [QUERIES.list.document, list],
  [QUERIES.nPlusOne.document, nPlusOne],
  [QUERIES.join.document, join],
  [QUERIES.dashboard.document, dashboard],
])

createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', async () => {
    try {
      const { query } = JSON.parse((chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)).toString())
      const answer = answerers.get(query)
      const token = request.headers.authorization?.slice('Bearer '.length)
      if (answer === undefined || token === undefined) throw new Error('what the floor was not written for')
      const bytes = Buffer.from(JSON.stringify({ data: await answer(token) }))
      response.writeHead(200, {
        'content-type': 'application/graphql-response+json',
        'content-length': bytes.length,
      })
      response.end(bytes)
    } catch (error) {
      response.writeHead(500)
      response.end(String(error))
    }
  })
}).listen(Number(process.env.PORT), '127.0.0.1')
