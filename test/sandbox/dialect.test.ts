// Knows the form of every value of every dialect switch: each is looked at, none is left out.
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { type Dialect, defaultDialect, variants } from '../../sandbox/sandbox.ts'
import { seededKey } from '../../sandbox/seed.ts'
import { base64, basic, client, deviceNamed, type Reply, start } from './client.ts'

type Context = Awaited<ReturnType<typeof start>>
type Look = (context: Context) => Promise<unknown>

const tested = new Map<string, Set<unknown>>()

/** What is seen through `look` with each value of the switch. */
function forms<Switch extends keyof Dialect>(
  name: Switch,
  look: Look,
  expected: Partial<Record<Dialect[Switch] & string, unknown>>,
  beside: Partial<Dialect> = {},
) {
  test.each(Object.entries(expected))(`${name} %s`, async (value, form) => {
    const context = await start({ dialect: { ...beside, [name]: value } })
    tested.set(name, (tested.get(name) ?? new Set()).add(value))
    expect(await look(context)).toEqual(form)
  })
}

const text = expect.any(String)
const time = expect.stringMatching(/\+00:00$/)
const hex = (pattern: string) => expect.stringMatching(new RegExp(`^${pattern}$`))

const seen = ({ status, body, id }: Reply) => ({ status, body, header: id !== '' })
const REMOVE = ['/device/remove', { deviceIdentifier: 'x' }] as const
const accepted: Look = async ({ form }) => seen(await form(...REMOVE))

forms('commandBody', accepted, {
  array: { status: 202, body: [text], header: true },
  string: { status: 202, body: text, header: true },
  commandId: { status: 202, body: { commandId: text }, header: true },
  headerName: { status: 202, body: { 'X-DPT-CAB-ID': text }, header: true },
  none: { status: 202, body: undefined, header: true },
})
forms('commandHeader', accepted, {
  present: { status: 202, body: [text], header: true },
  absent: { status: 202, body: [text], header: false },
})
test('without a body, the header is never absent', async () => {
  const { form } = await start({ dialect: { commandBody: 'none', commandHeader: 'absent' } })
  expect((await form(...REMOVE)).id).not.toBe('')
})
forms(
  'acceptedStatus',
  async ({ sandbox, form }) => {
    const deviceIdentifier = deviceNamed(sandbox, 'Home NAS')
    const reply = await form('/device/remove', { deviceIdentifier })
    return { ...seen(reply), done: !sandbox.state.profile('alice').devices.has(deviceIdentifier) }
  },
  {
    '202': { status: 202, body: [text], header: true, done: false },
    '200-with-id': { status: 200, body: [text], header: true, done: false },
    '200-completed': { status: 200, body: undefined, header: false, done: true },
  },
)
test('200-completed still answers with an id where a follow-up needs it, or something is refused or waits', async () => {
  const { sandbox, form, outcome } = await start({ dialect: { acceptedStatus: '200-completed' } })
  expect(await outcome(form('/device/request-unique-identifier', { deviceName: 'Watch' }))).toBe('succeeded')
  expect(await outcome(form(...REMOVE))).toBe('device.not_found')
  sandbox.hold('device.remove')
  const held = await form('/device/remove', { deviceIdentifier: deviceNamed(sandbox, 'Home NAS') })
  expect(held).toMatchObject({ status: 202, body: [held.id] })
})

const status = (settle: (context: Context, id: string) => void): Look => {
  return async (context) => {
    context.sandbox.hold('device.remove')
    const { id } = await context.form(...REMOVE)
    settle(context, id)
    const { status, body } = await context.get(`/request-status/${id}`)
    return { status, body }
  }
}
const pending = status(() => undefined)
const success = status(({ sandbox }, id) => {
  const command = sandbox.state.commands.get(id)
  if (command) command.plan.apply = () => undefined
  sandbox.settle(id)
})
const refusal = status(({ sandbox }, id) => sandbox.settle(id, { rejected: 'device.busy' }))

