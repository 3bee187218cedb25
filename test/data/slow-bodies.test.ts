// Transfers may take hours; no other request may keep a connection by sending its body slowly, or after it was answered.
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { gateway } from '../support/gateway.ts'
import { listen, rawConnection } from '../support/transfers.ts'

async function start(patienceMs: number) {
  const { gateway: started } = await gateway()
  const server = createServer()
  server.requestTimeout = patienceMs
  started.attach(server)
  return listen(server)
}

const within = (promise: Promise<void>, ms: number) => Promise.race([promise.then(() => true), sleep(ms, false)])
const JSON_TYPE = 'Content-Type: application/json'

test.each([
  ['POST', '/graphql', 'Content-Length: 100'],
  ['POST', '/graphql', 'Transfer-Encoding: chunked'],
  ['PUT', '/graphql', 'Content-Length: 100'],
  ['POST', '/elsewhere', 'Content-Length: 100'],
  ['GET', '/health/live', 'Content-Length: 100'],
  ['DELETE', '/metrics', 'Transfer-Encoding: chunked'],
])('%s %s with %s and a body that does not come is cut off', async (method, path, length) => {
  const { socket, closed } = await rawConnection(await start(200))
  socket.write(`${method} ${path} HTTP/1.1\r\nHost: a\r\n${JSON_TYPE}\r\n${length}\r\n\r\n`)
  expect(await within(closed, 3_000)).toBe(true)
})

test('who is answered before his body has come reads the answer, and is told that the connection ends', async () => {
  const { socket, received, closed } = await rawConnection(await start(20_000))
  socket.write(`POST /graphql HTTP/1.1\r\nHost: a\r\n${JSON_TYPE}\r\nContent-Length: 9000000\r\n\r\n`)
  socket.write(Buffer.alloc(2 * 1024 * 1024, ' '))
  const dripping = setInterval(() => socket.write(' '), 100)
  try {
    await expect.poll(received, { timeout: 3_000 }).toMatch(/^HTTP\/1.1 413 .*connection: close/is)
    expect(await within(closed, 5_000)).toBe(true)
    await expect.poll(() => socket.destroyed || socket.errored !== null, { timeout: 5_000 }).toBe(true)
  } finally {
    clearInterval(dripping)
  }
})

test('whose body has come keeps his connection', async () => {
  const { socket, received, closed } = await rawConnection(await start(200))
  const body = '{"query":"{ __typename }"}'
  const ask = `POST /graphql HTTP/1.1\r\nHost: a\r\n${JSON_TYPE}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  socket.write(ask)
  await expect.poll(() => received().match(/HTTP\/1.1 200/g)?.length).toBe(1)
  expect(await within(closed, 400)).toBe(false)
  socket.write(ask)
  await expect.poll(() => received().match(/HTTP\/1.1 200/g)?.length).toBe(2)
})
