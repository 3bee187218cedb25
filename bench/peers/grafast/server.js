// Grafast behind Grafserv, undici for the calls: plans instead of resolvers, loadOne for what is looked up.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { constant, context, get as access, lambda, loadOne, makeGrafastSchema } from 'grafast'
import { grafserv } from 'grafserv/node'
import { Pool } from 'undici'

const pool = new Pool(process.env.STUB_URL, { connections: null })

async function get(path, token) {
  const { statusCode, body } = await pool.request({ path, method: 'GET', headers: { 'x-dpt-authorization': token } })
  if (statusCode !== 200) throw new Error(`upstream ${statusCode}`)
  return body.json()
}

/** All that an operation reads whole: one batch, each path once. */
const readers = {
  shared: () => context().get('token'),
  load: (paths, { shared: token }) => Promise.all(paths.map((path) => get(path, token))),
}
const read = (path) => loadOne(constant(path), readers)

const rules = {
  shared: () => context().get('token'),
  load: (ids, { shared: token }) =>
    Promise.all(ids.map((id) => get(`/verified-authenticator/voting-configuration/retrieve/${id}`, token))),
}

const DEVICES = '/device/retrieve-profile-devices'
const byId = (devices) => new Map(devices.map((device) => [device.deviceIdentifier, device]))
const deviceOf = ($record) =>
  lambda(
    [lambda(read(DEVICES), byId, true), access($record, 'deviceIdentifier')],
    ([devices, id]) => devices.get(id) ?? null,
    true,
  )
const upper = (field) => ($record) => lambda(access($record, field), (value) => value.toUpperCase(), true)

const schema = makeGrafastSchema({
  typeDefs: readFileSync(new URL('../schema.graphql', import.meta.url), 'utf8'),
  objects: {
    Query: {
      plans: {
        profile: () => read('/profile/retrieve-profile-id'),
        devices: () => read(DEVICES),
        storageDevices: () => read('/storage/list-storage-devices'),
        authenticators: () => read('/verified-authenticator/list-verified-authenticator'),
        policies: () => read('/policy/list-registered-policies'),
      },
    },
    Device: { plans: { status: upper('status') } },
    VotingConfiguration: { plans: { strategy: upper('strategy') } },
    StorageDevice: { plans: { device: deviceOf } },
    Authenticator: { plans: { device: deviceOf } },
    Policy: { plans: { votingConfiguration: ($policy) => loadOne(access($policy, 'votingConfigurationId'), rules) } },
  },
})

const serv = grafserv({
  schema,
  preset: {
    grafserv: { graphqlPath: '/graphql', graphiql: false, websockets: false },
    grafast: {
      context: ({ node }) => ({ token: node?.req.headers.authorization?.slice('Bearer '.length) ?? '' }),
    },
  },
})
const server = createServer()
await serv.addTo(server)
server.listen(Number(process.env.PORT), '127.0.0.1')