forms('statusPending', pending, {
  '202': { status: 202, body: [] },
  started: { status: 200, body: 'started' },
  'started-array': { status: 200, body: ['started'] },
  pending: { status: 200, body: 'pending' },
  submitted: { status: 200, body: 'submitted' },
  'command-status': { status: 200, body: { command_status: 1 } },
})
forms('statusSucceeded', success, {
  empty: { status: 200, body: undefined },
  succeeded: { status: 200, body: 'succeeded' },
  'succeeded-array': { status: 200, body: ['succeeded'] },
  'command-status': { status: 200, body: { command_status: 2 } },
  'other-text': { status: 200, body: 'processed' },
})
forms('statusRejected', refusal, {
  rejected: { status: 200, body: 'rejected' },
  'rejected-array': { status: 200, body: ['rejected'] },
  failed: { status: 200, body: 'failed' },
  'command-status': { status: 200, body: { command_status: 3, body: 'device.busy' } },
  '404': { status: 404, body: { message: 'record not found' } },
})
forms(
  'statusMethod',
  async ({ sandbox, form, get, json }) => {
    sandbox.hold('device.remove')
    const path = `/request-status/${(await form(...REMOVE)).id}`
    return [(await get(path)).status, (await json(path, {})).status]
  },
  { get: [202, 405], 'post-405': [405, 202], 'post-404': [404, 202] },
)
test('freshUnknownMs: a fresh id is unknown for a moment', async () => {
  tested.set('freshUnknownMs', new Set(variants.freshUnknownMs))
  const { form, get } = await start({ dialect: { freshUnknownMs: 40 } })
  const { id } = await form(...REMOVE)
  expect((await get(`/request-status/${id}`)).status).toBe(404)
  await pause(50)
  expect((await get(`/request-status/${id}`)).status).toBe(200)
})

const BLANK = 'This value should not be blank.'
forms(
  'errorBody',
  async ({ form, get }) => {
    const invalid = await form('/device/remove')
    const missing = await get('/voting/check-pool-status/x')
    return [invalid.status, invalid.body ?? invalid.text, missing.status, missing.body ?? missing.text]
  },
  {
    'field-lists': [422, { errors: { deviceIdentifier: [BLANK] } }, 404, { message: 'record not found' }],
    'field-texts': [422, { errors: { deviceIdentifier: BLANK } }, 404, { message: 'record not found' }],
    violations: [
      422,
      { violations: [{ propertyPath: 'deviceIdentifier', message: BLANK }] },
      404,
      { violations: [{ propertyPath: '', message: 'record not found' }] },
    ],
    message: [422, { message: `deviceIdentifier: ${BLANK}` }, 404, { message: 'record not found' }],
    error: [422, { error: `deviceIdentifier: ${BLANK}` }, 404, { error: 'record not found' }],
    errors: [422, { errors: [`deviceIdentifier: ${BLANK}`] }, 404, { errors: ['record not found'] }],
    text: [422, `deviceIdentifier: ${BLANK}`, 404, 'record not found'],
    array: [422, [`deviceIdentifier: ${BLANK}`], 404, ['record not found']],
    empty: [422, '', 404, ''],
    html: [422, expect.stringMatching(/^<html>/), 404, expect.stringMatching(/^<html>/)],
  },
)
test('ids malformed: they need encoding, and work when they have it', async () => {
  tested.set('ids', new Set(variants.ids))
  const { form, get, outcome } = await start({ dialect: { ids: 'malformed' } })
  const asked = await form('/device/request-unique-identifier', { deviceName: 'Watch' })
  expect(encodeURIComponent(asked.id)).not.toBe(asked.id)
  await outcome(asked)
  expect((await get(`/request-status/${encodeURIComponent(asked.id)}`)).status).toBe(200)
  const { deviceIdentifier } = (await form('/device/retrieve-unique-identifier', { id: asked.id })).body
  const path = `/device/retrieve-device-configuration/${encodeURIComponent(deviceIdentifier)}`
  expect((await get(path)).status).toBe(200)
})

