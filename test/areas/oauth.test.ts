import { expect, test } from 'vitest'
import { gateway, type TestGateway } from '../support/gateway.ts'

const REGISTER = `mutation { registerOAuthApplication(input: { title: "App" }) {
  command { commandId status } configuration { clientId clientSecret } userErrors { code }
} }`

const RETRIEVE = `mutation ($applicationId: ID!) {
  retrieveOAuthApplicationConfiguration(input: { applicationId: $applicationId }) {
    configuration { applicationId clientId clientSecret } userErrors { field code }
  }
}`

const AUTHORIZE = `mutation ($input: AuthorizeOAuthApplicationInput!) { authorizeOAuthApplication(input: $input) {
  command { commandId operation status } accessToken { token } stoppedAt userErrors { field code }
} }`

async function application({ run }: TestGateway): Promise<{ clientId: string; clientSecret: string }> {
  const { data } = await run(REGISTER)
  return data?.registerOAuthApplication.configuration
}

test('the secret is taken once, however often it is selected', async () => {
  const { run, privicore } = await gateway()
  const { data, errors } = await run(`mutation { registerOAuthApplication(input: { title: "App" }) {
    a: configuration { clientSecret } b: configuration { clientSecret }
  } }`)
  expect(errors).toBeUndefined()
  const { a, b } = data?.registerOAuthApplication ?? {}
  expect(a).toEqual(b)
  expect(privicore.count('oauth.configuration')).toBe(1)
})

test('the secret is not taken unless it is selected', async () => {
  const { run, privicore } = await gateway({ sandbox: { retrievalLagMs: 150 } })
  const { data } = await run(
    'mutation { registerOAuthApplication(input: { title: "App" }) { command { commandId outcome { status } } } }',
  )
  expect(privicore.count('oauth.configuration')).toBe(0)
  const { commandId } = data?.registerOAuthApplication.command ?? {}
  // Just after success it may be unknown yet: the gateway asks again.
  const retrieved = await run(RETRIEVE, { applicationId: commandId })
  expect(retrieved.data?.retrieveOAuthApplicationConfiguration).toMatchObject({
    configuration: { applicationId: commandId, clientSecret: expect.any(String) },
    userErrors: [],
  })
  const again = await run(RETRIEVE, { applicationId: commandId })
  expect(again.data?.retrieveOAuthApplicationConfiguration).toEqual({
    configuration: null,
    userErrors: [{ field: null, code: 'oauth.already_retrieved' }],
  })
})

test('the configuration of an unknown application is NOT_FOUND', async () => {
  const { run } = await gateway()
  const { data, errors } = await run(RETRIEVE, { applicationId: 'nothing' })
  expect(data?.retrieveOAuthApplicationConfiguration).toBeNull()
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'NOT_FOUND' })
})

test.each(['id', 'applicationId'] as const)('a server that reads %s is understood', async (oauthConfigurationKey) => {
  const one = await gateway({ sandbox: { dialect: { oauthConfigurationKey, oauthKeys: 'snake', oauthList: 'items' } } })
  const { clientId } = await application(one)
  const { data } = await one.run('{ oauthApplications { id applicationId title clientId redirectUri createdAt } }')
  const found = data?.oauthApplications.find((entry: { clientId: string }) => entry.clientId === clientId)
  expect(found).toMatchObject({ title: 'App', redirectUri: null })
  const node = await one.run('query ($id: ID!) { node(id: $id) { ... on OAuthApplication { applicationId } } }', {
    id: found.id,
  })
  expect(node.data?.node).toEqual({ applicationId: found.applicationId })
})

test('step by step: code, token, and no profile token for what the application does itself', async () => {
  const one = await gateway()
  const { clientId, clientSecret } = await application(one)
  const requested = await one.run(
    `mutation ($input: RequestOAuthAuthorizationCodeInput!) {
      requestOAuthAuthorizationCode(input: $input) { command { commandId outcome { status } } }
    }`,
    { input: { clientId, nonce: 'my-nonce', scopes: ['data_token.all', 'device.all'] } },
  )
  const { commandId } = requested.data?.requestOAuthAuthorizationCode.command ?? {}
  const CODE = `mutation ($input: RetrieveOAuthAuthorizationCodeInput!) { retrieveOAuthAuthorizationCode(input: $input) {
    authorizationCode { code clientId nonce expiresAt } userErrors { field code }
  } }`
  const wrong = await one.run(CODE, { input: { clientId, clientSecret, commandId, nonce: 'another' } }, { token: null })
  expect(wrong.data?.retrieveOAuthAuthorizationCode).toMatchObject({
    authorizationCode: null,
    userErrors: [{ code: 'oauth.nonce_mismatch' }],
  })
  const taken = await one.run(
    CODE,
    { input: { clientId, clientSecret, commandId, nonce: 'my-nonce' } },
    { token: null },
  )
  const { code, ...rest } = taken.data?.retrieveOAuthAuthorizationCode.authorizationCode ?? {}
  expect(rest).toEqual({ clientId, nonce: 'my-nonce', expiresAt: expect.any(String) })

  const OBTAIN = `mutation ($input: ObtainOAuthAccessTokenInput!) { obtainOAuthAccessToken(input: $input) {
    accessToken { token scopes } userErrors { code }
  } }`
  const obtained = await one.run(
    OBTAIN,
    { input: { clientId, clientSecret, authorizationCode: code } },
    { token: null },
  )
  expect(obtained.data?.obtainOAuthAccessToken.accessToken.scopes).toEqual(['data_token.all', 'device.all'])
  for (const row of ['oauth.code', 'oauth.accessToken']) {
    const [sent] = one.privicore.requests.filter(({ endpoint }) => endpoint === row)
    expect(sent?.headers['x-dpt-authorization']).toBeUndefined()
  }
  expect(one.log.join()).not.toContain(code)
})

