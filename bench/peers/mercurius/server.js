// Mercurius with its loaders and its JIT, undici for the calls.
import { readFileSync } from 'node:fs'
import Fastify from 'fastify'
import mercurius from 'mercurius'
import { Pool } from 'undici'

const pool = new Pool(process.env.STUB_URL, { connections: null })
const schema = readFileSync(new URL('../schema.graphql', import.meta.url), 'utf8')

/** Calls of one operation: the same path is asked once. */
const callsOf = (token) => {
  const asked = new Map()
  return (path) => {
    let answer = asked.get(path)
    if (answer === undefined) {
      answer = pool
        .request({ path, method: 'GET', headers: { 'x-dpt-authorization': token } })
        .then(({ statusCode, body }) => {
          if (statusCode !== 200) throw new Error(`upstream ${statusCode}`)
          return body.json()
        })
      asked.set(path, answer)
    }
    return answer
  }
}

const DEVICES = '/device/retrieve-profile-devices'
const upper = (field) => (record) => record[field].toUpperCase()

const resolvers = {
  Query: {
    profile: (_, __, { get }) => get('/profile/retrieve-profile-id'),
    devices: (_, __, { get }) => get(DEVICES),
    storageDevices: (_, __, { get }) => get('/storage/list-storage-devices'),
    authenticators: (_, __, { get }) => get('/verified-authenticator/list-verified-authenticator'),
    policies: (_, __, { get }) => get('/policy/list-registered-policies'),
  },
  Device: { status: upper('status') },
  VotingConfiguration: { strategy: upper('strategy') },
}

async function deviceOf(queries, { get }) {
  const byId = new Map((await get(DEVICES)).map((device) => [device.deviceIdentifier, device]))
  return queries.map(({ obj }) => byId.get(obj.deviceIdentifier) ?? null)
}

// A loader's own cache would keep the answer of one query object per record: the batch is enough.
const uncached = (loader) => ({ loader, opts: { cache: false } })
const loaders = {
  StorageDevice: { device: uncached(deviceOf) },
  Authenticator: { device: uncached(deviceOf) },
  Policy: {
    votingConfiguration: uncached((queries, { get }) =>
      Promise.all(
        queries.map(({ obj }) =>
          get(`/verified-authenticator/voting-configuration/retrieve/${obj.votingConfigurationId}`),
        ),
      ),
    ),
  },
}

const app = Fastify({ keepAliveTimeout: 600_000 })
app.register(mercurius, {
  schema,
  resolvers,
  loaders,
  jit: 1,
  context: (request) => ({ get: callsOf(request.headers.authorization?.slice('Bearer '.length) ?? '') }),
})
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