forms('healthBody', async ({ get }) => (await get('/health')).text, {
  status: '{"status":"ok"}',
  text: 'OK',
  empty: '',
})
forms(
  'usernameTaken',
  async ({ form, outcome }) => {
    const reply = await form('/profile/register-profile', { username: 'bob', password: 'x' })
    return reply.status === 202 ? [202, await outcome(reply)] : [reply.status, reply.body.message]
  },
  { rejected: [202, 'profile.username_taken'], '409': [409, 'profile.username_taken'] },
)
forms('profileId', async ({ get }) => (await get('/profile/retrieve-profile-id')).body, {
  object: { profileId: text },
  text,
})
forms('qrToken', async ({ form }) => (await form('/profile/generate-token-qr')).body, {
  qrToken: { qrToken: text, expiresAt: time },
  token: { token: text, expiresAt: time },
  text,
})
forms('reauthorize', async ({ form }) => seen(await form('/profile/reauthorize-authorization-token')), {
  '202': { status: 202, body: [text], header: true },
  '200': { status: 200, body: { authorizationToken: text, expiresAt: time }, header: false },
})
forms(
  'revoke',
  async ({ form, get, outcome }) => {
    const reply = await form('/profile/revoke-authorization-token')
    if (reply.status === 202) await outcome(reply)
    return [reply.status, (await get('/profile/retrieve-profile-id')).status]
  },
  { '200': [200, 401], '202': [202, 401] },
)

const register = ({ form }: Context) => form('/profile/oauth-application-register', { title: 'App' })
forms('oauthRegisterBody', async (context) => seen(await register(context)), {
  none: { status: 202, body: undefined, header: true },
  'as-others': { status: 202, body: [text], header: true },
})
const configured = async (context: Context, name?: string): Promise<Reply> => {
  const { id } = await register(context)
  await context.outcome({ id } as Reply)
  const both = { id, applicationId: id }
  return context.form('/profile/retrieve-oauth-application-configuration', name ? { [name]: id } : both)
}
forms(
  'oauthConfigurationKey',
  async (context) => {
    return [
      (await configured(context)).status,
      (await configured(context, 'id')).status,
      (await configured(context, 'applicationId')).status,
    ]
  },
  { id: [200, 200, 422], applicationId: [200, 422, 200] },
)
const APPLICATION = ['clientId', 'clientSecret', 'id', 'profileId', 'redirectUri', 'title']
forms(
  'oauthKeys',
  async (context) => {
    const list = await context.get('/profile/retrieve-oauth-application-list')
    return [Object.keys((await configured(context)).body).sort(), Object.keys(list.body[0])]
  },
  {
    camel: [APPLICATION, ['id', 'title', 'clientId', 'redirectUri', 'createdAt']],
    snake: [
      ['client_id', 'client_secret', 'id', 'profile_id', 'redirect_uri', 'title'],
      ['id', 'title', 'client_id', 'redirect_uri', 'created_at'],
    ],
  },
)
forms('oauthList', async ({ get }) => (await get('/profile/retrieve-oauth-application-list')).body, {
  array: [expect.objectContaining({ title: text })],
  items: { items: [expect.objectContaining({ title: text })] },
})

/** An access token of alice's, by way of a consent to two scopes. */
async function accessToken(context: Context) {
  const { clientId, clientSecret } = (await configured(context)).body
  const query = `client_id=${clientId}&nonce=n&scope[]=device.all&scope[]=voting.create`
  const { id } = await context.get(`/profile/oauth-application-request-authorization-code?${query}`)
  await context.outcome({ id } as Reply)
  const app = client(context.sandbox, null)
  const credentials = basic(base64(`${clientId}:${clientSecret}`))
  const code = await app.form('/oauth-application/retrieve-authorization-code', { id, nonce: 'n' }, credentials)
  const fields = { authorization_code: code.body.authorizationCode }
  return { app, ...(await app.form('/oauth-application/obtain-access-token', fields, credentials)).body }
}
forms(
  'oauthScope',
  async (context) => {
    const { app, token } = await accessToken(context)
    return (await app.get('/oauth-application/retrieve-oauth-application-scope', basic(token))).body
  },
  {
    array: ['device.all', 'voting.create'],
    text: 'device.all voting.create',
    'scope-text': { scope: 'device.all voting.create' },
    'scope-array': { scope: ['device.all', 'voting.create'] },
    scopes: { scopes: ['device.all', 'voting.create'] },
  },
)
forms(
  'oauthRefreshToken',
  async (context) => {
    const { app, token, refreshToken } = await accessToken(context)
    const fields = { refresh_token: refreshToken }
    const renewed = await app.form('/oauth-application/refresh-access-token', fields, basic(token))
    return renewed.body.refreshToken === refreshToken
  },
  { kept: true, replaced: false },
)

