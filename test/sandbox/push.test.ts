// Knows the push channel: joining, what is pushed to whom, and the ways it can fail.
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import type { Dialect, Sandbox } from '../../sandbox/sandbox.ts'
import { base64, start } from './client.ts'

// Frames are whatever the dialect makes of them
type Frame = any

const soon = <T>(look: () => T | Promise<T>) => vi.waitFor(look, { timeout: 1000, interval: 2 })

async function connect(sandbox: Sandbox) {
  const socket = new WebSocket(sandbox.wsUrl)
  const frames: Frame[] = []
  socket.on('message', (frame) => frames.push(JSON.parse(String(frame))))
  socket.on('error', () => undefined)
  await once(socket, 'open')
  const say = async (action: string, correlationId: string, data: object): Promise<Frame> => {
    socket.send(JSON.stringify({ action, correlationId, data: { ...data, correlationId } }))
    return soon(() => frames.find((frame) => frame.correlationId === correlationId) ?? Promise.reject())
  }
  const acks = () => frames.filter(({ data }) => data.type === 'X-DPT-CAB-ID').map(({ data }) => data)
  return { socket, frames, acks, say, join: (token: string) => say('joinChannel', 'c1', { authorizationToken: token }) }
}

async function joined(dialect: Partial<Dialect> = {}) {
  const context = await start({ dialect })
  const channel = await connect(context.sandbox)
  const { data } = await channel.join(context.sandbox.tokens.alice)
  return { ...context, ...channel, channelId: data.channelId }
}

const ASK = ['/device/request-unique-identifier', { deviceName: 'Watch' }] as const

test('a joined channel is told the outcome of its commands', async () => {
  const { form, outcome, acks } = await joined()
  const good = await form(...ASK)
  expect(await outcome(good)).toBe('succeeded')
  const bad = await form('/device/remove', { deviceIdentifier: 'x' })
  await outcome(bad)
  await soon(() => expect(acks()).toHaveLength(2))
  expect(acks()).toEqual([
    { type: 'X-DPT-CAB-ID', id: good.id, command_status: 2, body: expect.any(String) },
    { type: 'X-DPT-CAB-ID', id: bad.id, command_status: 3, body: 'device.not_found' },
  ])
})

test('joining answers with the correlation id and a channel; once per connection, with a good token', async () => {
  const { sandbox } = await start()
  const { join, say } = await connect(sandbox)
  expect(await say('joinChannel', 'c0', { authorizationToken: 'wrong' })).toMatchObject({ status: 401 })
  expect(await join(sandbox.tokens.alice)).toMatchObject({
    correlationId: 'c1',
    status: 200,
    data: { channelId: expect.any(String), message: expect.any(String) },
  })
  expect(await say('joinChannel', 'c2', { authorizationToken: sandbox.tokens.alice })).toMatchObject({ status: 409 })
  expect(await say('dance', 'c3', {})).toMatchObject({ status: 400 })
})

test('nothing is pushed to another profile, after leaving, or with a revoked token; nothing is replayed', async () => {
  const { sandbox, form, outcome, acks, say, channelId, join, bob } = await joined()
  await bob.outcome(bob.form(...ASK))
  const token = { authorizationToken: sandbox.tokens.alice, channelId }
  expect(await say('leaveChannel', 'c2', token)).toMatchObject({ status: 200, data: { channelId } })
  await outcome(form(...ASK))
  expect(await join(sandbox.tokens.alice)).toMatchObject({ status: 200 })
  await pause(20)
  expect(acks()).toEqual([])
  const { id } = await form(...ASK)
  sandbox.revoke(sandbox.tokens.alice)
  await outcome({ id } as never)
  await pause(20)
  expect(acks()).toEqual([])
})

test('status 1 may repeat before the outcome', async () => {
  const { form, outcome, acks } = await joined({ pushProgress: 'repeated' })
  await outcome(form(...ASK))
  await soon(() => expect(acks().map((ack) => ack.command_status)).toEqual([1, 1, 2]))
})

