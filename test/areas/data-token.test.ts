import { describe, expect, test } from 'vitest'
import { gateway } from '../support/gateway.ts'

const data = Buffer.from('ciphertext').toString('base64')

const RESERVE = `mutation ($input: ReserveTokenSpaceInput!) { reserveTokenSpace(input: $input) {
  command { commandId } temporaryDataToken { token } userErrors { field code message }
} }`

const STORE = `mutation ($input: StoreDataInput!) { storeData(input: $input) {
  dataToken { token context file { fileName size path } createdAt }
  temporaryDataToken { token }
  stoppedAt
  command { commandId operation status reason }
  userErrors { field code message }
} }`
const payload = { data, context: 'contracts', fileName: 'a.pdf', extension: 'pdf' }

describe('reserving', () => {
  test('sends minutes, and meta as one field of JSON text', async () => {
    const { run, privicore } = await gateway({ sandbox: { retrievalLagMs: 150 } })
    const { data: answer } = await run(RESERVE, {
      input: { context: 'contracts', meta: { data: { type: 'image' }, file: {} } },
    })
    expect(answer?.reserveTokenSpace).toMatchObject({
      temporaryDataToken: { token: expect.any(String) },
      userErrors: [],
    })
    const [sent] = privicore.requests.filter(({ endpoint }) => endpoint === 'dataToken.reserve')
    expect(sent?.fields).toEqual({ context: 'contracts', ttl: '5', meta: '{"data":{"type":"image"},"file":{}}' })
  })

  test('a ttl that Privicore refuses is a userError on ttlMinutes', async () => {
    const { run } = await gateway()
    const { data: answer } = await run(RESERVE, { input: { context: 'contracts', ttlMinutes: 300 } })
    expect(answer?.reserveTokenSpace).toMatchObject({
      command: null,
      temporaryDataToken: null,
      userErrors: [{ field: ['input', 'ttlMinutes'], code: 'VALIDATION_FAILED' }],
    })
  })

  test('the space can be asked for by its command, from the moment it has settled', async () => {
    const { run, privicore } = await gateway({ sandbox: { retrievalLagMs: 200, dialect: { temporaryToken: 'text' } } })
    const held = privicore.hold('dataToken.reserve')
    const reserved = await run('mutation { reserveTokenSpace(input: { context: "c" }) { command { commandId } } }')
    const { commandId } = reserved.data?.reserveTokenSpace.command ?? {}
    const ASK = 'query ($commandId: ID!) { temporaryDataToken(commandId: $commandId) { token uploadUrl } }'
    expect(await run(ASK, { commandId })).toEqual({ data: { temporaryDataToken: null } })
    held.release()
    await run('query ($commandId: ID!) { command(commandId: $commandId) { outcome { status } } }', { commandId })
    expect(await run(ASK, { commandId })).toEqual({
      data: { temporaryDataToken: { token: expect.any(String), uploadUrl: null } },
    })
    expect(await run(ASK, { commandId: 'nothing' })).toEqual({ data: { temporaryDataToken: null } })
  })
})

test.each([
  ['reserveTokenSpace', 'meta', 'context: "c", meta: [1]'],
  ['configureDataTokenRisk', 'extra', 'token: "t", classification: "c", label: "l", handling: "h", extra: "x"'],
  ['updateDataToken', 'file', 'token: "t", data: "AAAA", file: 3'],
  ['updateDataToken', 'risk', 'token: "t", data: "AAAA", risk: []'],
  ['updateDataToken', 'dataMeta', 'token: "t", data: "AAAA", dataMeta: "x"'],
])('%s refuses a %s that is no object, without a call', async (mutation, field, input) => {
  const { run, privicore } = await gateway()
  const { data: answer } = await run(`mutation { ${mutation}(input: { ${input} }) { userErrors { field code } } }`)
  expect(answer?.[mutation].userErrors).toEqual([{ field: ['input', field], code: 'VALIDATION_FAILED' }])
  expect(privicore.count()).toBe(0)
})

test('risk and its free fields are sent, and shown once they are there', async () => {
  const { run } = await gateway({ sandbox: { retrievalLagMs: 150 } })
  const list = await run('{ dataTokens(first: 1) { nodes { token } } }')
  const { token } = list.data?.dataTokens.nodes[0] ?? {}
  const { data: answer } = await run(
    `mutation ($input: ConfigureDataTokenRiskInput!) { configureDataTokenRisk(input: $input) {
      dataToken { token risk { classification label handling } meta } userErrors { message }
    } }`,
    { input: { token, classification: 'C9', label: 'Nine', handling: 'burn', extra: { owner: { name: 'Ada' } } } },
  )
  expect(answer?.configureDataTokenRisk).toMatchObject({
    dataToken: { token, risk: { classification: 'C9', label: 'Nine', handling: 'burn' }, meta: expect.any(Object) },
    userErrors: [],
  })
})

