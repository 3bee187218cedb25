import { describe, expect, test } from 'vitest'
import { device } from '../../src/privicore/device.ts'
import type { Command } from '../../src/privicore/endpoint.ts'
import { Secret } from '../../src/privicore/secret.ts'
import { clientOf, json, startUpstream } from '../support/upstream.ts'

const token = new Secret('a-token')
const identifier = '0190aaaa-0000-7000-8000-000000000001'
const accepted = { status: 202, body: ['cmd-1'] }

describe('commands', () => {
  test.each([
    [
      'device.request',
      device.request,
      { deviceName: 'My phone' },
      '/device/request-unique-identifier',
      'deviceName=My+phone',
    ],
    [
      'device.approve',
      device.approve,
      { deviceIdentifier: identifier },
      '/device/approve-device',
      `deviceIdentifier=${identifier}`,
    ],
    [
      'device.reject',
      device.reject,
      { deviceIdentifier: identifier },
      '/device/reject-device',
      `deviceIdentifier=${identifier}`,
    ],
    [
      'device.remove',
      device.remove,
      { deviceIdentifier: identifier },
      '/device/remove',
      `deviceIdentifier=${identifier}`,
    ],
  ] as const)('%s is a form with the token in its header', async (_, endpoint, args, path, body) => {
    const upstream = await startUpstream(accepted)
    const sent = await clientOf(upstream).send(endpoint as Command<string, unknown, unknown>, args, { token })
    expect(sent).toEqual({ commandId: 'cmd-1', beside: undefined })
    const { method, headers, ...rest } = upstream.last()
    expect({ method, ...rest }).toEqual({ method: 'POST', path, body })
    expect(headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(headers['x-dpt-authorization']).toBe('a-token')
    expect(headers.authorization).toBeUndefined()
  })

  test('device.configure sends free fields beside the name, nested ones in brackets', async () => {
    const upstream = await startUpstream(accepted)
    await clientOf(upstream).send(
      device.configure,
      {
        deviceIdentifier: identifier,
        name: 'Desk',
        extra: { room: 'B 12', owner: { name: 'Ada' }, tags: ['a', 'b'], deviceIdentifier: 'other' },
      },
      { token },
    )
    expect(upstream.last().path).toBe('/device/configure-meta')
    expect([...new URLSearchParams(upstream.last().body)]).toEqual([
      ['room', 'B 12'],
      ['owner[name]', 'Ada'],
      ['tags[]', 'a'],
      ['tags[]', 'b'],
      ['deviceIdentifier', identifier],
      ['name', 'Desk'],
    ])
  })

  test('device.configure leaves out a name that was not given', async () => {
    const upstream = await startUpstream(accepted)
    await clientOf(upstream).send(device.configure, { deviceIdentifier: identifier }, { token })
    expect(upstream.last().body).toBe(`deviceIdentifier=${identifier}`)
  })
})

describe('device.identifier', () => {
  test('asks by the command id, as a form', async () => {
    const upstream = await startUpstream({ body: { deviceIdentifier: identifier } })
    await clientOf(upstream).read(device.identifier, { id: 'cmd-1' }, { token })
    const { method, path, body } = upstream.last()
    expect({ method, path, body }).toEqual({
      method: 'POST',
      path: '/device/retrieve-unique-identifier',
      body: 'id=cmd-1',
    })
  })

  test.each([
    ['an object', { deviceIdentifier: identifier }],
    [
      'an object with more',
      { deviceIdentifier: identifier, createdAt: '2026-02-21T15:33:44+00:00', profile: 'p', approved: 0 },
    ],
    ['deviceId', { deviceId: identifier }],
    ['deviceUniqueIdentifier', { deviceUniqueIdentifier: identifier }],
    ['device_unique_identifier', { device_unique_identifier: identifier }],
    ['a bare string', json(identifier)],
    ['bare text', identifier],
  ])('is understood as %s', async (_, body) => {
    const upstream = await startUpstream({ body })
    expect(await clientOf(upstream).read(device.identifier, { id: 'cmd-1' }, { token })).toBe(identifier)
  })
})

describe('device.list', () => {
  const row = { deviceIdentifier: identifier, name: 'Desk', createdAt: '2026-02-21T15:33:44+00:00', approved: 1 }
  const read = async (body: unknown) => {
    const upstream = await startUpstream({ body })
    return clientOf(upstream).read(device.list, {}, { token })
  }
  const desk = {
    deviceIdentifier: identifier,
    name: 'Desk',
    approval: 'approved',
    score: null,
    createdAt: '2026-02-21T15:33:44+00:00',
    meta: null,
    directory: null,
  }

  test('is a GET without a body', async () => {
    const upstream = await startUpstream({ body: [] })
    await clientOf(upstream).read(device.list, {}, { token })
    const { method, path, body, headers } = upstream.last()
    expect({ method, path, body }).toEqual({ method: 'GET', path: '/device/retrieve-profile-devices', body: '' })
    expect(headers['x-dpt-authorization']).toBe('a-token')
  })

  test.each([
    ['an array', [row]],
    ['items', { items: [row] }],
    ['items of a server with a name', { name: 'devices', items: [row] }],
    ['data', { data: [row] }],
    ['results, nested', { results: { items: [row] } }],
    ['one object with data of its own', { ...row, data: [{ room: 'B 12' }] }],
    ['a row and a row that is null', [row, null]],
    ['a list with holes, one of them null', { 0: null, 3: row }],
    ['one object', row],
    ['an object keyed by id', { [identifier]: row }],
    ['a list with holes, as PHP spells it', { 3: row }],
    ['snake_case', [{ device_identifier: identifier, name: 'Desk', created_at: row.createdAt, approved: '1' }]],
    [
      'deviceId and status',
      [{ deviceId: identifier, deviceName: 'Desk', createdAt: row.createdAt, status: 'approved' }],
    ],
  ])('is understood as %s', async (_, body) => {
    expect(await read(body)).toEqual([desk])
  })

  test.each([
    ['an empty array', []],
    ['null', 'null'],
    ['no body', ''],
    ['no items', { items: [] }],
    ['items that are null', { items: null }],
    ['items that are null, beside meta', { items: null, meta: { count: 0 } }],
    ['data that is null', { data: null }],
    ['rows that are null', [null]],
    ['an empty object', {}],
  ])('is empty for %s', async (_, body) => {
    expect(await read(body)).toEqual([])
  })

  test.each([
    [{ approved: 0 }, 'pending'],
    [{ approved: false }, 'pending'],
    [{ approved: true }, 'approved'],
    [{ status: 'PENDING' }, 'pending'],
    [{ status: 'something else' }, 'unknown'],
    [{}, 'unknown'],
  ])('approval %j is %s', async (fields, approval) => {
    expect(await read([{ deviceIdentifier: identifier, ...fields }])).toMatchObject([{ approval }])
  })

  test('passes directory fields, scores and free fields through', async () => {
    const [found] = await read([
      {
        deviceIdentifier: identifier,
        score: '12',
        meta: { room: 'B 12' },
        directoryId: 'd-1',
        directory_name: 'Sales',
        givenName: 'Ada',
        familyName: 'L',
      },
    ])
    expect(found).toMatchObject({
      score: 12,
      meta: { room: 'B 12' },
      directory: {
        directoryId: 'd-1',
        directoryName: 'Sales',
        directoryShortName: null,
        givenName: 'Ada',
        familyName: 'L',
      },
    })
  })

  test.each([
    ['2026-02-21T15:33:44+00:00', '2026-02-21T15:33:44+00:00'],
    ['2026-13-21T15:33:44+00:00', null],
    ['2026-02-21T25:33:44Z', null],
  ])('the date %s is %s', async (createdAt, date) => {
    expect((await read([{ ...row, createdAt }]))[0]?.createdAt).toBe(date)
  })

  test.each([
    [1.5, 2],
    ['1.4', 1],
    ['', null],
    ['high', null],
    [null, null],
  ])('a score of %j is %j', async (score, rounded) => {
    expect((await read([{ ...row, score }]))[0]?.score).toBe(rounded)
  })

  test('a record without an identifier is a protocol error that names the place and no value', async () => {
    await expect(read([{ name: 'private name' }])).rejects.toMatchObject({
      code: 'UPSTREAM_PROTOCOL',
      message: 'device.list: device.deviceIdentifier: expected text, found nothing',
    })
  })
})

describe('device.configuration', () => {
  test('the identifier is one segment of the path, whatever is in it', async () => {
    const upstream = await startUpstream({ body: { 'device-identifier': identifier } })
    await clientOf(upstream).read(device.configuration, { deviceIdentifier: 'a/b?c#d ü' }, { token })
    expect(upstream.last().path).toBe('/device/retrieve-device-configuration/a%2Fb%3Fc%23d%20%C3%BC')
  })

  test.each(['', '.', '..'])('%j is the identifier of nothing, and is not asked for', async (deviceIdentifier) => {
    const upstream = await startUpstream()
    await expect(clientOf(upstream).read(device.configuration, { deviceIdentifier }, { token })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
    expect(upstream.asked).toEqual([])
  })

  test('is understood in kebab-case, its secrets hidden', async () => {
    const upstream = await startUpstream({
      body: {
        'device-identifier': identifier,
        'client-id': 'c',
        'client-secret': 's3cret',
        'rabbit-user': 'u',
        'rabbit-pass': 'p4ss',
        'rabbit-host': 'mq.example',
        'rabbit-port': '5672',
      },
    })
    const found = await clientOf(upstream).read(device.configuration, { deviceIdentifier: identifier }, { token })
    expect(found).toMatchObject({ rabbitHost: 'mq.example', rabbitPort: 5672, file: null })
    expect(found.clientSecret?.reveal()).toBe('s3cret')
    expect(found.rabbitPass?.reveal()).toBe('p4ss')
    expect(JSON.stringify(found)).not.toMatch(/s3cret|p4ss/)
  })

  test.each([
    ['device.yml', 'device.yml'],
    [null, 'configuration'],
  ])('is understood as a file, by the name %j', async (name, called) => {
    const upstream = await startUpstream({ body: { name, file: 'YTogMQ==' } })
    const found = await clientOf(upstream).read(device.configuration, { deviceIdentifier: identifier }, { token })
    expect(found.file?.name).toBe(called)
    expect(found.file?.content.reveal()).toBe('YTogMQ==')
  })
})