test.each([null, 'bob'] as const)(
  'a code that Privicore is late with is waited for, with the token of %s',
  async (who) => {
    const one = await gateway({ sandbox: { retrievalLagMs: 300 } })
    const { clientId, clientSecret } = await application(one)
    const requested = await one.run(
      `mutation ($input: RequestOAuthAuthorizationCodeInput!) {
      requestOAuthAuthorizationCode(input: $input) { command { commandId outcome { status } } }
    }`,
      { input: { clientId, nonce: 'my-nonce', scopes: ['device.all'] } },
    )
    const { commandId } = requested.data?.requestOAuthAuthorizationCode.command ?? {}
    const { data } = await one.run(
      `mutation ($input: RetrieveOAuthAuthorizationCodeInput!) { retrieveOAuthAuthorizationCode(input: $input) {
      authorizationCode { clientId }
    } }`,
      { input: { clientId, clientSecret, commandId, nonce: 'my-nonce' } },
      { token: who && one.privicore.tokens[who] },
    )
    expect(data?.retrieveOAuthAuthorizationCode).toEqual({ authorizationCode: { clientId } })
    expect(one.privicore.count('oauth.code')).toBeGreaterThan(1)
  },
)

test('wrong credentials of an application are UNAUTHENTICATED', async () => {
  const { run } = await gateway({ as: null })
  const { errors } = await run(
    'mutation { obtainOAuthAccessToken(input: { clientId: "x", clientSecret: "y", authorizationCode: "z" }) { accessToken { token } } }',
  )
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' })
})

test('a token that cannot be sent as a header is UNAUTHENTICATED without a call', async () => {
  const { run, privicore } = await gateway({ as: null })
  const { errors } = await run('{ oauthAccessTokenScopes(accessToken: "a\\r\\nb") }')
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'UNAUTHENTICATED' })
  expect(privicore.count()).toBe(0)
})

test.each(['array', 'text', 'scope-text', 'scope-array', 'scopes'] as const)(
  'scopes are read from %s',
  async (oauthScope) => {
    const one = await gateway({ sandbox: { dialect: { oauthScope, oauthRefreshToken: 'replaced' } } })
    const credentials = await application(one)
    const { data } = await one.run(AUTHORIZE, { input: { ...credentials, scopes: ['device.all', 'voting.all'] } })
    const { token } = data?.authorizeOAuthApplication.accessToken ?? {}
    const scopes = await one.run('query ($t: String!) { oauthAccessTokenScopes(accessToken: $t) }', { t: token })
    expect(scopes.data?.oauthAccessTokenScopes).toEqual(['device.all', 'voting.all'])
  },
)

test('a consent that is rejected stops there, and nothing else is asked', async () => {
  const one = await gateway()
  const credentials = await application(one)
  one.privicore.reject('oauth.requestCode', 'oauth.scope_not_allowed')
  const { data, errors } = await one.run(AUTHORIZE, { input: { ...credentials, scopes: ['all'] } })
  expect(errors).toBeUndefined()
  expect(data?.authorizeOAuthApplication).toMatchObject({
    accessToken: null,
    stoppedAt: 'REQUEST_CODE',
    command: { operation: 'oauth.requestCode' },
    userErrors: [],
  })
  expect(one.privicore.count('oauth.code')).toBe(0)
})

test('a consent that is still pending at the deadline is told with its command', async () => {
  const one = await gateway({ env: { REQUEST_TIMEOUT_MS: '1200' } })
  const credentials = await application(one)
  one.privicore.hold('oauth.requestCode')
  const { data, errors } = await one.run(AUTHORIZE, { input: { ...credentials, scopes: ['all'] } })
  expect(errors).toBeUndefined()
  expect(data?.authorizeOAuthApplication).toMatchObject({
    accessToken: null,
    stoppedAt: 'REQUEST_CODE',
    command: { status: 'PENDING' },
  })
  expect(one.privicore.count('oauth.requestCode')).toBe(1)
})

test.each([
  ['oauth.code', 'RETRIEVE_CODE', 503, 'UPSTREAM_UNAVAILABLE'],
  ['oauth.code', 'RETRIEVE_CODE', 422, 'BAD_USER_INPUT'],
  ['oauth.accessToken', 'OBTAIN_TOKEN', 401, 'UNAUTHENTICATED'],
] as const)('%s failing says %s, and keeps the command', async (row, stoppedAt, status, code) => {
  const one = await gateway()
  const credentials = await application(one)
  one.privicore.fault(row, { kind: 'status', status })
  const { data, errors } = await one.run(AUTHORIZE, { input: { ...credentials, scopes: ['all'] } })
  expect(data?.authorizeOAuthApplication).toMatchObject({
    command: { commandId: expect.any(String) },
    accessToken: null,
    stoppedAt,
    userErrors: [],
  })
  expect(errors?.map(({ path, extensions }) => [path, extensions?.code])).toEqual([
    [['authorizeOAuthApplication', 'accessToken'], code],
  ])
  expect(one.privicore.count('oauth.requestCode')).toBe(1)
  expect(one.privicore.count(row)).toBe(1)
})

test('what is wrong with the scopes is told on the scopes', async () => {
  const { run } = await gateway()
  const { data } = await run(AUTHORIZE, { input: { clientId: 'c', clientSecret: 's', scopes: ['not a scope'] } })
  expect(data?.authorizeOAuthApplication).toMatchObject({
    command: null,
    stoppedAt: 'REQUEST_CODE',
    userErrors: [{ field: ['input', 'scopes'], code: 'VALIDATION_FAILED' }],
  })
})
