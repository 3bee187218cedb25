import { describe, expect, test } from 'vitest'
import type { Fault } from '../../sandbox/sandbox.ts'
import { PrivicoreError, type PrivicoreErrorCode } from '../../src/privicore/errors.ts'
import { FACES, toGraphQLError, toUserErrors } from '../../src/schema/errors.ts'
import { gateway } from '../support/gateway.ts'

const DEVICES = '{ devices { name } }'
const APPROVE =
  'mutation { approveDevice(input: { deviceIdentifier: "dev-1" }) { command { commandId } userErrors { field message code } } }'

describe('every code of the wire has a public face', () => {
  test.each(Object.keys(FACES) as PrivicoreErrorCode[])('%s', (code) => {
    const inside = new PrivicoreError(code, 'device.list: http://10.0.0.1/secret', {
      cause: new Error('stack'),
      retryAfter: 3,
    })
    const face = toGraphQLError(inside, 'r-1', () => expect.unreachable('a coded error is expected'))
    expect(face.extensions).toEqual({ code: FACES[code].code, requestId: 'r-1', retryAfter: 3 })
    expect(face.message).toBe(FACES[code].message)
    expect(JSON.stringify(face)).not.toMatch(/10\.0\.0\.1|stack/)
  })

  test('and a bug has one that says nothing', () => {
    const bugs: unknown[] = []
    const face = toGraphQLError(new TypeError('x is not a function'), 'r-1', (bug) => bugs.push(bug))
    expect(face.extensions).toEqual({ code: 'INTERNAL_SERVER_ERROR', requestId: 'r-1' })
    expect(face.message).not.toContain('x is not')
    expect(bugs).toHaveLength(1)
  })
})

describe('the code of a user error', () => {
  const refused = (reason: string | undefined, ...messages: string[]) =>
    toUserErrors(
      new PrivicoreError('VALIDATION_FAILED', 'device.request: 422', {
        violations: messages.map((message) => ({ field: 'name', message })),
        ...(reason === undefined ? {} : { reason }),
      }),
      ['name'],
    ).map(({ code }) => code)
  test.each<[string, string | undefined, string[], string[]]>([
    [
      'its own key, and of no other complaint',
      'name.taken',
      ['Too short.', 'name.taken'],
      ['VALIDATION_FAILED', 'name.taken'],
    ],
    ['each its own', 'name.taken', ['name.taken', 'name.odd'], ['name.taken', 'name.odd']],
    ["the error's, where it is about one thing", 'name.taken', ['Too short.'], ['name.taken']],
    ["the error's, where it says no more", 'name.taken', [], ['name.taken']],
    ['VALIDATION_FAILED, where there is no key', undefined, ['Too short.'], ['VALIDATION_FAILED']],
  ])('is %s', (_, reason, messages, codes) => {
    expect(refused(reason, ...messages)).toEqual(codes)
  })
})

