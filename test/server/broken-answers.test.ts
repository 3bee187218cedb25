// What a bug of ours must not do on the ways past yoga: keep a client waiting for what will not come, or go unseen.
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createEventStreams } from '../../src/server/event-stream.ts'
import { createFastPath, type FastPathOptions } from '../../src/server/fast-path.ts'
import { createLogger } from '../../src/server/log.ts'

const longWay: RequestListener = () => expect.unreachable('this goes the short way')

async function listening(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise((ready) => server.once('listening', ready))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`
}

const ask = (url: string, query: string, accept: string, signal?: AbortSignal) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept },
    body: JSON.stringify({ query }),
    ...(signal && { signal }),
  })

function eventStreams(direct: Parameters<typeof createEventStreams>[0]['direct']) {
  const log: string[] = []
  const listener = createEventStreams({
    direct,
    bodyBytes: 1_000,
    corsHeaders: () => ({}),
    log: createLogger('error', { write: (line: string) => void log.push(line) }),
    longWay,
  })
  return { log, listener }
}

const SUBSCRIPTION = 'subscription { command(id: "c1") { status } }'

test('an event stream that cannot begin is cut, and the log says why', async () => {
  const { log, listener } = eventStreams(() => Promise.reject(new Error('it broke')))
  const answering = ask(await listening(listener), SUBSCRIPTION, 'text/event-stream')
  await expect(answering).rejects.toThrow('fetch failed')
  expect(log.join()).toContain('it broke')
})

test('an event stream whose events fail is cut, and the log says why', async () => {
  const { log, listener } = eventStreams(async () =>
    (async function* () {
      yield { data: { command: { status: 'PENDING' } } }
      throw new Error('it broke on the way')
    })(),
  )
  const response = await ask(await listening(listener), SUBSCRIPTION, 'text/event-stream')
  expect(response.status).toBe(200)
  await expect(response.text()).rejects.toThrow('terminated')
  expect(log.join()).toContain('it broke on the way')
})

test('the log says so when what a client leaves cannot be ended', async () => {
  const never = new Promise<never>(() => {})
  const { log, listener } = eventStreams(async () => ({
    [Symbol.asyncIterator]: () => ({ next: () => never, return: () => Promise.reject(new Error('it holds on')) }),
  }))
  const leaving = new AbortController()
  const response = await ask(await listening(listener), SUBSCRIPTION, 'text/event-stream', leaving.signal)
  expect(response.status).toBe(200)
  leaving.abort()
  await expect.poll(() => log.join()).toContain('it holds on')
})

test('a client is cut off when the answer that the fleet remembers cannot be given', async () => {
  const thrown: unknown[] = []
  const broken = () => {
    throw new Error('it broke')
  }
  const url = await listening(
    createFastPath({
      memos: {
        look: (_: string, __: string, told: (found: object) => void) => {
          setImmediate(() => {
            try {
              told({ body: Buffer.from('{}'), name: undefined })
            } catch (error) {
              thrown.push(error)
            }
          })
          return true
        },
      },
      answers: null,
      callers: () => ({ digest: 'd' }),
      operations: { answerAgain: broken },
      queries: { find: broken },
      bodyBytes: 1_000,
      corsHeaders: () => ({}),
      longWay,
    } as unknown as FastPathOptions),
  )
  await expect(ask(url, '{ devices { name } }', 'application/json')).rejects.toThrow('fetch failed')
  expect(thrown, 'who looked hears of it, and logs it').toMatchObject([{ message: 'it broke' }])
})
