// A day of a profile: every area used once through GraphQL, saying the same whatever dialect Privicore speaks.
import { blake2b } from '@noble/hashes/blake2.js'
import { expect } from 'vitest'
import type { Dialect } from '../../sandbox/sandbox.ts'
import type { TestGateway } from '../support/gateway.ts'

const OUTCOME = 'command { commandId operation outcome { status } } userErrors { field message code }'
const SUCCEEDED = { commandId: expect.any(String), operation: expect.any(String), outcome: { status: 'SUCCEEDED' } }

const signedKey = (): string => {
  const head = Buffer.concat([Buffer.from('31420500', 'hex'), crypto.getRandomValues(Buffer.alloc(32))])
  return Buffer.concat([head, blake2b(head, { dkLen: 64 })]).toString('hex')
}

/** One operation whose errors fail the test. */
function speaker({ run }: TestGateway) {
  return async (document: string, variables: Record<string, unknown> = {}, token?: string | null) => {
    const { data, errors } = await run(document, variables, token === undefined ? {} : { token })
    expect(errors, document).toBeUndefined()
    return data as Record<string, any>
  }
}

export async function signUpAndLeave(started: TestGateway, dialect: Partial<Dialect>): Promise<void> {
  const ask = speaker(started)
  const input = { username: 'ada', password: 'a long password', publicKeyHex: signedKey() }
  const { signUp } = await ask(
    'mutation ($input: SignUpInput!) { signUp(input: $input) { session { token expiresAt } stoppedAt userErrors { message } } }',
    { input },
    null,
  )
  expect(signUp).toEqual({
    session: { token: expect.any(String), expiresAt: expect.any(String) },
    stoppedAt: null,
    userErrors: [],
  })
  const { token } = signUp.session

  const taken = await started.run(
    'mutation { registerProfile(input: { username: "ada", password: "another password" }) { command { outcome { status } } userErrors { message } } }',
    {},
    { token: null },
  )
  if (dialect.usernameTaken === '409') expect(taken.errors?.[0]?.extensions?.code).toBe('CONFLICT')
  else expect(taken.data?.registerProfile.command.outcome.status).toBe('REJECTED')

  const { profile } = await ask(
    '{ profile { id profileId tokenExpiresAt publicKey { signedHex keyHex valid } } }',
    {},
    token,
  )
  expect(profile.publicKey).toEqual({
    signedHex: expect.stringMatching(new RegExp(`^${input.publicKeyHex}$`, 'i')),
    keyHex: expect.stringMatching(new RegExp(`^${input.publicKeyHex.slice(8, 72)}$`, 'i')),
    valid: true,
  })
  const day = await ask(
    `mutation {
      generateKeyPair { keyPair { privateKeyHex publicKey { valid } } }
      generateQrToken { qrToken { token } userErrors { message } }
      changePassword(input: { currentPassword: "a long password", newPassword: "a longer password" }) { ${OUTCOME} }
      reauthorizeToken(input: { ttlSeconds: 3600 }) { command { outcome { status } } session { token } userErrors { message } }
    }`,
    {},
    token,
  )
  expect(day.generateKeyPair.keyPair.publicKey.valid).toBe(true)
  expect(day.generateQrToken.qrToken.token).toEqual(expect.any(String))
  expect(day.changePassword).toEqual({ command: SUCCEEDED, userErrors: [] })
  const { command, session } = day.reauthorizeToken
  expect(dialect.reauthorize === '200' ? session?.token : command?.outcome.status).toEqual(
    dialect.reauthorize === '200' ? expect.any(String) : 'SUCCEEDED',
  )

  const last = session?.token ?? token
  const { revokeToken } = await ask('mutation { revokeToken { revoked userErrors { message } } }', {}, last)
  expect(revokeToken).toEqual({ revoked: true, userErrors: [] })
  const after = await started.run('{ devices { name } }', {}, { token: last })
  expect(after.errors?.[0]?.extensions?.code).toBe('UNAUTHENTICATED')
}

