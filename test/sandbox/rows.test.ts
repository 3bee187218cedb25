// Knows one good request for each of the 68 rows of privicore.md, and that the sandbox answers each as the row says.
import { expect, test } from 'vitest'
import { seededKey } from '../../sandbox/seed.ts'
import { base64, basic, client, deviceNamed, start } from './client.ts'

const BYTES = { 'Content-Type': 'application/octet-stream' }

test('all 68 rows answer, and no others exist', async () => {
  const { sandbox, get, form, json, outcome } = await start()
  const nobody = client(sandbox, null)
  const spare = client(sandbox, sandbox.issueToken('alice'))
  const device = (name: string) => ({ deviceIdentifier: deviceNamed(sandbox, name) })

  expect(await nobody.get('/health')).toMatchObject({ status: 200, body: { status: 'ok' } })
  const registered = await nobody.form('/profile/register-profile', { username: 'carol', password: 'secret' })
  expect(await outcome(registered)).toBe('succeeded')
  expect(await nobody.get(`/request-status/${registered.id}`)).toMatchObject({
    status: 200,
    body: { command_status: 2 },
  })
  expect(await nobody.form('/profile/authenticate', { username: 'carol', password: 'secret' })).toMatchObject({
    status: 200,
    body: {
      authorizationToken: expect.any(String),
      expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:]{8}\+00:00$/),
    },
  })
  expect((await get('/profile/retrieve-profile-id')).body).toEqual({ profileId: expect.any(String) })
  const passwords = { currentPassword: 'alice-password', newPassword: 'other' }
  expect(await outcome(form('/profile/change-password', passwords))).toBe('succeeded')
  expect((await form('/profile/generate-token-qr')).body).toMatchObject({ qrToken: expect.any(String) })
  expect(await outcome(form('/profile/reauthorize-authorization-token', { ttl: '60' }))).toBe('succeeded')
  expect((await form('/profile/authorization-token/expiry')).body).toEqual({ expiresAt: expect.any(String) })
  expect((await spare.form('/profile/revoke-authorization-token')).status).toBe(200)

  const application = await form('/profile/oauth-application-register', { title: 'App', 'scope[]': 'all' })
  expect(application).toMatchObject({ status: 202, text: '' })
  expect(await outcome(application)).toBe('succeeded')
  const both = { id: application.id, applicationId: application.id }
  const { body: configuration } = await form('/profile/retrieve-oauth-application-configuration', both)
  expect(configuration).toMatchObject({ id: application.id, title: 'App', clientSecret: expect.any(String) })
  const query = `client_id=${configuration.clientId}&nonce=n1&scope[]=device.all&scope[]=data_token.list_data_tokens`
  const consent = await get(`/profile/oauth-application-request-authorization-code?${query}`)
  expect(await outcome(consent)).toBe('succeeded')
  const credentials = basic(base64(`${configuration.clientId}:${configuration.clientSecret}`))
  const code = await nobody.form(
    '/oauth-application/retrieve-authorization-code',
    { id: consent.id, nonce: 'n1' },
    credentials,
  )
  const grant = { authorization_code: code.body.authorizationCode }
  const { body: access } = await nobody.form('/oauth-application/obtain-access-token', grant, credentials)
  expect(Object.keys(access).sort()).toEqual(
    ['clientId', 'expiresAt', 'refreshToken', 'refreshTokenExpiresAt', 'scope', 'token', 'type'].sort(),
  )
  expect((await get('/profile/retrieve-oauth-application-list')).body).toHaveLength(2)
  const scopes = await nobody.get('/oauth-application/retrieve-oauth-application-scope', basic(access.token))
  expect(scopes.body).toEqual(['device.all', 'data_token.list_data_tokens'])
  const renewal = { refresh_token: access.refreshToken }
  const renewed = await nobody.form('/oauth-application/refresh-access-token', renewal, basic(access.token))
  expect(renewed.body.token).not.toBe(access.token)

  expect((await nobody.get('/generate-keys')).body).toEqual({
    private: expect.stringMatching(/^[0-9a-f]{64}$/),
    public: expect.stringMatching(/^31420500[0-9a-f]{192}$/),
  })
  expect(await outcome(form('/public-key/register-public-key', { publicKey: seededKey('new') }))).toBe('succeeded')
  expect((await get('/public-key/retrieve-public-key')).body.publicKey).toBe(seededKey('new'))
  expect((await get('/dptcab/public-key')).body.publicKey).toBe(seededKey('the engine'))

  const reservation = await form('/data-token/reserve-token-space', { context: 'letters', ttl: '5' })
  expect(await outcome(reservation)).toBe('succeeded')
  const { body: space } = await get(`/data-token/retrieve-temporary-data-token/${reservation.id}`)
  const data = { temporaryTokenSpace: space.token, data: base64('ciphertext') }
  expect(await outcome(form('/data-token/exchange-data-for-token', data))).toBe('succeeded')
  const file = { token: space.token, fileName: 'a', extension: 'txt', context: 'letters', size: '10', path: '/' }
  const { body: permanent } = await form('/data-token/configure-file-meta', file)
  const { token } = permanent
  const risk = { token, classification: 'C1', label: 'L', handling: 'H', 'owner[name]': 'Ann' }
  expect(await outcome(form('/data-token/configure-information-security-risk-meta', risk))).toBe('succeeded')
  const listed = await get(`/data-token/list-data-tokens?filters[token]=${token}`)
  expect(listed.body).toMatchObject({ items: [{ token, label: 'L', owner: { name: 'Ann' } }], meta: { count: 1 } })
  expect(await outcome(json('/data-token/update-data', { dataToken: token, data: base64('new') }))).toBe('succeeded')
  const asked = await form('/data-token/request-data', { token })
  expect(asked.headers.get('x-dpt-cab-request-id')).toBeTruthy()
  expect(await outcome(asked)).toBe('succeeded')
  expect(await outcome(form('/data-token/delete-data', { token }))).toBe('succeeded')

  const big = await form('/data-token/reserve-token-space', { context: 'films' })
  await outcome(big)
  const { body: wide } = await get(`/data-token/retrieve-temporary-data-token/${big.id}`)
  const upload = { method: 'POST', headers: BYTES, body: 'streamed' }
  expect((await fetch(`${sandbox.upstreamUrl}/?auth=${wide.stream}`, upload)).status).toBe(200)
  expect((await fetch(`${sandbox.downstreamUrl}/?auth=unknown`)).status).toBe(404)

  const asking = await form('/device/request-unique-identifier', { deviceName: 'Watch' })
  expect(await outcome(asking)).toBe('succeeded')
  const { body: identified } = await form('/device/retrieve-unique-identifier', { id: asking.id })
  expect((await get('/device/retrieve-profile-devices')).body).toContainEqual(
    expect.objectContaining({ ...identified, name: 'Watch', approved: 0 }),
  )
  const naming = { ...identified, name: 'My watch', colour: 'red' }
  expect(await outcome(form('/device/configure-meta', naming))).toBe('succeeded')
  expect(await outcome(form('/device/approve-device', device('New tablet')))).toBe('succeeded')
  expect(await outcome(form('/device/reject-device', device('New phone')))).toBe('succeeded')
  const secret = await get(`/device/retrieve-device-configuration/${identified.deviceIdentifier}`)
  expect(secret.body).toMatchObject({ 'device-identifier': identified.deviceIdentifier, 'rabbit-port': 5671 })
  expect(await outcome(form('/device/remove', identified))).toBe('succeeded')

  expect(await outcome(form('/storage/register', device('Spare server')))).toBe('succeeded')
  expect((await get('/storage/list-storage-devices')).body).toHaveLength(5)
  expect(await outcome(form('/storage/sync-device', device('Home NAS')))).toBe('succeeded')
  expect(await outcome(form('/storage/remove', device('Spare server')))).toBe('succeeded')

  expect(await outcome(form('/verified-authenticator/register', device('Spare server')))).toBe('succeeded')
  expect((await get('/verified-authenticator/list-verified-authenticator')).body).toHaveLength(6)
  expect(await outcome(form('/verified-authenticator/set-quorum-size', { size: '3' }))).toBe('succeeded')
  const quorum = { strategy: 'minimum_percentage', strategy_params: '75' }
  expect(await outcome(form('/verified-authenticator/set-quorum-strategy', quorum))).toBe('succeeded')
  expect(await outcome(form('/verified-authenticator/set-voting-time-limit', { timeLimit: '90' }))).toBe('succeeded')
  const attempts = { numberOfAttempts: '2' }
  expect(await outcome(form('/verified-authenticator/set-maximum-voting-attempts', attempts))).toBe('succeeded')
  expect((await get('/verified-authenticator/retrieve-strategy')).body).toEqual({
    quorumSize: 3,
    strategy: 'minimum_percentage',
    percentageRequired: 75,
    timeLimit: 90,
    maximumAttempts: 2,
  })
  expect(await outcome(form('/verified-authenticator/remove', device('Spare server')))).toBe('succeeded')

  const base = '/verified-authenticator/voting-configuration'
  const mine = { name: 'Mine', timeLimit: 60, strategy: 'affirmative', deviceIdentifiers: [] }
  expect(await outcome(json(`${base}/register`, mine))).toBe('succeeded')
  const { id: configurationId } = (await get(`${base}/list`)).body.at(-1)
  expect(await outcome(json(`${base}/update`, { id: configurationId, timeLimit: 30 }))).toBe('succeeded')
  expect((await get(`${base}/retrieve/${configurationId}`)).body).toEqual({
    id: configurationId,
    ...mine,
    timeLimit: 30,
  })

  const { body: templates } = await get('/policy/list-policy-templates')
  const [policyTemplateId = '', template] = Object.entries<{ events: object }>(templates)[3] ?? []
  const policy = {
    policyTemplateId,
    applyingEventIds: Object.keys(template?.events ?? {}),
    name: 'Über alles / 1',
    configuration: { retentionDays: 1 },
    votingConfigurationId: configurationId,
    configurationId,
  }
  expect(await outcome(json('/policy/register', policy))).toBe('succeeded')
  const { body: found } = await get(`/policy/retrieve-policy/${encodeURIComponent(policy.name)}`)
  expect(found).toMatchObject({ name: policy.name, active: false, votingConfigurationId: configurationId })
  const policyId = { policyId: found.id }
  expect(await outcome(form('/policy/activate', policyId))).toBe('succeeded')
  expect((await get('/policy/list-active-policies')).body.map((one: { id: string }) => one.id)).toContain(found.id)
  expect(await outcome(form('/policy/deactivate', policyId))).toBe('succeeded')
  expect((await get('/policy/list-inactive-policies')).body.map((one: { id: string }) => one.id)).toContain(found.id)
  expect(await outcome(form('/policy/delete', policyId))).toBe('succeeded')
  expect((await get('/policy/list-registered-policies')).body).toHaveLength(5)

  const vote = { votingConfigurationId: configurationId, question: 'Shall we?', title: 'A vote' }
  const created = await json('/voting/create', vote)
  expect(await outcome(created)).toBe('succeeded')
  expect((await get(`/voting/check-pool-status/${created.id}`)).body).toMatchObject({
    state: 'open',
    title: 'A vote',
    pending: 5,
  })

  const reached = new Set(sandbox.requests.map(({ endpoint }) => endpoint))
  expect(sandbox.endpoints).toHaveLength(68)
  expect(sandbox.endpoints.filter((endpoint) => !reached.has(endpoint))).toEqual([])
  expect(reached).not.toContain(null)
})
