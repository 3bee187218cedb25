// Looks at a command that is asked for: who asks at once shares one, unless something has happened since it began.
import { pino } from 'pino'
import { expect, onTestFinished, test, vi } from 'vitest'
import { LocalBus } from '../../src/cache/bus.ts'
import { Commands } from '../../src/commands/commands.ts'
import { LocalStore } from '../../src/commands/store.ts'
import type { CommandReport } from '../../src/privicore/utility.ts'

const PENDING: CommandReport = { state: 'pending', reason: null }
const SUCCEEDED: CommandReport = { state: 'succeeded', reason: null }

/** One instance, whose polls the test answers; left to itself it would not begin one for a minute. */
function start() {
  const log = pino({ level: 'silent' })
  const polls: PromiseWithResolvers<CommandReport>[] = []
  const commands = new Commands({
    store: new LocalStore(),
    shared: false,
    bus: new LocalBus(log),
    poller: {
      poll: () => {
        const poll = Promise.withResolvers<CommandReport>()
        polls.push(poll)
        return poll.promise
      },
    },
    pushed: () => true,
    pollMinMs: 5,
    pollMaxMs: 60_000,
    watchMaxMs: 900_000,
    pollsPerSecond: 100,
    watchUnattended: true,
    log,
  })
  onTestFinished(() => commands.close())
  const begun = (count: number) => vi.waitFor(() => expect(polls).toHaveLength(count))
  return { commands, polls, begun }
}

test('those who ask for a command at once share a look, and the first to leave leaves alone', async () => {
  const { commands, polls, begun } = start()
  const client = new AbortController()
  const [first, second] = [commands.find('c1', null, client.signal), commands.find('c1', null)]
  await begun(1)
  client.abort(new Error('left'))
  await expect(first).rejects.toThrow('left')
  polls[0]?.resolve(SUCCEEDED)
  expect(await second).toMatchObject({ status: 'SUCCEEDED' })
  expect(polls).toHaveLength(1)
})

test('after a cut of the push channel a command is polled anew: a look that began before it may be older', async () => {
  const { commands, polls, begun } = start()
  await commands.accepted('device.approve', 'c1', 'alice')
  const reader = commands.find('c1', 'alice')
  await begun(1)
  commands.pollNow('alice')
  await begun(2)
  // Who asks now is told what is true now.
  const settled = commands.settled('c1', 5_000)
  polls[1]?.resolve(SUCCEEDED)
  expect(await settled).toMatchObject({ status: 'SUCCEEDED' })
  polls[0]?.resolve(PENDING)
  await reader
})

test('after a cut a command that is only being taken on is polled soon, too', async () => {
  const { commands, begun } = start()
  await commands.accepted('device.approve', 'c1', 'alice')
  commands.pollNow('alice')
  await begun(1)
})

test('a look whose asker has left already is not begun', async () => {
  const { commands, polls } = start()
  await expect(commands.find('c1', null, AbortSignal.abort(new Error('left')))).rejects.toThrow('left')
  expect(polls).toHaveLength(0)
})

test('a look whose asker has left fails unheard, and is in nobody’s way', async () => {
  const { commands, polls, begun } = start()
  const unheard = vi.fn()
  process.on('unhandledRejection', unheard)
  onTestFinished(() => void process.off('unhandledRejection', unheard))
  const client = new AbortController()
  const first = commands.find('c1', null, client.signal)
  await begun(1)
  client.abort(new Error('left'))
  await expect(first).rejects.toThrow('left')
  polls[0]?.reject(new Error('the connection broke'))
  await new Promise((resolve) => setImmediate(resolve))
  expect(unheard).not.toHaveBeenCalled()
  const second = commands.find('c1', null)
  await begun(2)
  polls[1]?.resolve(SUCCEEDED)
  expect(await second).toMatchObject({ status: 'SUCCEEDED' })
})