forms('publicKeyTag', async ({ get }) => (await get('/generate-keys')).body.public, {
  '31420500': hex('31420500[0-9a-f]{192}'),
  '31400500': hex('31400500[0-9a-f]{192}'),
})
forms('publicKeyCase', async ({ get }) => (await get('/public-key/retrieve-public-key')).body.publicKey, {
  lower: seededKey('alice'),
  upper: seededKey('alice').toUpperCase(),
})
forms('publicKeyExtras', async ({ get }) => (await get('/public-key/retrieve-public-key')).body, {
  present: { publicKey: text, createdAt: time, status: text },
  absent: { publicKey: text },
})

async function reserved({ form, get, outcome }: Context) {
  const reservation = await form('/data-token/reserve-token-space', { context: 'c' })
  await outcome(reservation)
  return (await get(`/data-token/retrieve-temporary-data-token/${reservation.id}`)).body
}
forms('temporaryToken', reserved, { object: { token: text, stream: text }, text })
forms('stream', reserved, {
  token: { token: text, stream: hex('[0-9a-f]{64}') },
  url: { token: text, stream: hex('http://127.0.0.1:\\d+/\\?auth=[0-9a-f]{64}') },
  absent: { token: text },
})
forms(
  'requestDataBody',
  async ({ form }) => {
    const { id, body, headers } = await form('/data-token/request-data', { token: 'x' })
    return [body, { commandId: id, requestId: headers.get('x-dpt-cab-request-id') }]
      .map((one) => JSON.stringify(one))
      .join()
  },
  {
    null: expect.stringMatching(/^null,/),
    object: expect.stringMatching(/^(\{.*\}),\1$/),
  },
)
forms(
  'fileMeta',
  async (context) => {
    const { token } = await reserved(context)
    const file = { token, fileName: 'a', extension: 'b', context: 'c', size: '1', path: '/' }
    const { status, body } = await context.form('/data-token/configure-file-meta', file)
    return [status, body]
  },
  {
    object: [200, { token: text }],
    text: [200, text],
    '202': [202, [text]],
    'no-token': [200, undefined],
  },
)
const tokens: Look = async ({ get }) => (await get('/data-token/list-data-tokens?page=2&perPage=1')).body
const item = expect.objectContaining({ token: text })
forms('dataTokenList', tokens, { paged: { items: [item], meta: { count: 64, page: 2, perPage: 1 } }, array: [item] })
forms(
  'dataTokenItem',
  tokens,
  {
    flat: [
      expect.objectContaining({ context: text, fileName: text, extension: text, classification: text, type: text }),
    ],
    nested: [
      {
        token: text,
        context: text,
        createdAt: time,
        meta: {
          file: expect.objectContaining({ fileName: text }),
          information_security_risk: expect.objectContaining({ label: text }),
          data: { type: text },
        },
      },
    ],
  },
  { dataTokenList: 'array' },
)