export async function manageDevices(started: TestGateway, dialect: Partial<Dialect>): Promise<void> {
  const ask = speaker(started)
  const { privicore } = started
  const { health, cabPublicKey } = await ask('{ health { status } cabPublicKey { valid } }')
  expect(health.status).toBe('OK')
  expect(cabPublicKey.valid).toBe(true)

  const { requestDeviceIdentifier } = await ask(
    `mutation { requestDeviceIdentifier(input: { deviceName: "My phone" }) { deviceIdentifier device { deviceIdentifier name status directory { directoryId } } ${OUTCOME} } }`,
  )
  const { deviceIdentifier } = requestDeviceIdentifier
  expect(requestDeviceIdentifier).toMatchObject({
    command: SUCCEEDED,
    device: { deviceIdentifier, name: 'My phone', status: 'PENDING' },
    userErrors: [],
  })
  // What the device itself does.
  privicore.registerDeviceKey(deviceIdentifier)
  privicore.state.device(deviceIdentifier).online = true
  const input = { deviceIdentifier }
  const done = await ask(
    `mutation ($input: DeviceInput!, $configure: ConfigureDeviceInput!) {
      approveDevice(input: $input) { device { status } ${OUTCOME} }
      configureDevice(input: $configure) { device { name } ${OUTCOME} }
      registerStorageDevice(input: $input) { storageDevice { device { name } } ${OUTCOME} }
      synchronizeStorageDevice(input: $input) { storageDevice { deviceIdentifier } ${OUTCOME} }
      registerAuthenticator(input: $input) { authenticator { device { name roles } } ${OUTCOME} }
      removeAuthenticator(input: $input) { deletedAuthenticatorId device { name } ${OUTCOME} }
      removeStorageDevice(input: $input) { deletedStorageDeviceId device { name roles } ${OUTCOME} }
    }`,
    { input, configure: { ...input, name: 'My desk', extra: { room: 'B 12' } } },
  )
  for (const payload of Object.values(done)) expect(payload).toMatchObject({ command: SUCCEEDED, userErrors: [] })
  expect(done).toMatchObject({
    approveDevice: { device: { status: 'APPROVED' } },
    configureDevice: { device: { name: 'My desk' } },
    registerStorageDevice: { storageDevice: { device: { name: 'My desk' } } },
    synchronizeStorageDevice: { storageDevice: input },
    registerAuthenticator: { authenticator: { device: { name: 'My desk', roles: ['STORAGE', 'AUTHENTICATOR'] } } },
    removeAuthenticator: { deletedAuthenticatorId: expect.any(String), device: { name: 'My desk' } },
    removeStorageDevice: { deletedStorageDeviceId: expect.any(String), device: { name: 'My desk', roles: [] } },
  })

  const read = await ask(
    `query ($id: ID!) { device(deviceIdentifier: $id) { id name createdAt } deviceConfiguration(deviceIdentifier: $id) { clientSecret rabbitPort file { name content } }
      devices { id } storageDevices { device { name } } authenticators { device { name } } }`,
    { id: deviceIdentifier },
  )
  expect(read.deviceConfiguration.clientSecret ?? read.deviceConfiguration.file.content).toEqual(expect.any(String))
  for (const role of [...read.storageDevices, ...read.authenticators]) expect(role.device.name).toMatch(/^Alice/)
  const { node } = await ask('query ($id: ID!) { node(id: $id) { ... on Device { name } } }', { id: read.device.id })
  expect(node).toEqual({ name: 'My desk' })

  const { removeDevice } = await ask(
    `mutation ($input: DeviceInput!) { removeDevice(input: $input) { deletedDeviceId ${OUTCOME} } }`,
    { input },
  )
  expect(removeDevice).toMatchObject({ deletedDeviceId: read.device.id, command: SUCCEEDED })

  const { refused } = await ask(
    'mutation { refused: requestDeviceIdentifier(input: { deviceName: "" }) { command { commandId } userErrors { field message code } } }',
  )
  const named = ['field-lists', 'field-texts', 'violations'].includes(dialect.errorBody ?? 'field-lists')
  expect(refused.command).toBeNull()
  expect(refused.userErrors.length).toBeGreaterThan(0)
  if (named) expect(refused.userErrors[0].field).toEqual(['input', 'deviceName'])
}