describe('a query while Privicore', () => {
  test.each<[string, Fault, string]>([
    ['answers 500', { kind: 'status', status: 500 }, 'UPSTREAM_UNAVAILABLE'],
    ['answers 502 in HTML', { kind: 'html-502' }, 'UPSTREAM_UNAVAILABLE'],
    ['answers broken JSON', { kind: 'malformed-json' }, 'UPSTREAM_PROTOCOL'],
    ['answers HTML', { kind: 'status', status: 200, body: '<html><h1>Fatal error</h1></html>' }, 'UPSTREAM_PROTOCOL'],
    ['hangs', { kind: 'hang' }, 'UPSTREAM_TIMEOUT'],
    ['is slower than an attempt may be', { kind: 'latency', ms: 3_000 }, 'UPSTREAM_TIMEOUT'],
    ['resets the connection', { kind: 'reset-before' }, 'UPSTREAM_UNAVAILABLE'],
    ['dies in the middle of its answer', { kind: 'reset-mid-body' }, 'UPSTREAM_UNAVAILABLE'],
    ['raves', { kind: 'huge-body', bytes: 17 * 1024 * 1024 }, 'UPSTREAM_PROTOCOL'],
    ['forbids it', { kind: 'status', status: 403, body: '{"message":"secret reason"}' }, 'FORBIDDEN'],
    ['has had enough', { kind: 'status', status: 429, headers: { 'retry-after': '9' } }, 'RATE_LIMITED'],
    [
      'refuses the arguments',
      { kind: 'status', status: 422, body: '{"errors":{"page":["secret"]}}' },
      'BAD_USER_INPUT',
    ],
  ])('%s', async (_, fault, code) => {
    const { run, privicore } = await gateway({ env: { PRIVICORE_TIMEOUT_MS: '800' } })
    privicore.fault('device.list', fault)
    const startedAt = performance.now()
    const { data, errors } = await run(DEVICES)
    expect(performance.now() - startedAt).toBeLessThan(2_000)
    expect(data).toEqual({ devices: null })
    expect(errors).toHaveLength(1)
    expect(errors?.[0]?.extensions).toEqual({
      code,
      requestId: expect.any(String),
      ...(code === 'RATE_LIMITED' && { retryAfter: 9 }),
    })
    expect(JSON.stringify(errors)).not.toMatch(/secret|Fatal|127\.0\.0\.1|node_modules/)
  })

  test('is down', async () => {
    const { run } = await gateway({ env: { PRIVICORE_API_URL: 'http://127.0.0.1:9' } })
    expect((await run(DEVICES)).errors?.[0]?.extensions?.code).toBe('UPSTREAM_UNAVAILABLE')
    expect((await run('{ health { status upstream { reachable status latencyMs } } }')).data?.health).toEqual({
      status: 'DEGRADED',
      upstream: { reachable: false, status: null, latencyMs: null },
    })
  })

  test('does not know the object: null, no error', async () => {
    const { run } = await gateway()
    expect(
      await run('{ deviceConfiguration(deviceIdentifier: "none") { clientId } command(commandId: "none") { status } }'),
    ).toEqual({
      data: { deviceConfiguration: null, command: null },
    })
  })

  test('fails for one field: the others are answered', async () => {
    const { run, privicore } = await gateway()
    privicore.fault('profile.tokenExpiry', { kind: 'status', status: 500 })
    const { data, errors } = await run('{ devices { name } profile { profileId tokenExpiresAt } }')
    expect(data?.devices.length).toBeGreaterThan(5)
    expect(data?.profile).toEqual({ profileId: expect.any(String), tokenExpiresAt: null })
    expect(errors?.map(({ path }) => path)).toEqual([['profile', 'tokenExpiresAt']])
  })
})

describe('a mutation', () => {
  test.each<[string, Fault, string]>([
    ['whose connection dies before it was handled has an unknown outcome', { kind: 'reset-before' }, 'OUTCOME_UNKNOWN'],
    ['whose connection dies after it was handled has an unknown outcome', { kind: 'reset-after' }, 'OUTCOME_UNKNOWN'],
    ['that is never answered has an unknown outcome', { kind: 'hang' }, 'OUTCOME_UNKNOWN'],
    ['of an unknown target is NOT_FOUND', { kind: 'status', status: 404 }, 'NOT_FOUND'],
    ['that clashes is CONFLICT', { kind: 'status', status: 409 }, 'CONFLICT'],
    ['answered 503 is UPSTREAM_UNAVAILABLE', { kind: 'status', status: 503 }, 'UPSTREAM_UNAVAILABLE'],
  ])('%s, and is sent once', async (_, fault, code) => {
    const { run, privicore } = await gateway({ env: { PRIVICORE_TIMEOUT_MS: '150' } })
    privicore.fault('device.approve', fault)
    const { data, errors } = await run(APPROVE)
    expect(data).toEqual({ approveDevice: null })
    expect(errors?.map(({ extensions }) => extensions?.code)).toEqual([code])
    expect(privicore.count('device.approve')).toBe(1)
  })

  test('refused by validation answers userErrors with the path of the input field', async () => {
    const { run } = await gateway()
    const { data, errors } = await run(
      'mutation { requestDeviceIdentifier(input: { deviceName: "" }) { command { commandId } deviceIdentifier userErrors { field message code } } }',
    )
    expect(errors).toBeUndefined()
    expect(data?.requestDeviceIdentifier).toEqual({
      command: null,
      deviceIdentifier: null,
      userErrors: [{ field: ['input', 'deviceName'], message: expect.any(String), code: 'VALIDATION_FAILED' }],
    })
  })

  test('of two, one refused, keeps the command of the other', async () => {
    const { run, privicore } = await gateway()
    privicore.fault('device.reject', { kind: 'status', status: 403 })
    const { data, errors } = await run(
      'mutation { requestDeviceIdentifier(input: { deviceName: "Desk" }) { command { commandId } } rejectDevice(input: { deviceIdentifier: "x" }) { command { commandId } } }',
    )
    expect(data).toMatchObject({
      requestDeviceIdentifier: { command: { commandId: expect.any(String) } },
      rejectDevice: null,
    })
    expect(errors?.[0]?.extensions?.code).toBe('FORBIDDEN')
  })
})

