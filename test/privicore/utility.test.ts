import { describe, expect, test } from 'vitest'
import { StatusPoller, utility } from '../../src/privicore/utility.ts'
import { clientOf, json, startUpstream, type Upstream } from '../support/upstream.ts'

test.each([
  ['{"status":"ok"}', 'ok'],
  ['"ok"', 'ok'],
  ['', null],
  ['{}', null],
])('health %j says %j', async (body, said) => {
  const upstream = await startUpstream({ body })
  expect(await clientOf(upstream).read(utility.health, {})).toBe(said)
  expect(upstream.last()).toMatchObject({ method: 'GET', path: '/health' })
  expect(upstream.last().headers['x-dpt-authorization']).toBeUndefined()
})

const poll = (upstream: Upstream) => new StatusPoller(clientOf(upstream)).poll('cmd-1')

describe('the outcome of a command', () => {
  test.each([
    [202, ''],
    [202, json('succeeded')],
    [202, '<html>'],
    [200, json('started')],
    [200, json(['started'])],
    [200, json('pending')],
    [200, json('submitted')],
    [200, json({ command_status: 1 })],
    [200, 'started'],
  ])('%i %s is pending', async (status, body) => {
    expect(await poll(await startUpstream({ status, body }))).toEqual({ state: 'pending', reason: null })
  })

  test.each([
    ['', 200],
    [json('succeeded'), 200],
    [json(['succeeded']), 200],
    [json({ command_status: 2 }), 200],
    [json({ command_status: '2', body: 'done' }), 200],
    [json('a word nobody has listed'), 200],
    ['', 204],
    ['{}', 200],
    ['[]', 200],
    ['null', 200],
    ['true', 200],
  ])('%s is success', async (body, status) => {
    expect(await poll(await startUpstream({ status, body }))).toEqual({ state: 'succeeded', reason: null })
  })

  test.each([
    [json('rejected'), null],
    [json(['rejected']), null],
    [json('failed'), null],
    [json({ command_status: 3, body: 'device.not_pending' }), 'device.not_pending'],
    [json({ command_status: 3 }), null],
    [json({ command_status: 3, body: ['why.not'] }), 'why.not'],
    [json({ command_status: 3, body: { message: 'why' } }), 'why'],
    [json({ command_status: 3, body: { errors: { name: ['Too short.', 'why.not'] } } }), 'why.not'],
    [json({ command_status: 3, body: [] }), null],
  ])('%s is rejection', async (body, reason) => {
    expect(await poll(await startUpstream({ body }))).toEqual({ state: 'rejected', reason })
  })

  test.each([
    ['markup', '<html>502</html>'],
    ['broken JSON', '{"command_sta'],
    ['an object that says something else', '{"meta":1}'],
    ['false', 'false'],
    ['a number', '[7]'],
    ['a status that is not listed', '{"command_status":7}'],
  ])('%s is no outcome', async (_, body) => {
    await expect(poll(await startUpstream({ body }))).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' })
  })

  test('5xx is no outcome', async () => {
    await expect(poll(await startUpstream({ status: 500 }))).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
  })

  test('404 is unknown', async () => {
    expect(await poll(await startUpstream({ status: 404 }))).toEqual({ state: 'unknown', reason: null })
  })
})

describe('the method of polling', () => {
  const methods = (upstream: Upstream) => upstream.asked.map(({ method }) => method)

  test('is GET, without a token', async () => {
    const upstream = await startUpstream({ body: json('succeeded') })
    await poll(upstream)
    expect(upstream.last()).toMatchObject({ method: 'GET', path: '/request-status/cmd-1', body: '' })
  })

  test.each([405, 404])('becomes POST with {} where GET answers %i, and stays so', async (status) => {
    const upstream = await startUpstream(({ method }) => (method === 'GET' ? { status } : { body: json('started') }))
    const poller = new StatusPoller(clientOf(upstream))
    expect(await poller.poll('cmd-1')).toMatchObject({ state: 'pending' })
    expect(upstream.last()).toMatchObject({ method: 'POST', path: '/request-status/cmd-1', body: '{}' })
    expect(upstream.last().headers['content-type']).toBe('application/json')
    await poller.poll('cmd-1')
    expect(methods(upstream)).toEqual(['GET', 'POST', 'POST'])
  })

  test('stays GET once GET has worked: a 404 is then the answer', async () => {
    const upstream = await startUpstream({ body: json('started') })
    const poller = new StatusPoller(clientOf(upstream))
    await poller.poll('cmd-1')
    upstream.answer = { status: 404 }
    expect(await poller.poll('cmd-2')).toMatchObject({ state: 'unknown' })
    expect(methods(upstream)).toEqual(['GET', 'GET'])
  })

  test('stays open while neither has worked', async () => {
    const upstream = await startUpstream(({ method }) => ({ status: method === 'GET' ? 404 : 405 }))
    const poller = new StatusPoller(clientOf(upstream))
    expect(await poller.poll('cmd-1')).toMatchObject({ state: 'unknown' })
    upstream.answer = { body: json('succeeded') }
    expect(await poller.poll('cmd-1')).toMatchObject({ state: 'succeeded' })
    expect(upstream.last().method).toBe('GET')
  })
})
