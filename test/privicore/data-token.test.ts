import { describe, expect, test } from 'vitest'
import { dataToken, inlineBytes } from '../../src/privicore/data-token.ts'
import { Secret } from '../../src/privicore/secret.ts'
import { clientOf, json, startUpstream } from '../support/upstream.ts'

const token = new Secret('a-token')
const accepted = { status: 202, body: ['cmd-1'] }

describe('commands', () => {
  test.each([
    [
      'dataToken.reserve',
      dataToken.reserve,
      { context: 'contracts', ttl: 5, meta: '{"a":1}' },
      '/data-token/reserve-token-space',
      [
        ['context', 'contracts'],
        ['ttl', '5'],
        ['meta', '{"a":1}'],
      ],
    ],
    [
      'dataToken.exchange',
      dataToken.exchange,
      { temporaryTokenSpace: 'tmp-1', data: 'a+/=' },
      '/data-token/exchange-data-for-token',
      [
        ['temporaryTokenSpace', 'tmp-1'],
        ['data', 'a+/='],
      ],
    ],
    ['dataToken.delete', dataToken.delete, { token: 'tok-1' }, '/data-token/delete-data', [['token', 'tok-1']]],
    [
      'dataToken.riskMeta',
      dataToken.riskMeta,
      {
        token: 'tok-1',
        classification: 'secret',
        label: 'Secret',
        handling: 'shred',
        extra: { owner: { name: 'Ada' }, token: 'other' },
      },
      '/data-token/configure-information-security-risk-meta',
      [
        ['owner[name]', 'Ada'],
        ['token', 'tok-1'],
        ['classification', 'secret'],
        ['label', 'Secret'],
        ['handling', 'shred'],
      ],
    ],
    [
      'dataToken.fileMeta',
      dataToken.fileMeta,
      { token: 'tmp-1', fileName: 'a b.pdf', extension: 'pdf', context: 'contracts', size: 3_000_000_000, path: '/' },
      '/data-token/configure-file-meta',
      [
        ['token', 'tmp-1'],
        ['fileName', 'a b.pdf'],
        ['extension', 'pdf'],
        ['context', 'contracts'],
        ['size', '3000000000'],
        ['path', '/'],
      ],
    ],
    ['dataToken.request', dataToken.request, { token: 'tok-1' }, '/data-token/request-data', [['token', 'tok-1']]],
  ] as const)('%s is a form with the token in its header', async (_, endpoint, args, expected, form) => {
    const upstream = await startUpstream(accepted)
    const sent = await clientOf(upstream).send(endpoint as typeof dataToken.delete, args as never, { token })
    expect(sent.commandId).toBe('cmd-1')
    const { method, path, headers, body } = upstream.last()
    expect({ method, path }).toEqual({ method: 'POST', path: expected })
    expect(headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(headers['x-dpt-authorization']).toBe('a-token')
    expect([...new URLSearchParams(body)]).toEqual(form)
  })

  test('dataToken.reserve leaves out what was not given', async () => {
    const upstream = await startUpstream(accepted)
    await clientOf(upstream).send(dataToken.reserve, { context: 'contracts' }, { token })
    expect(upstream.last().body).toBe('context=contracts')
  })

  test('dataToken.update is JSON', async () => {
    const upstream = await startUpstream(accepted)
    await clientOf(upstream).send(
      dataToken.update,
      { dataToken: 'tok-1', data: 'AAAA', meta: { file: { fileName: 'b.pdf' }, data: undefined } },
      { token },
    )
    const { method, path, headers, body } = upstream.last()
    expect({ method, path }).toEqual({ method: 'POST', path: '/data-token/update-data' })
    expect(headers['content-type']).toBe('application/json')
    expect(headers['x-dpt-authorization']).toBe('a-token')
    expect(JSON.parse(body)).toEqual({ dataToken: 'tok-1', data: 'AAAA', meta: { file: { fileName: 'b.pdf' } } })
  })
})

describe('dataToken.temporary', () => {
  test.each([
    ['a token and a stream', { token: 'tmp-1', stream: 'auth-1' }, 'auth-1'],
    ['a stream that is a URL', { token: 'tmp-1', stream: 'https://up.example/?auth=1' }, 'https://up.example/?auth=1'],
    ['a token alone', { token: 'tmp-1' }, null],
    ['a stream that is null', { token: 'tmp-1', stream: null }, null],
    ['a bare string', json('tmp-1'), null],
  ])('is read from %s', async (_, answer, stream) => {
    const upstream = await startUpstream({ body: answer })
    const temporary = await clientOf(upstream).read(dataToken.temporary, { commandId: 'cmd/1' }, { token })
    expect({ token: temporary.token, stream: temporary.stream?.reveal() ?? null }).toEqual({ token: 'tmp-1', stream })
    const { method, path, headers } = upstream.last()
    expect({ method, path }).toEqual({ method: 'GET', path: '/data-token/retrieve-temporary-data-token/cmd%2F1' })
    expect(headers['x-dpt-authorization']).toBe('a-token')
  })

  test('is NOT_FOUND until it has settled', async () => {
    const upstream = await startUpstream({ status: 404 })
    await expect(clientOf(upstream).read(dataToken.temporary, { commandId: 'cmd-1' }, { token })).rejects.toMatchObject(
      { code: 'NOT_FOUND' },
    )
  })
})

describe('dataToken.request', () => {
  const ids = { 'x-dpt-cab-id': 'cmd-1', 'x-dpt-cab-request-id': 'req-1' }
  test.each([
    ['headers and a null body', { headers: ids, body: json(null) }],
    ['headers and no body', { headers: ids }],
    ['a body', { body: { commandId: 'cmd-1', requestId: 'req-1' } }],
    ['both', { headers: ids, body: { commandId: 'cmd-1', requestId: 'req-1' } }],
    ['a body in snake_case', { headers: { 'x-dpt-cab-id': 'cmd-1' }, body: { request_id: 'req-1' } }],
    [
      'a body beside empty headers',
      { headers: { 'x-dpt-cab-id': '', 'x-dpt-cab-request-id': '' }, body: { commandId: 'cmd-1', requestId: 'req-1' } },
    ],
    ['a body in the words of the headers', { body: { 'X-DPT-CAB-ID': 'cmd-1', 'X-DPT-CAB-REQUEST-ID': 'req-1' } }],
  ])('finds both ids in %s', async (_, answer) => {
    const upstream = await startUpstream({ status: 202, ...answer })
    expect(await clientOf(upstream).send(dataToken.request, { token: 'tok-1' }, { token })).toEqual({
      commandId: 'cmd-1',
      beside: { requestId: 'req-1', inline: null },
    })
  })

  test('reads data that comes with the answer, but takes no link for data', async () => {
    const upstream = await startUpstream({
      headers: ids,
      body: { output_type: 0, data_context: 'contracts', body: 'AQID' },
    })
    const sent = await clientOf(upstream).send(dataToken.request, { token: 'tok-1' }, { token })
    expect(sent.beside).toEqual({
      requestId: 'req-1',
      inline: { context: 'contracts', bytes: Buffer.from([1, 2, 3]) },
    })
    upstream.answer = { headers: ids, body: { output_type: 1, body: 'https://down.example/?auth=1' } }
    const linked = await clientOf(upstream).send(dataToken.request, { token: 'tok-1' }, { token })
    expect(linked.beside).toEqual({ requestId: 'req-1', inline: null })
  })

  test('what is not valid padded base64 is text', () => {
    expect(inlineBytes('AQID')).toEqual(Buffer.from([1, 2, 3]))
    expect(inlineBytes('Grüße')).toEqual(Buffer.from('Grüße', 'utf8'))
    expect(inlineBytes('AQI')).toEqual(Buffer.from('AQI', 'utf8'))
  })
})

describe('dataToken.fileMeta', () => {
  const id = { 'x-dpt-cab-id': 'cmd-1' }
  test.each([
    ['200 with a token', { body: { token: 'tok-1' } }, null, 'tok-1'],
    ['200 with a bare string', { body: json('tok-1') }, null, 'tok-1'],
    ['200 with bare text', { body: 'tok-1' }, null, 'tok-1'],
    ['200 with nothing', {}, null, undefined],
    ['200 with a word', { body: json('OK') }, null, undefined],
    ['200 with a command', { body: { commandId: 'cmd-1' } }, 'cmd-1', undefined],
    ['200 with a command and a token', { headers: id, body: { token: 'tok-1' } }, 'cmd-1', 'tok-1'],
    ['200 with the id twice', { headers: id, body: json('cmd-1') }, 'cmd-1', undefined],
    ['202 with a list', { status: 202, body: ['cmd-1'] }, 'cmd-1', undefined],
    ['202 with a bare string', { status: 202, body: json('cmd-1') }, 'cmd-1', undefined],
    ['202 with a header', { status: 202, headers: id }, 'cmd-1', undefined],
  ])('is read from %s', async (_, answer, commandId, permanent) => {
    const upstream = await startUpstream(answer)
    const args = { token: 'tmp-1', fileName: 'a', extension: 'b', context: 'c', size: 1, path: '/' }
    expect(await clientOf(upstream).send(dataToken.fileMeta, args, { token })).toEqual({ commandId, beside: permanent })
  })
})

describe('dataToken.list', () => {
  test('sends page, perPage and filters by their wire names', async () => {
    const upstream = await startUpstream({ body: [] })
    const filters = { 'meta.file.fileName': 'a.pdf', 'meta.data.type': undefined, context: 'contracts' }
    await clientOf(upstream).read(dataToken.list, { page: 2, perPage: 25, filters }, { token })
    const { method, path, headers } = upstream.last()
    const url = new URL(path, upstream.url)
    expect({ method, path: url.pathname }).toEqual({ method: 'GET', path: '/data-token/list-data-tokens' })
    expect([...url.searchParams]).toEqual([
      ['page', '2'],
      ['perPage', '25'],
      ['filters[meta.file.fileName]', 'a.pdf'],
      ['filters[context]', 'contracts'],
    ])
    expect(headers['x-dpt-authorization']).toBe('a-token')
  })

  const createdAt = '2026-02-21T15:33:44+00:00'
  const expected = {
    token: 'tok-1',
    context: 'contracts',
    file: { fileName: 'a.pdf', extension: 'pdf', size: 3, path: '/' },
    risk: { classification: 'secret', label: 'Secret', handling: 'shred' },
    dataType: 'document',
    createdAt,
  }
  const meta = {
    file: { fileName: 'a.pdf', extension: 'pdf', size: '3', path: '/' },
    information_security_risk: { classification: 'secret', label: 'Secret', handling: 'shred' },
    data: { type: 'document', pages: 7 },
  }
  const flat = {
    fileName: 'a.pdf',
    extension: 'pdf',
    size: 3,
    path: '/',
    classification: 'secret',
    label: 'Secret',
    handling: 'shred',
    type: 'document',
    createdAt,
    context: 'contracts',
  }
  const nested = { token: 'tok-1', context: 'contracts', createdAt, meta }
  test.each([
    ['nested', nested, meta],
    [
      'flat, with paths for keys',
      {
        token: 'tok-1',
        context: 'contracts',
        createdAt,
        'meta.file.fileName': 'a.pdf',
        'meta.file.extension': 'pdf',
        'meta.file.size': '3',
        'meta.file.path': '/',
        'meta.information_security_risk.classification': 'secret',
        'meta.information_security_risk.label': 'Secret',
        'meta.information_security_risk.handling': 'shred',
        'meta.data.type': 'document',
        'meta.data.pages': 7,
        'file.__proto__.polluted': true,
        meta: [],
      },
      meta,
    ],
    ['flat', { token: 'tok-1', ...flat }, flat],
    [
      'flat and snake_case',
      { token: 'tok-1', ...flat, fileName: undefined, file_name: 'a.pdf', createdAt: undefined, created_at: createdAt },
      {
        ...Object.fromEntries(Object.entries(flat).filter(([key]) => key !== 'fileName' && key !== 'createdAt')),
        file_name: 'a.pdf',
        created_at: createdAt,
      },
    ],
  ])('reads an item that is %s', async (_, item, metaOfItem) => {
    const upstream = await startUpstream({ body: { items: [item], meta: { count: 41, page: 1, perPage: 1 } } })
    expect(await clientOf(upstream).read(dataToken.list, { page: 1, perPage: 1 }, { token })).toEqual({
      items: [{ ...expected, meta: metaOfItem }],
      count: 41,
      perPage: 1,
    })
  })

  test.each([
    ['a bare array', [nested], { count: null, perPage: null, length: 1 }],
    ['items alone', { items: [nested] }, { count: null, perPage: null, length: 1 }],
    ['snake_case', { items: [nested], meta: { count: '41', per_page: '5' } }, { count: 41, perPage: 5, length: 1 }],
    ['an empty page', { items: [], meta: { count: 0, page: 1, perPage: 25 } }, { count: 0, perPage: 25, length: 0 }],
    ['an empty array', [], { count: null, perPage: null, length: 0 }],
  ])('reads %s', async (_, answer, { length, ...page }) => {
    const upstream = await startUpstream({ body: answer })
    const read = await clientOf(upstream).read(dataToken.list, {}, { token })
    expect(read).toMatchObject(page)
    expect(read.items).toHaveLength(length)
  })

  test('an item of which only the token is known', async () => {
    const upstream = await startUpstream({ body: [{ token: 'tok-1' }] })
    const { items } = await clientOf(upstream).read(dataToken.list, {}, { token })
    expect(items).toEqual([
      { token: 'tok-1', context: null, file: null, risk: null, dataType: null, createdAt: null, meta: null },
    ])
  })
})

test('the streams are on hosts of their own, by a link that carries its credential', () => {
  expect(dataToken.upstream).toMatchObject({ kind: 'transfer', method: 'POST', path: '/', args: ['auth'] })
  expect(dataToken.download).toMatchObject({ kind: 'transfer', method: 'GET', path: '/', args: ['auth'] })
  for (const row of [dataToken.upstream, dataToken.download])
    expect(row).toMatchObject({ auth: 'query', encoding: 'bytes' })
})