describe('a document', () => {
  test('that does not parse is GRAPHQL_PARSE_FAILED', async () => {
    const { run } = await gateway()
    expect((await run('{ devices {')).errors?.[0]?.extensions).toEqual({
      code: 'GRAPHQL_PARSE_FAILED',
      requestId: expect.any(String),
    })
  })

  test('that does not validate is GRAPHQL_VALIDATION_FAILED', async () => {
    const { run } = await gateway()
    const { errors } = await run('{ devicez { name } }')
    expect(errors?.[0]?.extensions?.code).toBe('GRAPHQL_VALIDATION_FAILED')
    expect(errors?.[0]?.message).toContain('Did you mean')
  })

  test('with variables of the wrong type is BAD_USER_INPUT', async () => {
    const { run } = await gateway()
    expect(
      (await run('query ($id: ID!) { device(deviceIdentifier: $id) { name } }', {})).errors?.[0]?.extensions?.code,
    ).toBe('BAD_USER_INPUT')
  })

  test('without the operation that is asked for is BAD_USER_INPUT', async () => {
    const { fetch } = await gateway()
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'query A { __typename }', operationName: 'B' }),
    })
    expect((await response.json()).errors[0].extensions.code).toBe('BAD_USER_INPUT')
  })

  test('in a body that is no JSON is BAD_USER_INPUT, and says nothing of the gateway', async () => {
    const { fetch } = await gateway()
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json' },
      body: '{bad',
    })
    expect(response.status).toBe(400)
    expect((await response.json()).errors[0]).toEqual({
      message: 'POST body sent invalid JSON.',
      extensions: { code: 'BAD_USER_INPUT', requestId: response.headers.get('x-request-id') },
    })
  })

  test('with a mutation is not run by GET', async () => {
    const { fetch, privicore } = await gateway()
    const response = await fetch(`/graphql?query=${encodeURIComponent(APPROVE)}`, {
      headers: { authorization: `Bearer ${privicore.tokens.alice}` },
    })
    expect(response.status).toBe(405)
    expect((await response.json()).errors[0].extensions.code).toBe('BAD_USER_INPUT')
    expect(privicore.count()).toBe(0)
  })

  test('with a query is run by GET', async () => {
    const { fetch, privicore } = await gateway()
    const response = await fetch(`/graphql?query=${encodeURIComponent(DEVICES)}`, {
      headers: { accept: 'application/json', authorization: `Bearer ${privicore.tokens.alice}` },
    })
    expect((await response.json()).data.devices.length).toBeGreaterThan(5)
  })

  test('is one: batches are refused', async () => {
    const { fetch } = await gateway()
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([{ query: '{ __typename }' }, { query: '{ __typename }' }]),
    })
    expect(response.status).toBe(400)
  })
})

describe('the time of an operation', () => {
  test('is bounded: what is not there by then is DEADLINE_EXCEEDED, the rest is answered', async () => {
    const { run, privicore } = await gateway({ env: { REQUEST_TIMEOUT_MS: '300' } })
    privicore.fault('device.list', { kind: 'hang' })
    const startedAt = performance.now()
    const { data, errors } = await run('{ devices { name } profile { profileId } }')
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    expect(data).toEqual({ devices: null, profile: { profileId: expect.any(String) } })
    expect(errors?.[0]?.extensions?.code).toBe('DEADLINE_EXCEEDED')
  })

  test('bounds waiting for a command: what it makes is null, and the command is still PENDING', async () => {
    const { run, privicore } = await gateway({ env: { REQUEST_TIMEOUT_MS: '900' } })
    privicore.hold('device.approve')
    const { data, errors } = await run(
      'mutation { approveDevice(input: { deviceIdentifier: "dev-1" }) { command { outcome { status } } device { name } } }',
    )
    expect(errors).toBeUndefined()
    expect(data?.approveDevice).toEqual({ command: { outcome: { status: 'PENDING' } }, device: null })
  })

  test('ends with its client: reads are cancelled down to Privicore', async () => {
    const { fetch, privicore } = await gateway()
    privicore.fault('device.list', { kind: 'hang' })
    const leave = new AbortController()
    const answer = fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${privicore.tokens.alice}` },
      body: JSON.stringify({ query: DEVICES }),
      signal: leave.signal,
    })
    await expect.poll(() => privicore.count('device.list')).toBe(1)
    leave.abort()
    await answer.catch(() => {})
    await expect.poll(() => privicore.requests[0]?.aborted).toBe(true)
  })
})