/** A rejection, which the older server tells by forgetting the command: that takes its two seconds. */
export async function beRefused(started: TestGateway, dialect: Partial<Dialect>): Promise<void> {
  started.privicore.reject('device.reject', 'device.not_pending')
  const { rejectDevice } = await speaker(started)(
    'mutation { rejectDevice(input: { deviceIdentifier: "dev-1" }) { deletedDeviceId command { outcome(timeoutMs: 8000) { status reason } } userErrors { message } } }',
  )
  const { reason, ...outcome } = rejectDevice.command.outcome
  expect({ ...rejectDevice, command: outcome }).toEqual({
    deletedDeviceId: null,
    command: { status: 'REJECTED' },
    userErrors: [],
  })
  // A poll does not say why in every dialect; the push channel does, where it is first.
  const told = (dialect.statusRejected ?? 'command-status') === 'command-status'
  expect(told ? ['device.not_pending'] : ['device.not_pending', null]).toContain(reason)
}

export async function decideByVote(started: TestGateway): Promise<void> {
  const ask = speaker(started)
  const strategy = await ask(`mutation {
    setQuorumSize(input: { size: 3 }) { votingStrategy { quorumSize } ${OUTCOME} }
    setQuorumStrategy(input: { strategy: MINIMUM_PERCENTAGE, percentageRequired: 60 }) { votingStrategy { strategy percentageRequired } ${OUTCOME} }
    setVotingTimeLimit(input: { seconds: 90 }) { votingStrategy { timeLimitSeconds } ${OUTCOME} }
    setMaximumVotingAttempts(input: { attempts: 4 }) { votingStrategy { maximumAttempts } ${OUTCOME} }
  }`)
  expect(strategy).toMatchObject({
    setQuorumSize: { votingStrategy: { quorumSize: 3 } },
    setQuorumStrategy: { votingStrategy: { strategy: 'MINIMUM_PERCENTAGE', percentageRequired: 60 } },
    setVotingTimeLimit: { votingStrategy: { timeLimitSeconds: 90 } },
    setMaximumVotingAttempts: { votingStrategy: { maximumAttempts: 4 } },
  })

  const { registerVotingConfiguration } = await ask(`mutation {
    registerVotingConfiguration(input: { name: "Two of three", timeLimitSeconds: 60, strategy: CONSENSUS }) {
      votingConfiguration { id configurationId name strategy timeLimitSeconds deviceIdentifiers devices { name } } ${OUTCOME}
    }
  }`)
  const { votingConfiguration } = registerVotingConfiguration
  expect(votingConfiguration).toMatchObject({
    name: 'Two of three',
    strategy: 'CONSENSUS',
    timeLimitSeconds: 60,
    deviceIdentifiers: [],
    devices: [],
  })
  const { configurationId } = votingConfiguration
  const { updateVotingConfiguration } = await ask(
    `mutation ($input: UpdateVotingConfigurationInput!) { updateVotingConfiguration(input: $input) { votingConfiguration { timeLimitSeconds } ${OUTCOME} } }`,
    { input: { configurationId, timeLimitSeconds: 75 } },
  )
  expect(updateVotingConfiguration).toMatchObject({ votingConfiguration: { timeLimitSeconds: 75 }, command: SUCCEEDED })
  const found = await ask(
    'query ($id: ID!, $node: ID!) { votingConfiguration(configurationId: $id) { name } node(id: $node) { id } votingConfigurations { name } votingStrategy { strategy } }',
    { id: configurationId, node: votingConfiguration.id },
  )
  expect(found).toMatchObject({
    votingConfiguration: { name: 'Two of three' },
    node: { id: votingConfiguration.id },
    votingStrategy: { strategy: 'MINIMUM_PERCENTAGE' },
  })

  const { createVoting } = await ask(
    'mutation ($input: CreateVotingInput!) { createVoting(input: $input) { pool { poolId state title question } userErrors { message } } }',
    {
      input: { votingConfigurationId: configurationId, title: 'Lunch', question: 'Pizza?' },
    },
  )
  expect(createVoting).toMatchObject({ pool: { state: 'OPEN', question: 'Pizza?' }, userErrors: [] })
  const { votingPool } = await ask('query ($id: ID!) { votingPool(poolId: $id) { state yes no raw } }', {
    id: createVoting.pool.poolId,
  })
  expect(votingPool).toMatchObject({ state: 'OPEN', yes: 0, no: 0 })

  const { policyTemplates } = await ask(
    '{ policyTemplates { templateId name events { eventId name label } configurationKeys } }',
  )
  const [template] = policyTemplates
  const { registerPolicy } = await ask(
    `mutation ($input: RegisterPolicyInput!) { registerPolicy(input: $input) { policy { id policyId name } ${OUTCOME} } }`,
    {
      input: {
        name: 'Two / ü',
        templateId: template.templateId,
        eventIds: [template.events[0].eventId],
        votingConfigurationId: configurationId,
        configuration: {},
      },
    },
  )
  expect(registerPolicy).toMatchObject({ policy: { name: 'Two / ü' }, command: SUCCEEDED })
  const { policyId, id } = registerPolicy.policy
  const policies = await ask(
    `mutation ($byId: PolicyInput!, $byName: PolicyInput!) {
      activatePolicy(input: $byId) { policy { name state } ${OUTCOME} }
      deactivatePolicy(input: $byName) { policy { state } ${OUTCOME} }
      deletePolicy(input: $byId) { deletedPolicyId ${OUTCOME} }
    }`,
    { byId: { policyId }, byName: { name: 'Two / ü' } },
  )
  expect(policies).toMatchObject({
    activatePolicy: { policy: { name: 'Two / ü', state: 'ACTIVE' }, command: SUCCEEDED },
    deactivatePolicy: { policy: { state: 'INACTIVE' }, command: SUCCEEDED },
    deletePolicy: { deletedPolicyId: id, command: SUCCEEDED },
  })
  const lists = await ask(
    '{ policies { name state template { name } } active: policies(state: ACTIVE) { state } inactive: policies(state: INACTIVE) { state } }',
  )
  expect(lists.policies).toHaveLength(lists.active.length + lists.inactive.length)
}

