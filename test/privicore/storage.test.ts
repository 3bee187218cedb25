import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/privicore/secret.ts'
import { storage } from '../../src/privicore/storage.ts'
import { clientOf, startUpstream } from '../support/upstream.ts'

const token = new Secret('a-token')
const deviceIdentifier = '0190aaaa-0000-7000-8000-000000000001'
const createdAt = '2026-02-21T15:33:44+00:00'

test.each([
  [storage.register, '/storage/register'],
  [storage.sync, '/storage/sync-device'],
  [storage.remove, '/storage/remove'],
])('$id is a form with the token in its header', async (endpoint, path) => {
  const upstream = await startUpstream({ status: 202, body: ['cmd-1'] })
  const sent = await clientOf(upstream).send(endpoint, { deviceIdentifier }, { token })
  expect(sent).toEqual({ commandId: 'cmd-1', beside: undefined })
  const { headers, ...rest } = upstream.last()
  expect(rest).toEqual({ method: 'POST', path, body: `deviceIdentifier=${deviceIdentifier}` })
  expect(headers['content-type']).toBe('application/x-www-form-urlencoded')
  expect(headers['x-dpt-authorization']).toBe('a-token')
  expect(headers.authorization).toBeUndefined()
})

describe('storage.list', () => {
  const read = async (body: unknown) => {
    const upstream = await startUpstream({ body })
    const found = await clientOf(upstream).read(storage.list, {}, { token })
    return { found, asked: upstream.last() }
  }

  test('is a GET with the token in its header', async () => {
    const { asked } = await read([])
    const { method, path, body, headers } = asked
    expect({ method, path, body }).toEqual({ method: 'GET', path: '/storage/list-storage-devices', body: '' })
    expect(headers['x-dpt-authorization']).toBe('a-token')
  })

  const row = { deviceIdentifier, createdAt }
  test.each([
    ['an array', [row]],
    ['items', { items: [row] }],
    ['one object', row],
    ['an object keyed by identifier', { [deviceIdentifier]: { createdAt } }],
    ['an object keyed by identifier, repeated in it', { [deviceIdentifier]: row }],
    ['a list with holes, as PHP spells it', { 2: row }],
    ['snake_case', [{ device_identifier: deviceIdentifier, created_at: createdAt }]],
    ['deviceId', [{ deviceId: deviceIdentifier, createdAt }]],
    ['deviceUniqueIdentifier', [{ deviceUniqueIdentifier: deviceIdentifier, createdAt }]],
    ['device_unique_identifier', [{ device_unique_identifier: deviceIdentifier, createdAt }]],
  ])('is understood as %s', async (_, body) => {
    expect((await read(body)).found).toEqual([
      { deviceIdentifier, createdAt, name: null, approval: 'unknown', score: null, meta: null, directory: null },
    ])
  })

  test.each([
    ['an empty array', []],
    ['an empty object', {}],
    ['no items', { items: [] }],
    ['nothing', ''],
  ])('is empty for %s', async (_, body) => {
    expect((await read(body)).found).toEqual([])
  })

  test('a record without an identifier is a protocol error', async () => {
    await expect(read([{ createdAt }])).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' })
  })
})
