// A compiled query answers what the long way answers, to the letter, in any weather, and asks no more of Privicore.
import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import {
  type GraphQLField,
  type GraphQLNamedType,
  getNamedType,
  isAbstractType,
  isObjectType,
  parse,
  validate,
} from 'graphql'
import { expect, onTestFinished, test, vi } from 'vitest'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { Context } from '../../src/context/context.ts'
import { schema } from '../../src/schema/schema.ts'
import { isRepeatable } from '../../src/server/repeatable.ts'
import { gateway, type TestGateway } from '../support/gateway.ts'
import { randomQuery } from '../support/random-query.ts'
import { told } from '../support/told.ts'

const RUNS = 200

/** How long Privicore took is another number each time. */
const without = new Set(['UpstreamHealth.latencyMs'])

/** What an answer of Privicore's may be that is none: it, and what is left of a row. */
const WRONG = [
  'null',
  '{}',
  '"text"',
  '[null]',
  '[{}]',
  '[1, "two"]',
  '[{"deviceIdentifier":null,"id":null,"name":null}]',
  '[{"deviceIdentifier":"d"',
  '[{"deviceIdentifier":"d","id":"d","name":5,"score":1e12,"createdAt":"never","status":[],"meta":"text"}]',
]
/** A read that meets one of these is tried a second time. */
const RETRIED = [{ kind: 'status', status: 503 }, { kind: 'reset-mid-body' }] as const
/** Longer than the pause before that, in milliseconds. */
const RETRY_MS = 100

const fault = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.constantFrom(400, 401, 403, 404, 409, 422, 429, 500).map((status) => ({ kind: 'status', status })),
  },
  { weight: 9, arbitrary: fc.constantFrom(...WRONG).map((body) => ({ kind: 'status', status: 200, body })) },
  { weight: 1, arbitrary: fc.constantFrom(...RETRIED) },
)

/**
 * Rows that a compiled query may ask for. Not voting configurations: where their list was not read ahead, one alone is asked for by
 * another row, and in bad weather it matters which.
 */
const READABLE = [
  'profile.id',
  'profile.tokenExpiry',
  'oauth.list',
  'publicKey.own',
  'publicKey.cab',
  'dataToken.list',
  'device.list',
  'storage.list',
  'authenticator.list',
  'authenticator.strategy',
  'policy.templates',
  'policy.listActive',
  'policy.listInactive',
  'policy.list',
  'policy.get',
]

/** The same sandbox behind two gateways, of which only one compiles: at once. */
async function bothWays(env: Record<string, string>) {
  const privicore = await startSandbox()
  onTestFinished(() => privicore.close())
  const limits = { MAX_COMPLEXITY: '1000000', MAX_ALIASES: '1000', MAX_DEPTH: '100' }
  const options = { privicore, env: { ...limits, LOG_LEVEL: 'fatal', ...env } }
  const short = await gateway({ ...options, compileAfter: 1 })
  const long = await gateway({ ...options, compileAfter: Number.POSITIVE_INFINITY })
  const ask = async ({ run }: TestGateway, query: string, variables: Record<string, unknown> = {}) => {
    privicore.requests.length = 0
    const result = await run(query, variables)
    const calls = Map.groupBy(privicore.requests, ({ method, path, rawBody }) => `${method} ${path} ${rawBody}`)
    return { answer: told(result), calls }
  }
  return { privicore, short, long, ask }
}

/** One call, and the retry of a read. */
const MOST_TRIES = 2

async function valuesOf({ run }: TestGateway) {
  const { data } = await run(
    `{ devices { id deviceIdentifier } policies { id name } policyTemplates { id templateId } profile { id }
       votingConfigurations { id configurationId name } dataTokens(first: 3) { nodes { id token } pageInfo { endCursor } } }`,
  )
  const { devices, policies, policyTemplates, votingConfigurations, dataTokens, profile } = data as Record<string, any>
  const some = (rows: Record<string, string>[], field: string) => rows.slice(0, 3).map((row) => row[field])
  const nodeIds = [devices, policies, policyTemplates, votingConfigurations, dataTokens.nodes, [profile]].flatMap(
    (rows) => some(rows, 'id'),
  )
  return {
    deviceIdentifier: ['none', ...some(devices, 'deviceIdentifier')],
    name: ['none', ...some(policies, 'name')],
    templateId: ['none', ...some(policyTemplates, 'templateId')],
    configurationId: ['none', ...some(votingConfigurations, 'configurationId'), ...some(votingConfigurations, 'name')],
    token: ['none', ...some(dataTokens.nodes, 'token')],
    id: ['none', ...nodeIds],
    ids: ['none', ...nodeIds],
    timeoutMs: [-1, 0, 5],
    first: [0, 1, 5, 1_000],
    last: [-1, 1, 5],
    after: ['none', dataTokens.pageInfo.endCursor],
    before: ['none', dataTokens.pageInfo.endCursor],
  }
}

const clear = fc.constant([])
const weather = fc.oneof(
  { weight: 1, arbitrary: clear },
  { weight: 2, arbitrary: fc.array(fc.tuple(fc.constantFrom(...READABLE), fault), { minLength: 1, maxLength: 3 }) },
)