export async function admitAnApplication(started: TestGateway): Promise<void> {
  const ask = speaker(started)
  const { registerOAuthApplication } = await ask(
    `mutation { registerOAuthApplication(input: { title: "Reader", redirectUri: "https://app.example/cb" }) { configuration { applicationId title clientId clientSecret } ${OUTCOME} } }`,
  )
  const { clientId, clientSecret } = registerOAuthApplication.configuration
  const scopes = ['data_token.list_data_tokens', 'profile.all']
  const { authorizeOAuthApplication } = await ask(
    'mutation ($input: AuthorizeOAuthApplicationInput!) { authorizeOAuthApplication(input: $input) { accessToken { token refreshToken scopes type } userErrors { message } } }',
    { input: { clientId, clientSecret, scopes } },
  )
  const { token, refreshToken } = authorizeOAuthApplication.accessToken
  expect(authorizeOAuthApplication.accessToken).toMatchObject({ scopes, type: 'bearer' })
  const { oauthAccessTokenScopes } = await ask(
    'query ($t: String!) { oauthAccessTokenScopes(accessToken: $t) }',
    { t: token },
    null,
  )
  expect(oauthAccessTokenScopes).toEqual(scopes)
  const { refreshOAuthAccessToken } = await ask(
    'mutation ($input: RefreshOAuthAccessTokenInput!) { refreshOAuthAccessToken(input: $input) { accessToken { token refreshToken } userErrors { message } } }',
    { input: { accessToken: token, refreshToken } },
    null,
  )
  expect(refreshOAuthAccessToken.accessToken.token).not.toBe(token)
  const { oauthApplications } = await ask('{ oauthApplications { id title clientId redirectUri createdAt } }')
  expect(oauthApplications).toContainEqual(expect.objectContaining({ title: 'Reader', clientId }))
}

