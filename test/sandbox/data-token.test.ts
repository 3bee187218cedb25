// Knows the way of data: reserve, exchange or upload, name, list, ask for, delete.
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { base64, deviceNamed, start } from './client.ts'

type Context = Awaited<ReturnType<typeof start>>

async function reserve({ form, get, outcome }: Context, fields: Record<string, string> = {}) {
  const { id } = await form('/data-token/reserve-token-space', { context: 'letters', ...fields })
  await outcome({ id } as never)
  return { id, ...(await get(`/data-token/retrieve-temporary-data-token/${id}`)).body }
}

const exchange = ({ form }: Context, temporaryTokenSpace: string) =>
  form('/data-token/exchange-data-for-token', { temporaryTokenSpace, data: base64('ciphertext') })

const FILE = { fileName: 'a', extension: 'txt', context: 'letters', size: '10', path: '/' }

test('the temporary token is 404 until the reservation has settled', async () => {
  const context = await start()
  const held = context.sandbox.hold('dataToken.reserve')
  const { id } = await context.form('/data-token/reserve-token-space', { context: 'letters' })
  const path = `/data-token/retrieve-temporary-data-token/${id}`
  expect((await context.get(path)).status).toBe(404)
  context.sandbox.settle(id)
  held.release()
  expect((await context.get(path)).body).toEqual({ token: expect.any(String), stream: expect.any(String) })
})

test('a reservation expires with its ttl, in minutes', async () => {
  const context = await start()
  const { id, token } = await reserve(context, { ttl: '2' })
  const reserved = context.sandbox.state.profile('alice').dataTokens.get(token)
  expect(Math.round(((reserved?.expiresAt ?? 0) - Date.now()) / 1000)).toBe(120)
  if (reserved) reserved.expiresAt = Date.now() - 1
  expect((await context.get(`/data-token/retrieve-temporary-data-token/${id}`)).status).toBe(404)
  expect(await context.outcome(exchange(context, token))).toBe('data_token.expired')
  expect((await context.form('/data-token/configure-file-meta', { token, ...FILE })).status).toBe(404)
})

test('without a storage device an exchange never completes', async () => {
  const context = await start({ seed: 'empty' })
  const { token } = await reserve(context)
  const { id } = await exchange(context, token)
  await pause(50)
  expect((await context.get(`/request-status/${id}`)).status).toBe(202)
})

test('a space is filled once; its token is listed from then on, under the permanent name once it has one', async () => {
  const context = await start()
  const { token } = await reserve(context, { meta: '{"data":{"type":"letter"}}' })
  const listed = async (name: string) =>
    (await context.get(`/data-token/list-data-tokens?filters[token]=${name}`)).body.items
  expect(await listed(token)).toEqual([])
  expect(await context.outcome(exchange(context, token))).toBe('succeeded')
  expect(await context.outcome(exchange(context, token))).toBe('data_token.already_exchanged')
  expect(await listed(token)).toMatchObject([{ token, type: 'letter' }])
  const permanent = (await context.form('/data-token/configure-file-meta', { token, ...FILE })).body.token
  expect(permanent).not.toBe(token)
  expect(await listed(token)).toEqual([])
  expect(await listed(permanent)).toMatchObject([{ token: permanent, fileName: 'a', size: 10 }])
  const renamed = await context.form('/data-token/configure-file-meta', { token: permanent, ...FILE, fileName: 'b' })
  expect(renamed.body.token).toBe(permanent)
})

test.each(['202', 'no-token'] as const)('with fileMeta %s the temporary token becomes permanent', async (fileMeta) => {
  const context = await start({ dialect: { fileMeta } })
  const { token } = await reserve(context)
  await context.outcome(exchange(context, token))
  const named = await context.form('/data-token/configure-file-meta', { token, ...FILE })
  if (fileMeta === '202') await context.outcome(named)
  else expect(named).toMatchObject({ status: 200, text: '' })
  const { items } = (await context.get(`/data-token/list-data-tokens?filters[token]=${token}`)).body
  expect(items).toMatchObject([{ token, fileName: 'a' }])
})

test('pages follow each other without gap or overlap, and say how many there are', async () => {
  const { get } = await start()
  const page = async (number: number) => (await get(`/data-token/list-data-tokens?page=${number}&perPage=25`)).body
  const pages = [await page(1), await page(2), await page(3), await page(4)]
  expect(pages.map(({ items }) => items.length)).toEqual([25, 25, 14, 0])
  expect(pages[0].meta).toEqual({ count: 64, page: 1, perPage: 25 })
  expect(new Set(pages.flatMap(({ items }) => items.map((one: { token: string }) => one.token))).size).toBe(64)
  expect((await get('/data-token/list-data-tokens?page=0')).status).toBe(422)
})

test.each([
  ['meta.file.fileName', 'contract-001', 1],
  ['meta.file.extension', 'pdf', 26],
  ['meta.data.type', 'image', 25],
  ['context', 'health', 12],
  ['context', 'nowhere', 0],
])('filter %s=%s finds %i', async (filter, value, count) => {
  const { get } = await start()
  const { body } = await get(`/data-token/list-data-tokens?perPage=100&filters[${filter}]=${value}`)
  expect(body.meta.count).toBe(count)
  expect(body.items).toHaveLength(count)
})

test('an update replaces the bytes and adds to the meta', async () => {
  const { sandbox, json, outcome, get } = await start()
  const [token = ''] = sandbox.state.profile('alice').dataTokens.keys()
  const before = sandbox.state.profile('alice').dataTokens.get(token)?.stored?.sha256
  const meta = { information_security_risk: { label: 'Public' }, file: { fileName: 'new' }, data: { pages: 3 } }
  await outcome(json('/data-token/update-data', { dataToken: token, data: base64('new'), meta }))
  const { items } = (await get(`/data-token/list-data-tokens?filters[token]=${token}`)).body
  expect(items).toMatchObject([{ label: 'Public', classification: 'C2', fileName: 'new', pages: 3 }])
  expect(sandbox.state.profile('alice').dataTokens.get(token)?.stored?.sha256).not.toBe(before)
})

test('a deleted token is gone; one of another profile stays', async () => {
  const { sandbox, form, outcome, bob } = await start()
  const [token = ''] = sandbox.state.profile('alice').dataTokens.keys()
  expect(await bob.outcome(bob.form('/data-token/delete-data', { token }))).toBe('profile.not_an_owner')
  expect(await outcome(form('/data-token/delete-data', { token }))).toBe('succeeded')
  expect(await outcome(form('/data-token/request-data', { token }))).toBe('data_token.not_found')
})

test('the last storage device decides, not the first', async () => {
  const context = await start({ seed: 'demo' })
  for (const name of ['Home NAS', 'Office NAS', 'Backup server']) {
    const deviceIdentifier = deviceNamed(context.sandbox, name)
    await context.outcome(context.form('/storage/remove', { deviceIdentifier }))
  }
  const { token } = await reserve(context)
  expect(await context.outcome(exchange(context, token))).toBe('succeeded')
})