describe.each([
  ['object', 'another'],
  ['text', 'another'],
  ['202', 'the same'],
  ['no-token', 'the same'],
] as const)('where configure-file-meta answers %s', (fileMeta, which) => {
  test(`the permanent token is ${which}`, async () => {
    const { run } = await gateway({ sandbox: { dialect: { fileMeta } } })
    const reserved = await run(RESERVE, { input: { context: 'contracts' } })
    const temporaryToken = reserved.data?.reserveTokenSpace.temporaryDataToken.token
    await run(
      'mutation ($input: ExchangeDataForTokenInput!) { exchangeDataForToken(input: $input) { command { outcome { status } } } }',
      { input: { temporaryToken, data } },
    )
    const { data: answer, errors } = await run(
      `mutation ($input: ConfigureDataTokenFileInput!) { configureDataTokenFile(input: $input) {
        token command { commandId } userErrors { message }
      } }`,
      { input: { token: temporaryToken, fileName: 'a', extension: 'b', context: 'c', size: 10 } },
    )
    expect(errors).toBeUndefined()
    const { token, command } = answer?.configureDataTokenFile ?? {}
    expect(command.commandId).toEqual(expect.any(String))
    expect(token === temporaryToken).toBe(which === 'the same')
    const found = await run('query ($token: ID!) { dataToken(token: $token) { file { fileName } } }', { token })
    expect(found.data?.dataToken).toEqual({ file: { fileName: 'a' } })
  })
})

test.each(['flat', 'nested'] as const)('items that are %s are read alike', async (dataTokenItem) => {
  const { run } = await gateway({ sandbox: { dialect: { dataTokenItem } } })
  const { data: answer } = await run(
    '{ dataTokens(first: 1) { nodes { context file { fileName extension size path } risk { label } dataType createdAt meta } } }',
  )
  expect(answer?.dataTokens.nodes[0]).toMatchObject({
    context: expect.any(String),
    file: { fileName: expect.any(String), extension: expect.any(String), size: expect.any(Number) },
    risk: { label: expect.any(String) },
    dataType: expect.any(String),
    createdAt: expect.any(String),
    meta: expect.any(Object),
  })
})

describe('storeData', () => {
  test.each(['object', 'text', '202', 'no-token'] as const)('ends with a permanent token (%s)', async (fileMeta) => {
    const { run, privicore } = await gateway({ sandbox: { retrievalLagMs: 100, dialect: { fileMeta } } })
    const { data: answer, errors } = await run(STORE, { input: payload })
    expect(errors).toBeUndefined()
    expect(answer?.storeData).toMatchObject({
      dataToken: {
        token: expect.any(String),
        context: 'contracts',
        file: { fileName: 'a.pdf', size: 10, path: '/' },
      },
      stoppedAt: null,
      userErrors: [],
    })
    for (const row of ['reserve', 'exchange', 'fileMeta']) expect(privicore.count(`dataToken.${row}`)).toBe(1)
  })

  test('refuses what is over 50 KB before any call', async () => {
    const { run, privicore } = await gateway()
    const tooMuch = Buffer.alloc(51_201).toString('base64')
    const { data: answer } = await run(STORE, { input: { ...payload, data: tooMuch } })
    expect(answer?.storeData).toMatchObject({
      dataToken: null,
      stoppedAt: 'RESERVE',
      command: null,
      userErrors: [{ field: ['input', 'data'], code: 'VALIDATION_FAILED' }],
    })
    expect(privicore.count()).toBe(0)
    const { data: just } = await run(STORE, { input: { ...payload, data: Buffer.alloc(51_200).toString('base64') } })
    expect(just?.storeData).toMatchObject({ stoppedAt: null, dataToken: { file: { size: 51_200 } } })
  })

  test.each([
    ['dataToken.reserve', 'RESERVE'],
    ['dataToken.exchange', 'EXCHANGE'],
  ] as const)('%s rejected stops at %s', async (row, stoppedAt) => {
    const { run, privicore } = await gateway()
    privicore.reject(row, 'data_token.no')
    const { data: answer, errors } = await run(STORE, { input: payload })
    expect(errors).toBeUndefined()
    expect(answer?.storeData).toMatchObject({
      dataToken: null,
      stoppedAt,
      command: { operation: row, status: 'REJECTED', reason: 'data_token.no' },
      userErrors: [],
    })
    expect(privicore.count(row)).toBe(1)
    expect(privicore.count('dataToken.fileMeta')).toBe(0)
  })

  test('an exchange that waits for a vote is told with its command and its space', async () => {
    const { run, privicore } = await gateway({ env: { REQUEST_TIMEOUT_MS: '1500' } })
    privicore.hold('dataToken.exchange')
    const { data: answer, errors } = await run(STORE, { input: payload })
    expect(errors).toBeUndefined()
    expect(answer?.storeData).toMatchObject({
      dataToken: null,
      temporaryDataToken: { token: expect.any(String) },
      stoppedAt: 'EXCHANGE',
      command: { operation: 'dataToken.exchange', status: 'PENDING' },
    })
  })

  test('a step that Privicore finds fault with is a userError, and what was done before it is told', async () => {
    const { run, privicore } = await gateway()
    privicore.fault('dataToken.fileMeta', {
      kind: 'status',
      status: 422,
      body: '{"violations":[{"propertyPath":"fileName","message":"too long"}]}',
    })
    const { data: answer } = await run(STORE, { input: payload })
    expect(answer?.storeData).toMatchObject({
      dataToken: null,
      temporaryDataToken: { token: expect.any(String) },
      stoppedAt: 'CONFIGURE',
      command: { operation: 'dataToken.exchange', status: 'SUCCEEDED' },
      userErrors: [{ field: ['input', 'fileName'], message: 'too long' }],
    })
  })

  test('a step whose answer never came is an error of dataToken, and is not sent again', async () => {
    const { run, privicore } = await gateway()
    privicore.fault('dataToken.exchange', { kind: 'reset-after' })
    const { data: answer, errors } = await run(STORE, { input: payload })
    expect(answer?.storeData).toMatchObject({
      dataToken: null,
      temporaryDataToken: { token: expect.any(String) },
      stoppedAt: 'EXCHANGE',
      command: { operation: 'dataToken.reserve', status: 'SUCCEEDED' },
    })
    expect(errors?.map(({ path, extensions }) => [path, extensions?.code])).toEqual([
      [['storeData', 'dataToken'], 'OUTCOME_UNKNOWN'],
    ])
    expect(privicore.count('dataToken.exchange')).toBe(1)
  })

  test('what fails before anything was accepted fails as a whole', async () => {
    const { run, privicore } = await gateway()
    privicore.fault('dataToken.reserve', { kind: 'status', status: 403 })
    const { data: answer, errors } = await run(STORE, { input: payload })
    expect(answer).toEqual({ storeData: null })
    expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN' })
  })

  test('the token reaches the client even where the list is out of order', async () => {
    const { run, privicore } = await gateway()
    privicore.fault('dataToken.list', { kind: 'status', status: 500 })
    const { data: answer, errors } = await run(STORE, { input: payload })
    expect(errors).toBeUndefined()
    expect(answer?.storeData.dataToken).toMatchObject({ token: expect.any(String), file: { fileName: 'a.pdf' } })
  })
})

