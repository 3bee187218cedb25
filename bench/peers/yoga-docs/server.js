// graphql-yoga as its documentation shows it: createSchema, createYoga, fetch, and DataLoader against N+1.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import DataLoader from 'dataloader'
import { createSchema, createYoga } from 'graphql-yoga'

const DEVICES = '/device/retrieve-profile-devices'
const upper = (field) => (record) => record[field].toUpperCase()
const deviceOf = (record, _, { device }) => device.load(record.deviceIdentifier)

const schema = createSchema({
  typeDefs: readFileSync(new URL('../schema.graphql', import.meta.url), 'utf8'),
  resolvers: {
    Query: {
      profile: (_, __, { get }) => get('/profile/retrieve-profile-id'),
      devices: (_, __, { list }) => list.load(DEVICES),
      storageDevices: (_, __, { get }) => get('/storage/list-storage-devices'),
      authenticators: (_, __, { get }) => get('/verified-authenticator/list-verified-authenticator'),
      policies: (_, __, { get }) => get('/policy/list-registered-policies'),
    },
    Device: { status: upper('status') },
    VotingConfiguration: { strategy: upper('strategy') },
    StorageDevice: { device: deviceOf },
    Authenticator: { device: deviceOf },
    Policy: { votingConfiguration: (record, _, { rules }) => rules.load(record.votingConfigurationId) },
  },
})

function context({ request }) {
  const token = request.headers.get('authorization')?.slice('Bearer '.length) ?? ''
  const get = async (path) => {
    const response = await fetch(process.env.STUB_URL + path, { headers: { 'x-dpt-authorization': token } })
    if (!response.ok) throw new Error(`upstream ${response.status}`)
    return response.json()
  }
  const list = new DataLoader((paths) => Promise.all(paths.map(get)))
  return {
    get,
    list,
    device: new DataLoader(async (ids) => {
      const byId = new Map((await list.load(DEVICES)).map((device) => [device.deviceIdentifier, device]))
      return ids.map((id) => byId.get(id) ?? null)
    }),
    rules: new DataLoader((ids) =>
      Promise.all(ids.map((id) => get(`/verified-authenticator/voting-configuration/retrieve/${id}`))),
    ),
  }
}

createServer(createYoga({ schema, context, logging: false })).listen(Number(process.env.PORT), '127.0.0.1')
