// Outcomes that are pushed: told at once, once, whatever is lost, doubled or out of order on the way.
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { toPushMessage } from '../../src/privicore/push-message.ts'
import { gateway, type TestGatewayOptions } from '../support/gateway.ts'

/** So slow that whatever comes soon was pushed. */
const SLOW_POLLS = { COMMAND_POLL_MIN_MS: '30000', COMMAND_POLL_MAX_MS: '30000' }
const SEND =
  'mutation { requestDeviceIdentifier(input: { deviceName: "x" }) { command { commandId outcome(timeoutMs: 8000) { status reason } } } }'

const pushed = (options: TestGatewayOptions = {}) => gateway({ push: true, env: SLOW_POLLS, ...options })
const outcomeOf = async (run: Awaited<ReturnType<typeof pushed>>['run']) => {
  const { data, errors } = await run(SEND)
  expect(errors).toBeUndefined()
  return data?.requestDeviceIdentifier.command.outcome
}

test('the channel is joined before the command is sent, and its outcome comes without a poll', async () => {
  const { run, privicore } = await pushed()
  const sentAt = performance.now()
  expect(await outcomeOf(run)).toEqual({ status: 'SUCCEEDED', reason: null })
  expect(performance.now() - sentAt).toBeLessThan(2_000)
  expect(privicore.count('utility.requestStatus')).toBe(0)
  expect(privicore.push.channels).toBe(1)
})

test('one socket for all commands of a token', async () => {
  const { run, privicore } = await pushed()
  await Promise.all(Array.from({ length: 10 }, () => outcomeOf(run)))
  expect(privicore.push.sockets).toBe(1)
  await run(SEND, {}, { token: privicore.tokens.bob })
  expect(privicore.push.sockets).toBe(2)
})

test('an outcome that comes before the 202 is kept for it', async () => {
  const { run, privicore } = await pushed()
  privicore.push.ackBefore202 = true
  expect(await outcomeOf(run)).toEqual({ status: 'SUCCEEDED', reason: null })
  expect(privicore.count('utility.requestStatus')).toBe(0)
})

test('a refusal is pushed with its reason, status 1 and repetitions are no outcomes', async () => {
  const { run, privicore } = await pushed({ sandbox: { dialect: { pushProgress: 'repeated' } } })
  privicore.push.duplicateAcks = true
  privicore.reject('device.request', 'device.limit_reached')
  expect(await outcomeOf(run)).toEqual({ status: 'REJECTED', reason: 'device.limit_reached' })
})

test('an outcome that is lost is polled for: push is an accelerator, polling the safety net', async () => {
  const { run, privicore } = await gateway({ push: true })
  privicore.push.loseAcks = true
  expect(await outcomeOf(run)).toEqual({ status: 'SUCCEEDED', reason: null })
  expect(privicore.count('utility.requestStatus')).toBeGreaterThan(0)
})

test('after a cut every open command is polled once, and the channel is joined again', async () => {
  const { run, privicore } = await pushed({ env: { COMMAND_POLL_MIN_MS: '50', COMMAND_POLL_MAX_MS: '30000' } })
  const hold = privicore.hold('device.request')
  const answer = outcomeOf(run)
  await vi.waitFor(() => expect(privicore.count('device.request')).toBe(1))
  privicore.push.loseAcks = true
  privicore.push.dropAll()
  hold.release()
  expect(await answer).toEqual({ status: 'SUCCEEDED', reason: null })
  await vi.waitFor(() => expect(privicore.push.channels).toBe(1), { timeout: 3_000 })
})

test.each([
  ['refuses the handshake', { enabled: false }],
  ['refuses the join', { refuseJoins: true }],
])('a server that %s: polling alone, nobody notices', async (_, refusal) => {
  const { run, privicore } = await gateway({ push: true })
  Object.assign(privicore.push, refusal)
  expect(await outcomeOf(run)).toEqual({ status: 'SUCCEEDED', reason: null })
  const sentAt = performance.now()
  expect(await outcomeOf(run)).toEqual({ status: 'SUCCEEDED', reason: null })
  expect(performance.now() - sentAt).toBeLessThan(700)
})

test('a channel that nothing listens at is closed with the gateway', async () => {
  const { run, privicore, gateway: started } = await pushed()
  await outcomeOf(run)
  await started.close()
  await vi.waitFor(() => expect(privicore.push.sockets).toBe(0))
})

test('with push, a command that takes long is hardly polled', async () => {
  const { run, privicore } = await gateway({
    push: true,
    env: { COMMAND_POLL_MIN_MS: '5', COMMAND_POLL_MAX_MS: '400' },
  })
  const hold = privicore.hold('device.request')
  const answer = outcomeOf(run)
  await sleep(700)
  expect(privicore.count('utility.requestStatus')).toBeLessThanOrEqual(2)
  hold.release()
  expect(await answer).toEqual({ status: 'SUCCEEDED', reason: null })
})

test.each([
  [
    { data: { type: 'X-DPT-CAB-ID', id: 'c', command_status: '3', body: 'no' } },
    { kind: 'command', commandId: 'c', report: { state: 'rejected', reason: 'no' } },
  ],
  [
    { data: { type: 'x-dpt-cab-id', commandId: 'c', commandStatus: 2 } },
    { kind: 'command', commandId: 'c', report: { state: 'succeeded', reason: null } },
  ],
  [{ data: { type: 'X-DPT-CAB-ID', id: 'c' } }, null],
  [{ data: { type: 'X-DPT-CAB-ID', command_status: 2 } }, null],
  [{ data: { type: 'SOMETHING-ELSE', id: 'c' } }, null],
  [{ correlationId: 'c1', status: 200, data: { channelId: 'x' } }, null],
  [
    { data: { type: 'X-DPT-CAB-REQUEST-ID', id: 'r', data_context: 'ctx', output_type: 0, body: 'aGk=' } },
    { kind: 'data', requestId: 'r', data: { context: 'ctx', inline: Buffer.from('hi'), stream: null } },
  ],
  [
    { data: { type: 'X-DPT-CAB-REQUEST-ID', id: 'r', output_type: '0', body: 'not base64!' } },
    { kind: 'data', requestId: 'r', data: { context: null, inline: Buffer.from('not base64!'), stream: null } },
  ],
  [{ data: { type: 'X-DPT-CAB-REQUEST-ID', id: 'r', output_type: 1, body: '' } }, null],
  [{ data: { type: 'STREAM-READY', requestId: 'r' } }, { kind: 'stream-ready', requestId: 'r', stream: null }],
])('a frame is read in every form: %j', (frame, message) => {
  expect(toPushMessage(frame)).toEqual(message)
})

test.each(['id', 'requestId'])('a link is a secret, by whatever name: STREAM-READY with %s', (name) => {
  const link = 'https://down.example/?auth=t'
  const ready = toPushMessage({ data: { type: 'STREAM-READY', [name]: 'r', streamUrl: link } })
  expect(ready?.kind === 'stream-ready' && ready.stream?.reveal()).toBe(link)
  expect(JSON.stringify(ready)).not.toContain('auth')
  const data = toPushMessage({ data: { type: 'X-DPT-CAB-REQUEST-ID', id: 'r', output_type: 1, body: 'bare-token' } })
  expect(data?.kind === 'data' && data.data.stream?.reveal()).toBe('bare-token')
})
