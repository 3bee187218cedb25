// A request that has come before goes a shorter way. Clients must not be able to tell.
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { gateway, type TestGatewayOptions } from '../support/gateway.ts'
import { listen } from '../support/subscribing.ts'

/** Asks over a real socket; `times` says how often it came. */
async function served(options: TestGatewayOptions = {}) {
  const started = await gateway({ compileAfter: 2, ...options })
  const url = await listen(started.gateway)
  const ask = async (body: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${started.privicore.tokens.alice}`,
        ...headers,
      },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
    const kept = [...response.headers]
      .filter(([name]) => !['date', 'content-length', 'x-request-id'].includes(name))
      .toSorted()
    const text = await response.text()
    return {
      status: response.status,
      headers: kept,
      body: text.replace(/"requestId":"[^"]+"/g, '"requestId":"r"'),
      requestId: response.headers.get('x-request-id'),
    }
  }
  return { ...started, ask, url }
}

const sameEachTime = async (
  ask: Awaited<ReturnType<typeof served>>['ask'],
  body: unknown,
  headers: Record<string, string> = {},
) => {
  const answers = []
  for (let time = 0; time < 4; time++) answers.push(await ask(body, headers))
  const ids = answers.map(({ requestId }) => requestId)
  expect(new Set(ids).size, 'every request has an id of its own').toBe(4)
  for (const { requestId: _, ...answer } of answers.slice(1)) {
    const { requestId: __, ...first } = answers[0] as (typeof answers)[0]
    expect(answer).toEqual(first)
  }
  return JSON.parse(answers[3]?.body as string)
}

test.each([
  [
    'plain fields',
    { query: '{ devices { id deviceIdentifier name status score createdAt meta directory { givenName } } }' },
  ],
  [
    'relations',
    { query: '{ storageDevices { id device { name roles } } authenticators { device { name } } devices { roles } }' },
  ],
  [
    'policies',
    {
      query:
        '{ policies { name state events { label } template { name } votingConfiguration { name devices { name } } } }',
    },
  ],
  ['variables', { query: 'query ($s: DeviceStatus) { devices(status: $s) { name } }', variables: { s: 'PENDING' } }],
  ['a default', { query: 'query ($s: DeviceStatus = APPROVED) { devices(status: $s) { name } }' }],
  [
    'skip and include',
    {
      query: 'query ($a: Boolean!) { devices { name @skip(if: $a) status @include(if: $a) } }',
      variables: { a: true },
    },
  ],
  [
    'fragments and aliases',
    { query: 'query A { a: devices { ...F } b: devices { ... on Device { n: name } } } fragment F on Device { name }' },
  ],
  ['one of two operations', { query: 'query A { __typename } query B { profile { id } }', operationName: 'B' }],
  ['Node', { query: '{ nodes(ids: ["x", "RGV2aWNlOm5vbmU"]) { id __typename ... on Device { name } } }' }],
  [
    'what is not run twice',
    {
      query:
        '{ command(commandId: "none") { status } votingPool(poolId: "none") { state } deviceConfiguration(deviceIdentifier: "none") { clientId } devices { name } }',
    },
  ],
  ['nothing found', { query: '{ device(deviceIdentifier: "none") { name } }' }],
  ['a missing variable', { query: 'query ($id: ID!) { device(deviceIdentifier: $id) { name } }' }],
  [
    'a variable of the wrong type',
    { query: 'query ($s: DeviceStatus) { devices(status: $s) { name } }', variables: { s: 'BLUE' } },
  ],
  ['an operation that is not there', { query: 'query A { __typename }', operationName: 'B' }],
  ['what does not validate', { query: '{ nope }' }],
  ['what does not parse', { query: '{ devices {' }],
  ['introspection', { query: '{ __schema { queryType { name } } }' }],
])('%s: the same answer whichever way it went', async (_, body) => {
  const { ask } = await served()
  await sameEachTime(ask, body)
})

test('errors keep their code, path and place', async () => {
  const { ask, privicore } = await served()
  privicore.fault('device.list', { kind: 'status', status: 403 })
  const { data, errors } = await sameEachTime(ask, { query: '{\n  devices { name }\n  profile { profileId }\n}' })
  expect(data.profile.profileId).toEqual(expect.any(String))
  expect(errors).toEqual([
    {
      message: expect.any(String),
      locations: [{ line: 2, column: 3 }],
      path: ['devices'],
      extensions: { code: 'FORBIDDEN', requestId: 'r' },
    },
  ])
})

test('a query without a token is refused each time', async () => {
  const { ask, privicore } = await served()
  const { errors } = await sameEachTime(ask, { query: '{ devices { name } }' }, { authorization: '' })
  expect(errors[0].extensions.code).toBe('UNAUTHENTICATED')
  expect(privicore.count()).toBe(0)
})

test('callers do not get each other’s answers', async () => {
  const { ask, privicore } = await served()
  const query = { query: '{ devices { name } }' }
  for (let round = 0; round < 4; round++) {
    for (const who of ['alice', 'bob'] as const) {
      const { body } = await ask(query, { authorization: `Bearer ${privicore.tokens[who]}` })
      expect(body).toContain(who === 'alice' ? 'Alice' : 'Bob')
      expect(body).not.toContain(who === 'alice' ? 'Bob' : 'Alice')
    }
  }
})

test.each([
  'application/json',
  'application/graphql-response+json',
  '*/*',
  'text/event-stream',
  'multipart/mixed',
  'text/plain',
])('accept: %s is honoured each time', async (accept) => {
  const { ask } = await served()
  const answers = []
  for (let time = 0; time < 4; time++) {
    const { requestId: _, ...answer } = await ask({ query: '{ __typename }' }, { accept })
    answers.push(answer)
  }
  for (const answer of answers) expect(answer).toEqual(answers[0])
})

test('a page elsewhere may read the answer when it is allowed to, each time', async () => {
  const { ask } = await served({ env: { CORS_ORIGINS: 'https://app.example' } })
  for (const origin of ['https://app.example', 'https://evil.example']) {
    for (let time = 0; time < 4; time++) {
      const { headers } = await ask({ query: '{ __typename }' }, { origin })
      const allowed = headers.find(([name]) => name === 'access-control-allow-origin')?.[1]
      expect(allowed).toBe(origin === 'https://app.example' ? origin : undefined)
    }
  }
})

test('a body that is broken, too large or carries more than a request goes the long way', async () => {
  const { ask } = await served({ env: { MAX_BODY_BYTES: '200' } })
  for (let time = 0; time < 3; time++) await ask({ query: '{ __typename }' })
  expect((await ask('{bad', { accept: 'application/graphql-response+json' })).status).toBe(400)
  expect((await ask({ query: `{ __typename } # ${'x'.repeat(300)}` })).status).toBe(413)
  expect((await ask({ query: '{ __typename }', nonsense: 1 })).status).toBe(400)
  expect((await ask([{ query: '{ __typename }' }])).status).toBe(400)
})

