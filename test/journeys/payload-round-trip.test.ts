import { randomBytes } from 'node:crypto'
import { expect, test } from 'vitest'
import { gateway } from '../support/gateway.ts'

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
