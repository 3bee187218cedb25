// What one client can do to a socket: use ids again, ask nonsense for hours, ping without reading. None of it adds up.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { Events } from '../../src/server/subscribing.ts'
import { gateway } from '../support/gateway.ts'
import { listen } from '../support/subscribing.ts'

const COMMAND = 'subscription ($id: ID!) { command(commandId: $id) { id status } }'
const SEND = 'mutation { requestDeviceIdentifier(input: { deviceName: "x" }) { command { commandId } } }'

interface Message {
  readonly type: string
  readonly id?: string
  readonly payload?: any
}

/** The protocol by hand: no client would do what is tested here. */
async function start() {
  const { gateway: started, privicore, run, fetch, log } = await gateway()
  const url = await listen(started)
  const hold = privicore.hold('device.request')
  onTestFinished(() => void hold.release())
  const { data } = await run(SEND)
  const socket = new WebSocket(url.replace('http', 'ws'), 'graphql-transport-ws')
  onTestFinished(() => socket.terminate())
  const got: Message[] = []
  socket.on('message', (text) => void got.push(JSON.parse(String(text))))
  await once(socket, 'open')
  const send = (message: Message) => socket.send(JSON.stringify(message))
  send({ type: 'connection_init', payload: { authorization: `Bearer ${privicore.tokens.alice}` } })
  await expect.poll(() => got.length).toBe(1)
  const payload = { query: COMMAND, variables: { id: data?.requestDeviceIdentifier.command.commandId } }
  const open = async () =>
    Number(/^privicore_graphql_subscriptions(?:\{.*\})? (\d+)$/m.exec(await (await fetch('/metrics')).text())?.[1])
  return { socket, got, send, payload, open, log, release: () => hold.release() }
}

test.each([0, 3])('an id that is used again and again, every %i ms, leaves nothing behind', async (pauseMs) => {
  const { socket, got, send, payload, open } = await start()
  for (let time = 0; time < 200; time++) {
    send({ type: 'subscribe', id: 'a', payload })
    if (pauseMs > 0) await sleep(pauseMs)
    if (time < 199) send({ type: 'complete', id: 'a' })
  }
  await expect.poll(open).toBeLessThanOrEqual(1)
  send({ type: 'subscribe', id: 'b', payload })
  await expect.poll(() => got.some(({ type, id }) => type === 'next' && id === 'b')).toBe(true)
  expect(await open()).toBeGreaterThanOrEqual(1)
  socket.close()
  await expect.poll(open).toBe(0)
})

test('a subscription that fails as it ends ends nothing else, and is logged', async () => {
  const { socket, got, send, payload, open, log } = await start()
  const bug = vi.spyOn(Events.prototype, 'return').mockRejectedValueOnce(new Error('a bug'))
  onTestFinished(() => bug.mockRestore())
  for (const id of ['a', 'b']) send({ type: 'subscribe', id, payload })
  await expect.poll(() => got.filter(({ type }) => type === 'next').length).toBe(2)
  socket.close()
  await expect.poll(open).toBe(0)
  expect(log.filter((line) => line.includes('a bug'))).toHaveLength(1)
})

test('refused operations do not count as running ones', async () => {
  const { got, send, payload } = await start()
  for (let time = 0; time < 1_100; time++) {
    send({ type: 'subscribe', id: `typo ${time}`, payload: { query: '{ nope }' } })
    if (time % 100 === 99) await expect.poll(() => got.filter(({ type }) => type === 'error').length).toBe(time + 1)
  }
  const codes = new Set(got.filter(({ type }) => type === 'error').map(({ payload: [error] }) => error.extensions.code))
  expect(codes).not.toContain('LIMIT_EXCEEDED')
  send({ type: 'subscribe', id: 'right', payload })
  await expect.poll(() => got.some(({ type, id }) => type === 'next' && id === 'right')).toBe(true)
})

test('no more than a thousand operations run at once, under whatever ids', async () => {
  const { got, send, payload, open } = await start()
  for (let time = 0; time < 1_005; time++) send({ type: 'subscribe', id: `${time}`, payload })
  const refused = () =>
    got.filter(({ type, payload: said }) => type === 'error' && said[0].extensions.code === 'LIMIT_EXCEEDED')
  await expect.poll(() => refused().length, { timeout: 10_000 }).toBe(5)
  await expect.poll(open, { timeout: 10_000 }).toBe(1_000)
  send({ type: 'complete', id: '7' })
  await expect.poll(open).toBe(999)
})

test('a pong carries nothing', async () => {
  const { got, send } = await start()
  send({ type: 'ping', payload: { large: 'x'.repeat(1_000) } })
  await expect.poll(() => got.at(-1)).toEqual({ type: 'pong' })
})

test('who asks and does not read is sent away', async () => {
  const { socket, send, got } = await start()
  // An alias comes back in the answer.
  const payload = { query: `{ ${'y'.repeat(100_000)}: __typename }` }
  send({ type: 'subscribe', id: 'first', payload })
  await expect.poll(() => got.some(({ type, id }) => type === 'next' && id === 'first')).toBe(true)
  const closed = new Promise<number>((resolve) => void socket.on('close', resolve).on('error', () => {}))
  socket.pause()
  for (let time = 0; time < 300; time++) {
    send({ type: 'subscribe', id: `${time}`, payload })
    await sleep(2)
  }
  await sleep(1_200)
  socket.resume()
  // Where it had not even room to be told so, the connection is just cut.
  expect([1006, 1013]).toContain(await closed)
  expect(got.length).toBeLessThan(300)
})

test('a pong that answers nothing is no sign of life', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  onTestFinished(() => void vi.useRealTimers())
  const { gateway: started } = await gateway()
  const url = (await listen(started)).replace('http', 'ws')
  const connect = async (autoPong: boolean) => {
    const socket = new WebSocket(url, 'graphql-transport-ws', { autoPong })
    onTestFinished(() => socket.terminate())
    await once(socket, 'open')
    socket.send('{"type":"connection_init"}')
    await once(socket, 'message')
    return socket
  }
  const [honest, pretending] = [await connect(true), await connect(false)]
  pretending.on('ping', () => pretending.pong('here'))
  for (let time = 0; time < 3; time++) {
    vi.advanceTimersByTime(12_000)
    await sleep(100)
  }
  expect(pretending.readyState).toBe(WebSocket.CLOSED)
  expect(honest.readyState).toBe(WebSocket.OPEN)
})
