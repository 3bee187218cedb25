// Apollo Server, standalone, with its own REST data source.
import { readFileSync } from 'node:fs'
import { RESTDataSource } from '@apollo/datasource-rest'
import { ApolloServer } from '@apollo/server'
import { startStandaloneServer } from '@apollo/server/standalone'
import DataLoader from 'dataloader'

class Privicore extends RESTDataSource {
  baseURL = process.env.STUB_URL

  constructor(token) {
    super()
    this.token = token
  }

  willSendRequest(_path, request) {
    request.headers['x-dpt-authorization'] = this.token
  }

  devices = () => this.get('/device/retrieve-profile-devices')
  device = new DataLoader(async (ids) => {
    const byId = new Map((await this.devices()).map((device) => [device.deviceIdentifier, device]))
    return ids.map((id) => byId.get(id) ?? null)
  })
  rules = new DataLoader((ids) =>
    Promise.all(ids.map((id) => this.get(`/verified-authenticator/voting-configuration/retrieve/${id}`))),
  )
}

const upper = (field) => (record) => record[field].toUpperCase()
const deviceOf = (record, _, { privicore }) => privicore.device.load(record.deviceIdentifier)

const server = new ApolloServer({
  typeDefs: readFileSync(new URL('../schema.graphql', import.meta.url), 'utf8'),
  resolvers: {
    Query: {
      profile: (_, __, { privicore }) => privicore.get('/profile/retrieve-profile-id'),
      devices: (_, __, { privicore }) => privicore.devices(),
      storageDevices: (_, __, { privicore }) => privicore.get('/storage/list-storage-devices'),
      authenticators: (_, __, { privicore }) => privicore.get('/verified-authenticator/list-verified-authenticator'),
      policies: (_, __, { privicore }) => privicore.get('/policy/list-registered-policies'),
    },
    Device: { status: upper('status') },
    VotingConfiguration: { strategy: upper('strategy') },
    StorageDevice: { device: deviceOf },
    Authenticator: { device: deviceOf },
    Policy: { votingConfiguration: (record, _, { privicore }) => privicore.rules.load(record.votingConfigurationId) },
  },
})

await startStandaloneServer(server, {
  listen: { port: Number(process.env.PORT), host: '127.0.0.1' },
  context: async ({ req }) => ({ privicore: new Privicore(req.headers.authorization?.slice('Bearer '.length) ?? '') }),
})