test('the switches: lost, doubled and early acks, refused joins and handshakes, cut connections', async () => {
  const { sandbox, form, outcome, acks, socket } = await joined()
  sandbox.push.loseAcks = true
  await outcome(form(...ASK))
  await pause(20)
  expect(acks()).toEqual([])
  sandbox.push.loseAcks = false
  sandbox.push.duplicateAcks = true
  await outcome(form(...ASK))
  await soon(() => expect(acks()).toHaveLength(2))
  sandbox.push.duplicateAcks = false

  sandbox.push.ackBefore202 = true
  const wait = Promise.withResolvers<void>()
  sandbox.fault('device.request', { kind: 'wait', until: wait.promise }, 1)
  const answer = form(...ASK)
  await soon(() => expect(acks()).toHaveLength(3))
  wait.resolve()
  expect((await answer).id).toBe(acks()[2].id)

  expect(sandbox.push.sockets).toBe(1)
  sandbox.push.refuseJoins = true
  const second = await connect(sandbox)
  expect(await second.join(sandbox.tokens.alice)).toMatchObject({ status: 403 })
  const closed = once(socket, 'close')
  sandbox.push.dropAll()
  await closed
  await soon(() => expect(sandbox.push.sockets).toBe(0))
  sandbox.push.enabled = false
  await expect(connect(sandbox)).rejects.toThrow('503')
})

async function requested(dialect: Partial<Dialect>, data?: string) {
  const { sandbox, form, json, outcome, frames } = await joined(dialect)
  const [token = ''] = sandbox.state.profile('alice').dataTokens.keys()
  if (data !== undefined) await outcome(json('/data-token/update-data', { dataToken: token, data: base64(data) }))
  const asked = await form('/data-token/request-data', { token })
  await outcome(asked)
  const id = asked.headers.get('x-dpt-cab-request-id')
  const wanted = dialect.streamReady && dialect.streamReady !== 'none' ? 'STREAM-READY' : 'X-DPT-CAB-REQUEST-ID'
  const isThere = () => frames.find(({ data }) => data.type === wanted) ?? Promise.reject(new Error(`no ${wanted}`))
  await soon(isThere)
  const message = (type: string) => frames.find(({ data }) => data.type === type)?.data
  return { sandbox, id, asked, data: message('X-DPT-CAB-REQUEST-ID'), ready: message('STREAM-READY') }
}

test('requested data arrives inline, in base64', async () => {
  const { id, asked, data } = await requested({})
  expect(asked).toMatchObject({ status: 202, body: null })
  expect(data).toMatchObject({ id, data_context: 'contracts', output_type: 0 })
  expect(Buffer.from(data.body, 'base64')).toHaveLength(64)
})

test.each([
  ['Grüße', 'Grüße'],
  ['abcd', base64('abcd')],
])('inline text: %s is sent as %s, so that nobody takes text for base64', async (stored, body) => {
  expect((await requested({ inlineBody: 'text' }, stored)).data).toMatchObject({ output_type: 0, body })
})

test('requested data arrives as a link that works once', async () => {
  const { data, ready } = await requested({ outputType: '1' })
  expect(data.output_type).toBe(1)
  expect(Buffer.from(await (await fetch(data.body)).arrayBuffer())).toHaveLength(64)
  expect((await fetch(data.body)).status).toBe(404)
  expect(ready).toBeUndefined()
})

test.each([
  ['id', 'absent'],
  ['requestId', 'present'],
] as const)('a bare auth token, then STREAM-READY with %s, streamUrl %s', async (streamReady, streamReadyUrl) => {
  const dialect = { outputType: '1', downloadBody: 'token', streamReady, streamReadyUrl } as const
  const { sandbox, id, data, ready } = await requested({ ...dialect, requestDataBody: 'object' })
  const url = `${sandbox.downstreamUrl}/?auth=${data.body}`
  expect(ready[streamReady]).toBe(id)
  expect(ready.streamUrl).toBe(streamReadyUrl === 'present' ? url : undefined)
  expect((await fetch(url)).status).toBe(200)
})