const devices: Look = async ({ get }) => (await get('/device/retrieve-profile-devices')).body
const firstKeys: Look = async (context) => Object.keys(((await devices(context)) as object[])[0] ?? {})
const DEVICE = ['name', 'createdAt', 'approved', 'score', 'meta', 'roles']
forms(
  'deviceIdentifierKey',
  async ({ get }) => {
    const lists = [
      '/device/retrieve-profile-devices',
      '/storage/list-storage-devices',
      '/verified-authenticator/list-verified-authenticator',
    ]
    return Promise.all(lists.map(async (path) => Object.keys((await get(path)).body[0])[0]))
  },
  Object.fromEntries(variants.deviceIdentifierKey.map((key) => [key, [key, key, key]])),
)
forms(
  'deviceIdentifierAnswer',
  async ({ form, outcome }) => {
    const asked = await form('/device/request-unique-identifier', { deviceName: 'Watch' })
    await outcome(asked)
    return (await form('/device/retrieve-unique-identifier', { id: asked.id })).body
  },
  {
    object: { deviceIdentifier: text },
    extras: { deviceIdentifier: text, createdAt: time, profile: text, approved: 0 },
    text,
  },
)
forms(
  'deviceList',
  async (context) => {
    const all = context.sandbox.state.profile('alice').devices
    for (const id of [...all.keys()].slice(1)) all.delete(id)
    const one = await devices(context)
    all.clear()
    return [one, await devices(context)]
  },
  {
    array: [[expect.objectContaining({ name: text })], []],
    items: [{ items: [expect.objectContaining({ name: text })] }, { items: [] }],
    single: [expect.objectContaining({ name: text }), []],
  },
)
forms(
  'deviceApproval',
  async (context) => {
    const [approved, pending] = [0, 9].map(
      (
        (all) => (index: number) =>
          all[index]
      )((await devices(context)) as Record<string, unknown>[]),
    )
    return [approved?.approved ?? approved?.status, pending?.approved ?? pending?.status]
  },
  { number: [1, 0], boolean: [true, false], status: ['approved', 'pending'] },
)
forms('deviceExtras', firstKeys, {
  present: ['deviceIdentifier', ...DEVICE],
  absent: ['deviceIdentifier', 'name', 'createdAt', 'approved'],
})
const DIRECTORY = ['directoryId', 'directoryName', 'directoryShortName', 'givenName', 'familyName']
forms(
  'directoryFields',
  async (context) => {
    const profile = await context.get('/profile/retrieve-profile-id')
    return [await firstKeys(context), Object.keys(profile.body)]
  },
  {
    absent: [['deviceIdentifier', ...DEVICE], ['profileId']],
    present: [
      ['deviceIdentifier', ...DEVICE, ...DIRECTORY],
      ['profileId', ...DIRECTORY],
    ],
  },
)
forms(
  'deviceConfiguration',
  async ({ sandbox, get }) => {
    return (await get(`/device/retrieve-device-configuration/${deviceNamed(sandbox, 'Home NAS')}`)).body
  },
  {
    kebab: {
      'device-identifier': text,
      'client-id': text,
      'client-secret': text,
      'rabbit-user': text,
      'rabbit-pass': text,
      'rabbit-host': text,
      'rabbit-port': 5671,
    },
    file: { name: 'device.yaml', file: text },
  },
)
forms('strategyKeys', async ({ get }) => Object.keys((await get('/verified-authenticator/retrieve-strategy')).body), {
  camel: ['quorumSize', 'strategy', 'percentageRequired', 'timeLimit', 'maximumAttempts'],
  snake: ['quorum_size', 'strategy', 'percentage_required', 'time_limit', 'maximum_attempts'],
})
forms(
  'votingConfigurationKey',
  async ({ get }) => {
    const base = '/verified-authenticator/voting-configuration'
    const [, majority] = (await get(`${base}/list`)).body
    const one = await get(`${base}/retrieve/${majority.id ?? majority.name}`)
    const policy = (await get('/policy/list-registered-policies')).body[2]
    return ['id' in majority, one.body.name, policy.votingConfigurationId === (majority.id ?? majority.name)]
  },
  { id: [true, 'Majority', true], name: [false, 'Majority', true] },
)

