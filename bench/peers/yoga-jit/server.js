// graphql-yoga with what makes it faster without leaving it: undici for the calls, graphql-jit for the execution.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import DataLoader from 'dataloader'
import { compileQuery, isCompiledQuery } from 'graphql-jit'
import { createSchema, createYoga } from 'graphql-yoga'
import { Pool } from 'undici'

const pool = new Pool(process.env.STUB_URL, { connections: null })
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
    const { statusCode, body } = await pool.request({ path, method: 'GET', headers: { 'x-dpt-authorization': token } })
    if (statusCode !== 200) throw new Error(`upstream ${statusCode}`)
    return body.json()
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

/** Compiled once for each document: yoga hands out the same one for the same text. */
const compiled = new WeakMap()
const useJit = {
  onExecute({ args, setExecuteFn }) {
    let query = compiled.get(args.document)
    if (query === undefined) {
      query = compileQuery(args.schema, args.document, args.operationName)
      compiled.set(args.document, query)
    }
    if (isCompiledQuery(query)) setExecuteFn((run) => query.query(run.rootValue, run.contextValue, run.variableValues))
  },
}

createServer(createYoga({ schema, context, logging: false, plugins: [useJit] })).listen(
  Number(process.env.PORT),
  '127.0.0.1',
)