test('lists that a join needs are started with it, not after its parent', async () => {
  const { ask, privicore } = await served({ env: { CACHE: 'off' } })
  const query = { query: '{ storageDevices { device { name } } }' }
  for (let time = 0; time < 2; time++) await ask(query)
  privicore.reset()
  privicore.fault('storage.list', { kind: 'latency', ms: 150 })
  const answer = ask(query)
  await expect.poll(() => privicore.count('device.list'), { timeout: 100, interval: 5 }).toBe(1)
  await answer
  expect(privicore.count()).toBe(2)
})

test('a client that leaves cancels what it read, and nobody finds out for it what went wrong', async () => {
  const { ask, url, privicore, log } = await served({ env: { CACHE: 'off' } })
  const query = { query: '{ devices { name } again: devices { createdAt } }' }
  for (let time = 0; time < 3; time++) await ask(query)
  privicore.reset()
  privicore.fault('device.list', { kind: 'hang' })
  const leave = new AbortController()
  const answer = fetch(url, {
    method: 'POST',
    signal: leave.signal,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${privicore.tokens.alice}` },
    body: JSON.stringify(query),
  })
  await expect.poll(() => privicore.count('device.list')).toBe(1)
  leave.abort()
  await expect(answer).rejects.toThrow()
  await expect.poll(() => privicore.requests[0]?.aborted).toBe(true)
  // The executor would have told of each field.
  await expect.poll(() => log.at(-1)).toContain('"errors":["DEADLINE_EXCEEDED"],"msg":"operation"')
})

test('what JSON cannot hold is an error of this request, and nobody else’s', async () => {
  const { ask, privicore } = await served({ env: { CACHE: 'off' } })
  let deep = '1'
  for (let level = 0; level < 20_000; level++) deep = `{"a":${deep}}`
  privicore.fault('device.list', { kind: 'status', status: 200, body: `[{"deviceIdentifier":"d","meta":${deep}}]` })
  for (let time = 0; time < 4; time++) {
    expect(JSON.parse((await ask({ query: '{ devices { meta } }' })).body).errors[0].extensions.code).toBe(
      'INTERNAL_SERVER_ERROR',
    )
  }
  privicore.clearFaults()
  expect(JSON.parse((await ask({ query: '{ devices { meta } }' })).body).errors).toBeUndefined()
})

test('a list where an object is declared is refused each time', async () => {
  const { ask } = await served()
  const body = {
    query: 'query ($f: DataTokenFilter) { dataTokens(first: 1, filter: $f) { totalCount } }',
    variables: { f: [] },
  }
  expect((await sameEachTime(ask, body)).errors[0].extensions.code).toBe('BAD_USER_INPUT')
})

test('a Host that is none is refused, without a word of where it was noticed', async () => {
  const { url } = await served()
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.end('GET /graphql?query={__typename} HTTP/1.1\r\nHost: a b{}\r\nConnection: close\r\n\r\n')
  const said = await text(socket)
  expect(said).toContain('400 Bad Request')
  expect(said).not.toMatch(/node_modules|at /)
})

test('a large body costs no more than its bytes', async () => {
  const { ask } = await served()
  const startedAt = performance.now()
  await ask({ query: '{ __typename }', variables: { padding: 'x'.repeat(900_000) } })
  expect(performance.now() - startedAt).toBeLessThan(400)
})