// What is remembered depends on what was read ahead: the two gateways would not be in the same weather.
test.each([
  ['in any weather, with nothing remembered', { CACHE: 'off' }, weather],
  ['out of memory', { CACHE: 'on' }, clear],
])('random queries, %s', { timeout: 60_000 }, async (_, env, faultsGiven) => {
  const { privicore, short, long, ask } = await bothWays(env)
  const queries = randomQuery({ schema, without, depth: 4, values: await valuesOf(long) })
  const compiled = vi.spyOn(Context.prototype, 'readAhead')
  let asked = 0
  await fc.assert(
    fc.asyncProperty(queries, faultsGiven, async ({ query, variables }, faults) => {
      expect(validate(schema, parse(query))).toEqual([])
      const inWeather = async (way: TestGateway) => {
        privicore.clearFaults()
        for (const [row, wrong] of faults) privicore.fault(row, wrong as never)
        const answered = await ask(way, query, variables)
        // What was not waited for must not be counted as asked for by the next one.
        if (faults.some(([, wrong]) => RETRIED.includes(wrong as never))) await pause(RETRY_MS)
        return answered
      }
      const there = await inWeather(long)
      const here = await inWeather(short)
      asked++
      expect(here.answer).toBe(there.answer)
      for (const [call, times] of here.calls) {
        // What was read ahead of a parent that is not there is asked for by the one way only.
        expect(times.length, call).toBeLessThanOrEqual(there.calls.get(call)?.length ?? MOST_TRIES)
      }
    }),
    { numRuns: RUNS },
  )
  expect(compiled).toHaveBeenCalledTimes(asked)
})

/** Every field that a query can come to. */
function reachable(): Map<string, GraphQLField<unknown, unknown>> {
  const found = new Map<string, GraphQLField<unknown, unknown>>()
  const look = (type: GraphQLNamedType) => {
    const objects = isAbstractType(type) ? schema.getPossibleTypes(type) : isObjectType(type) ? [type] : []
    for (const object of objects) {
      for (const field of Object.values(object.getFields())) {
        if (found.has(`${object.name}.${field.name}`)) continue
        found.set(`${object.name}.${field.name}`, field)
        look(getNamedType(field.type))
      }
    }
  }
  look(schema.getQueryType() as GraphQLNamedType)
  return found
}

test('what asks anew each time, waits, or makes something is never run twice', () => {
  const once = [...reachable()].filter(([, field]) => !isRepeatable(field)).map(([name]) => name)
  expect(once.toSorted()).toEqual([
    'Command.outcome',
    'Query.command',
    'Query.deviceConfiguration',
    'Query.deviceIdentifier',
    'Query.health',
    'Query.node',
    'Query.nodes',
    'Query.oauthAccessTokenScopes',
    'Query.temporaryDataToken',
    'Query.votingPool',
    'TemporaryDataToken.uploadUrl',
  ])
})

test('nor is any mutation, nor what a mutation has made', () => {
  const acting = Object.entries(schema.getMutationType()?.getFields() ?? {}).filter(([, field]) => isRepeatable(field))
  expect(acting).toEqual([])
})

test('what may be run twice does nothing but read', async () => {
  const { run } = await gateway({ env: { CACHE: 'off' } })
  const { long } = await bothWays({})
  const values = await valuesOf(long)
  const doors = (['commands', 'data', 'links'] as const).map((door) => vi.spyOn(Context.prototype, door, 'get'))
  const done = [...doors, vi.spyOn(Context.prototype, 'as')]
  const acting = new Set([...reachable()].flatMap(([name, field]) => (isRepeatable(field) ? [] : [name])))
  const queries = randomQuery({ schema, without: new Set([...without, ...acting]), depth: 3, values })
  for (const { query, variables } of fc.sample(queries, 60)) await run(query, variables)
  for (const spied of done) expect(spied, spied.getMockName()).not.toHaveBeenCalled()
})

test('what was asked once and failed is not asked again by the run anew', async () => {
  const { privicore, short, ask } = await bothWays({ CACHE: 'off' })
  privicore.fault('device.list', { kind: 'status', status: 403 })
  const { answer, calls } = await ask(
    short,
    '{ devices { name } storageDevices { device { name } } profile { profileId } }',
  )
  expect(JSON.parse(answer).errors.length).toBeGreaterThan(1)
  expect([...calls.values()].map((times) => times.length)).toEqual([1, 1, 1])
})

test('one record that cannot be read alone is not looked for in the list by the run anew', async () => {
  const { privicore, long, short, ask } = await bothWays({ CACHE: 'off' })
  const [, configurationId] = (await valuesOf(long)).configurationId
  privicore.fault('votingConfiguration.get', { kind: 'malformed-json' })
  const query = 'query ($id: ID!) { votingConfiguration(configurationId: $id) { name } }'
  const there = await ask(long, query, { id: configurationId })
  const here = await ask(short, query, { id: configurationId })
  expect(here.answer).toBe(there.answer)
  expect(privicore.count('votingConfiguration.list')).toBe(0)
})

test('a health that is asked beside what fails is told as it was measured', async () => {
  const { privicore, short, ask } = await bothWays({ CACHE: 'off' })
  privicore.fault('utility.health', { kind: 'latency', ms: 60 })
  privicore.fault('device.list', { kind: 'latency', ms: 120 })
  privicore.fault('device.list', { kind: 'status', status: 403 })
  const { answer } = await ask(short, '{ health { upstream { latencyMs } } devices { name } }')
  expect(JSON.parse(answer).data).toMatchObject({
    health: { upstream: { latencyMs: expect.any(Number) } },
    devices: null,
  })
  expect(JSON.parse(answer).data.health.upstream.latencyMs).toBeGreaterThan(50)
})

test('variables that do not fit cost no call', async () => {
  const { privicore, short, ask } = await bothWays({ CACHE: 'off' })
  const query = 'query ($s: DeviceStatus) { storageDevices { device { name } } devices(status: $s) { name } }'
  const { answer } = await ask(short, query, { s: 'BLUE' })
  expect(JSON.parse(JSON.parse(answer).errors[0]).extensions.code).toBe('BAD_USER_INPUT')
  expect(privicore.count()).toBe(0)
})