const policies: Look = async ({ get }) => (await get('/policy/list-active-policies')).body
const aPolicy = expect.objectContaining({ id: text, name: text, active: true, createdAt: time })
forms(
  'policyList',
  async (context) => {
    const full = await policies(context)
    for (const policy of context.sandbox.state.profile('alice').policies.values()) policy.active = false
    return [full, await policies(context)]
  },
  {
    array: [[aPolicy, aPolicy], []],
    items: [{ items: [aPolicy, aPolicy] }, { items: [] }],
    keyed: [expect.objectContaining({ '019c186e-2e80-7b7d-ba48-f5a74dfebf8c': aPolicy }), []],
  },
)
forms('policyFields', policies, {
  full: [aPolicy, aPolicy],
  minimal: [
    { id: text, name: text },
    { id: text, name: text },
  ],
})
forms(
  'policyVotingKey',
  async ({ sandbox, json, outcome }) => {
    const [policyTemplateId = '', template] = [...sandbox.state.templates][0] ?? []
    const policy = { policyTemplateId, applyingEventIds: Object.keys(template?.events ?? {}), configuration: {} }
    await outcome(json('/policy/register', { ...policy, name: 'a', votingConfigurationId: 'Majority' }))
    await outcome(json('/policy/register', { ...policy, name: 'b', configurationId: 'Majority' }))
    const created = [...sandbox.state.profile('alice').policies.values()].slice(-2)
    return created.map(({ votingConfigurationId }) => votingConfigurationId !== null)
  },
  { votingConfigurationId: [true, false], configurationId: [false, true] },
)

const VOTE = { votingConfigurationId: 'Majority', title: 't', question: 'q' }
const created: Look = async ({ sandbox, json, get, outcome }) => {
  const reply = await json('/voting/create', VOTE)
  if (reply.id) await outcome(reply)
  const poolId = reply.body.poolId ?? reply.body.id ?? reply.id
  const { state } = (await get(`/voting/check-pool-status/${poolId}`)).body
  return { ...seen(reply), state, isCommand: sandbox.state.commands.has(poolId) }
}
forms('votingCreateAnswer', created, {
  command: { status: 202, body: [text], header: true, state: 'open', isCommand: true },
  poolId: { status: 202, body: { poolId: text }, header: false, state: 'open', isCommand: false },
  id: { status: 202, body: { id: text }, header: false, state: 'open', isCommand: false },
  both: { status: 202, body: { commandId: text, poolId: text }, header: true, state: 'open', isCommand: false },
})
forms('votingCreateStatus', async ({ json }) => (await json('/voting/create', VOTE)).status, { '202': 202, '200': 200 })
forms(
  'poolSnapshot',
  async ({ json, get, outcome }) => {
    const reply = await json('/voting/create', VOTE)
    await outcome(reply)
    return (await get(`/voting/check-pool-status/${reply.id}`)).body
  },
  {
    counts: { poolId: text, state: 'open', title: 't', question: 'q', yes: 0, no: 0, pending: 5, expiresAt: time },
    ballots: {
      id: text,
      status: 'OPEN',
      title: 't',
      question: 'q',
      ballots: Array.from({ length: 5 }, () => ({ deviceIdentifier: text, vote: 'pending' })),
      expiry: time,
    },
    snake: {
      pool_id: text,
      status: 'open',
      title: 't',
      question: 'q',
      counts: { yes: 0, no: 0, pending: 5 },
      expires_at: time,
    },
  },
)

test('a switch or value that does not exist is refused', async () => {
  const { sandbox } = await start()
  expect(() => sandbox.set({ comandBody: 'array' } as never)).toThrow('no such dialect switch')
  expect(() => sandbox.set({ commandBody: 'xml' as never })).toThrow('commandBody is one of')
  sandbox.dialect.commandBody = 'string'
  expect(sandbox.dialect).toEqual({ ...defaultDialect(), commandBody: 'string' })
})

/** What push.test.ts looks at. */
const PUSHED = ['pushProgress', 'outputType', 'inlineBody', 'downloadBody', 'streamReady', 'streamReadyUrl']

afterAll(() => {
  const missing = Object.entries(variants).flatMap(([name, values]) =>
    PUSHED.includes(name)
      ? []
      : values.filter((value) => !tested.get(name)?.has(value)).map((value) => `${name} ${value}`),
  )
  expect(missing).toEqual([])
})
