import { randomBytes } from 'node:crypto'
import { expect, onTestFinished, test } from 'vitest'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { gateway } from '../support/gateway.ts'
import { sha256, transfers } from '../support/transfers.ts'

test('a payload goes from ciphertext to permanent token, is described, found, replaced and deleted', async () => {
  const { run, privicore } = await gateway()
  const data = randomBytes(4_096).toString('base64')

  const stored = await run(
    `mutation ($input: StoreDataInput!) {
      storeData(input: $input) {
        dataToken { id token context file { fileName extension size path } }
        stoppedAt
        userErrors { field message }
      }
    }`,
    { input: { data, context: 'contracts', fileName: 'lease.pdf', extension: 'pdf', path: '/2026' } },
  )
  expect(stored.errors).toBeUndefined()
  const { id, token } = stored.data?.storeData.dataToken ?? {}
  expect(stored.data?.storeData).toEqual({
    dataToken: {
      id,
      token,
      context: 'contracts',
      file: { fileName: 'lease.pdf', extension: 'pdf', size: 4_096, path: '/2026' },
    },
    stoppedAt: null,
    userErrors: [],
  })
  expect(['reserve', 'exchange', 'fileMeta'].map((row) => privicore.count(`dataToken.${row}`))).toEqual([1, 1, 1])

  const rated = await run(
    `mutation ($input: ConfigureDataTokenRiskInput!) {
      configureDataTokenRisk(input: $input) { dataToken { risk { classification label handling } } }
    }`,
    { input: { token, classification: 'C3', label: 'Confidential', handling: 'encrypted' } },
  )
  expect(rated.data?.configureDataTokenRisk.dataToken.risk).toEqual({
    classification: 'C3',
    label: 'Confidential',
    handling: 'encrypted',
  })

  const updated = await run(
    `mutation ($input: UpdateDataTokenInput!) {
      updateDataToken(input: $input) { dataToken { id file { fileName } dataType } userErrors { field } }
    }`,
    {
      input: {
        token,
        data: randomBytes(64).toString('base64'),
        file: { fileName: 'lease-2.pdf' },
        dataMeta: { type: 'document' },
      },
    },
  )
  expect(updated.data?.updateDataToken).toEqual({
    dataToken: { id, file: { fileName: 'lease-2.pdf' }, dataType: 'document' },
    userErrors: [],
  })

  const asked = await run(
    `mutation ($token: ID!) { requestData(input: { token: $token }) { requestId command { outcome { status } } } }`,
    { token },
  )
  expect(asked.data?.requestData).toEqual({
    requestId: expect.any(String),
    command: { outcome: { status: 'SUCCEEDED' } },
  })

  const deleted = await run('mutation ($token: ID!) { deleteData(input: { token: $token }) { deletedDataTokenId } }', {
    token,
  })
  expect(deleted.data?.deleteData.deletedDataTokenId).toBe(id)
  const gone = await run('query ($id: ID!, $token: ID!) { node(id: $id) { id } dataToken(token: $token) { id } }', {
    id,
    token,
  })
  expect(gone).toEqual({ data: { node: null, dataToken: null } })
})

test.each([
  { stream: 'url', downloadBody: 'url', streamReady: 'none' },
  { stream: 'token', downloadBody: 'token', streamReady: 'none' },
  { stream: 'url', downloadBody: 'token', streamReady: 'id', streamReadyUrl: 'present' },
  { stream: 'token', downloadBody: 'token', streamReady: 'requestId', streamReadyUrl: 'absent' },
] as const)('a large payload streams to Privicore and back: %o', async (dialect) => {
  const privicore = await startSandbox({ commandLatencyMs: 10, dialect: { ...dialect, outputType: '1' } })
  onTestFinished(() => privicore.close())
  const { run, url, auth } = await transfers({ privicore })
  const onGateway = (link: string) => {
    expect(link).toMatch(/\/data\/[\w-]{43}$/)
    return new URL(new URL(link).pathname, url)
  }
  const payload = randomBytes(5 * 1024 * 1024)

  const reserved = await run(
    'mutation { reserveTokenSpace(input: { context: "films" }) { temporaryDataToken { token uploadUrl } } }',
  )
  const { token: temporary, uploadUrl } = reserved.data?.reserveTokenSpace.temporaryDataToken
  const uploaded = await fetch(onGateway(uploadUrl), { method: 'PUT', headers: auth, body: payload })
  expect(await uploaded.json()).toEqual({ bytes: payload.length, sha256: sha256(payload) })

  const described = await run(
    `mutation ($input: ConfigureDataTokenFileInput!) {
      configureDataTokenFile(input: $input) { token userErrors { message } }
    }`,
    { input: { token: temporary, fileName: 'a.mp4', extension: 'mp4', context: 'films', size: payload.length } },
  )
  const { token } = described.data?.configureDataTokenFile
  const asked = await run(
    `mutation ($token: ID!) {
      requestData(input: { token: $token }) { data { context inline downloadUrl } userErrors { message } }
    }`,
    { token },
  )
  expect(asked.errors).toBeUndefined()
  const { inline, context, downloadUrl } = asked.data?.requestData.data
  expect([inline, context]).toEqual([null, 'films'])
  const downloaded = await fetch(onGateway(downloadUrl), { headers: auth })
  expect(sha256(Buffer.from(await downloaded.arrayBuffer()))).toBe(sha256(payload))
})