test('data that cannot be received says what the operator must set; the request id is told all the same', async () => {
  const { run } = await gateway()
  const list = await run('{ dataTokens(first: 1) { nodes { token } } }')
  const { data: answer, errors } = await run(
    'mutation ($token: ID!) { requestData(input: { token: $token }) { requestId command { commandId } data { inline } } }',
    { token: list.data?.dataTokens.nodes[0].token },
  )
  expect(answer?.requestData).toMatchObject({ requestId: expect.any(String), data: null })
  expect(errors?.[0]).toMatchObject({
    message: expect.stringContaining('PRIVICORE_WS_URL'),
    path: ['requestData', 'data'],
    extensions: { code: 'UPSTREAM_UNAVAILABLE' },
  })
})

test('data that comes with the answer is answered', async () => {
  const { run, privicore } = await gateway()
  privicore.fault('dataToken.request', {
    kind: 'status',
    status: 200,
    headers: { 'x-dpt-cab-request-id': 'req-1' },
    body: JSON.stringify({ commandId: 'cmd-1', output_type: 0, data_context: 'contracts', body: data }),
  })
  const { data: answer, errors } = await run(
    'mutation { requestData(input: { token: "t" }) { requestId data { requestId context inline downloadUrl } } }',
  )
  expect(errors).toBeUndefined()
  expect(answer?.requestData).toEqual({
    requestId: 'req-1',
    data: { requestId: 'req-1', context: 'contracts', inline: data, downloadUrl: null },
  })
})

test('deleting tells the Node id to evict; a refusal tells none', async () => {
  const { run, privicore } = await gateway()
  const list = await run('{ dataTokens(first: 1) { nodes { id token } } }')
  const { id, token } = list.data?.dataTokens.nodes[0] ?? {}
  const DELETE = `mutation ($token: ID!) { deleteData(input: { token: $token }) {
    deletedDataTokenId command { outcome { status reason } }
  } }`
  privicore.reject('dataToken.delete', 'data_token.held')
  const refused = await run(DELETE, { token })
  expect(refused.data?.deleteData).toEqual({
    deletedDataTokenId: null,
    command: { outcome: { status: 'REJECTED', reason: 'data_token.held' } },
  })
  const deleted = await run(DELETE, { token })
  expect(deleted.data?.deleteData.deletedDataTokenId).toBe(id)
})