export async function keepData(started: TestGateway, dialect: Partial<Dialect>): Promise<void> {
  const ask = speaker(started)
  const data = Buffer.from('IV, ciphertext and tag').toString('base64')
  const { storeData } = await ask(
    'mutation ($input: StoreDataInput!) { storeData(input: $input) { dataToken { id token file { fileName extension } } stoppedAt userErrors { message } } }',
    { input: { data, context: 'letters', fileName: 'note', extension: 'txt' } },
  )
  expect(storeData).toMatchObject({
    dataToken: { file: { fileName: 'note', extension: 'txt' } },
    stoppedAt: null,
    userErrors: [],
  })
  const { id, token } = storeData.dataToken

  const reserved = await ask(
    `mutation { reserveTokenSpace(input: { context: "letters", ttlMinutes: 5, meta: { a: 1 } }) { temporaryDataToken { token } ${OUTCOME} } }`,
  )
  const temporary = reserved.reserveTokenSpace.temporaryDataToken.token
  const changed = await ask(
    `mutation ($exchange: ExchangeDataForTokenInput!, $file: ConfigureDataTokenFileInput!, $risk: ConfigureDataTokenRiskInput!, $update: UpdateDataTokenInput!) {
      exchangeDataForToken(input: $exchange) { ${OUTCOME} }
      configureDataTokenFile(input: $file) { token userErrors { message } }
      configureDataTokenRisk(input: $risk) { dataToken { risk { classification label handling } } ${OUTCOME} }
      updateDataToken(input: $update) { dataToken { token } ${OUTCOME} }
    }`,
    {
      exchange: { temporaryToken: temporary, data },
      file: { token: temporary, fileName: 'other', extension: 'bin', context: 'letters', size: 22 },
      risk: { token, classification: 'secret', label: 'red', handling: 'shred', extra: { floor: 3 } },
      update: { token, data, file: { fileName: 'note-2' } },
    },
  )
  expect(changed).toMatchObject({
    exchangeDataForToken: { command: SUCCEEDED, userErrors: [] },
    configureDataTokenFile: { token: expect.any(String), userErrors: [] },
    configureDataTokenRisk: {
      dataToken: { risk: { classification: 'secret', label: 'red', handling: 'shred' } },
      command: SUCCEEDED,
    },
    updateDataToken: { dataToken: { token }, command: SUCCEEDED },
  })

  const { dataToken, node } = await ask(
    'query ($t: ID!, $id: ID!) { dataToken(token: $t) { token context } node(id: $id) { ... on DataToken { token } } }',
    { t: token, id },
  )
  expect(dataToken).toMatchObject({ token })
  expect(node).toEqual({ token })

  const tokens: string[] = []
  let after: string | null = null
  do {
    const { dataTokens } = await ask(
      'query ($first: Int!, $after: String) { dataTokens(first: $first, after: $after) { nodes { token } totalCount pageInfo { hasNextPage endCursor } } }',
      {
        first: tokens.length === 0 ? 7 : 30,
        after,
      },
    )
    tokens.push(...dataTokens.nodes.map(({ token }: { token: string }) => token))
    after = dataTokens.pageInfo.hasNextPage ? dataTokens.pageInfo.endCursor : null
    if (dialect.dataTokenList !== 'array') expect(dataTokens.totalCount).toBeGreaterThan(60)
  } while (after !== null)
  expect(new Set(tokens).size).toBe(tokens.length)
  expect(tokens).toContain(token)
  const { last } = await ask(
    '{ last: dataTokens(last: 3) { nodes { token } pageInfo { hasPreviousPage hasNextPage } } }',
  )
  expect(last.nodes.map(({ token }: { token: string }) => token)).toEqual(tokens.slice(-3))

  const { requestData } = await ask(
    `mutation ($t: ID!) { requestData(input: { token: $t }) { requestId data { context inline downloadUrl } ${OUTCOME} } }`,
    { t: token },
  )
  expect(requestData).toMatchObject({ requestId: expect.any(String), userErrors: [] })
  const { inline, downloadUrl } = requestData.data
  if ((dialect.outputType ?? '0') === '0')
    expect(Buffer.from(inline, 'base64').toString()).toBe('IV, ciphertext and tag')
  else expect(downloadUrl).toMatch(/\/data\/[\w-]{40,}$/)

  const { deleteData } = await ask(
    `mutation ($t: ID!) { deleteData(input: { token: $t }) { deletedDataTokenId ${OUTCOME} } }`,
    { t: token },
  )
  expect(deleteData).toMatchObject({ deletedDataTokenId: id, command: SUCCEEDED })
}
