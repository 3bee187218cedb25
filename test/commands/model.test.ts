// Thousands of random schedules on fake time, on one to three instances: each waiter hears exactly one end, the true one, and
// nothing is left behind: no waiter, no timer, no lease.
import fc from 'fast-check'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Bus, LocalBus } from '../../src/cache/bus.ts'
import type { CommandRecord, Outcome } from '../../src/commands/command.ts'
import { Commands } from '../../src/commands/commands.ts'
import { type CommandStore, LocalStore } from '../../src/commands/store.ts'
import { PrivicoreError } from '../../src/privicore/errors.ts'
import type { CommandReport } from '../../src/privicore/utility.ts'
import { SharedMemory } from '../support/shared-store.ts'

const log = pino({ level: 'silent' })
const WATCH_MAX_MS = 25_000
const POLL = { pollMinMs: 250, pollMaxMs: 2_500 }
/** A takeover, the longest pause (jittered), a failed poll or two. */
const LEARNT_WITHIN_MS = 4_000 + 3 * POLL.pollMaxMs

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** What a poll meets. */
type Answer = 'truth' | 'garbage' | 'unavailable' | 'timeout' | 'limited'

const answer = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Answer>('truth') },
  { weight: 1, arbitrary: fc.constantFrom<Answer>('garbage', 'unavailable', 'timeout', 'limited') },
)

const waiter = fc.record({
  instance: fc.nat({ max: 2 }),
  kind: fc.constantFrom<'settled' | 'follow'>('settled', 'follow'),
  joinsAt: fc.nat({ max: 8_000 }),
  /** Settled: its timeout. */
  patience: fc.nat({ max: 15_000 }),
  /** It leaves after so long; null: it stays. */
  leavesAfter: fc.option(fc.nat({ max: 8_000 }), { freq: 3 }),
})

const schedule = fc.record({
  instances: fc.constantFrom(1, 1, 2, 3),
  unattended: fc.boolean(),
  acceptedAt: fc.nat({ max: 1_000 }),
  /** After it was accepted; before that too, when a push overtakes the 202. null: never. */
  settlesAfter: fc.option(fc.integer({ min: -300, max: 8_000 }), { freq: 6 }),
  outcome: fc.constantFrom<'SUCCEEDED' | 'REJECTED'>('SUCCEEDED', 'REJECTED'),
  /** The older server answers 404 for what it has rejected, and for what is fresh. */
  olderServer: fc.boolean(),
  acks: fc.array(
    fc.record({
      instance: fc.nat({ max: 2 }),
      delay: fc.nat({ max: 6_000 }),
      state: fc.constantFrom<'final' | 'pending'>('final', 'final', 'pending'),
    }),
    { maxLength: 3 },
  ),
  joined: fc.boolean(),
  cutAt: fc.option(fc.nat({ max: 10_000 }), { freq: 2 }),
  pollLatency: fc.array(fc.nat({ max: 400 }), { minLength: 1, maxLength: 5 }),
  /** Again and again; Privicore is never silent for ever. */
  answers: fc.array(answer, { maxLength: 3 }).map((some): Answer[] => [...some, 'truth']),
  /** Before and after the store does what it is asked to: what happens in between is what races are made of. */
  storeLatency: fc.array(fc.nat({ max: 30 }), { minLength: 1, maxLength: 5 }),
  lostMessages: fc.array(fc.boolean(), { minLength: 1, maxLength: 4 }),
  /** The sender ends without letting go of anything. */
  crashAt: fc.option(fc.nat({ max: 10_000 }), { freq: 2 }),
  waiters: fc.array(waiter, { maxLength: 6 }),
})
type Schedule = typeof schedule extends fc.Arbitrary<infer T> ? T : never

/** A bus of several instances that loses what it is told to lose between them. */
function buses(count: number, loses: () => boolean): Bus[] {
  const all = Array.from({ length: count }, () => new LocalBus(log))
  return all.map((own) => ({
    up: true,
    publish: async (channel, message) => {
      await own.publish(channel, message)
      for (const other of all) if (other !== own && !loses()) await other.publish(channel, message)
    },
    subscribe: (channel, onMessage) => own.subscribe(channel, onMessage),
    onReconnect: (listener) => own.onReconnect(listener),
    close: () => own.close(),
  }))
}

function slow(store: CommandStore, latency: () => number): CommandStore {
  const wait = () => new Promise((resolve) => setTimeout(resolve, latency()))
  const late =
    <Args extends unknown[], T>(work: (...args: Args) => Promise<T>) =>
    async (...args: Args): Promise<T> => {
      await wait()
      const value = await work(...args)
      await wait()
      return value
    }
  return {
    accept: late((command: CommandRecord) => store.accept(command)),
    find: late((commandId: string) => store.find(commandId)),
    settle: late((commandId: string, outcome: Outcome, fence?: number) => store.settle(commandId, outcome, fence)),
    claim: late((commandIds: readonly string[]) => store.claim(commandIds)),
    release: late((commandId: string, fence: number) => store.release(commandId, fence)),
  }
}

async function play(plan: Schedule): Promise<void> {
  const startedAt = performance.now()
  const clock = () => performance.now() - startedAt
  const settlesAt = plan.settlesAfter === null ? Number.POSITIVE_INFINITY : plan.acceptedAt + plan.settlesAfter
  const crashesAt = plan.instances > 1 && plan.crashAt !== null ? plan.crashAt : Number.POSITIVE_INFINITY
  let polls = 0
  let losses = 0
  let asked = 0
  const polling = new Map<number, number>()
  let isJoined = plan.joined

  const truth = (at: number): CommandReport => {
    if (at >= settlesAt) {
      if (plan.outcome === 'SUCCEEDED') return { state: 'succeeded', reason: null }
      return plan.olderServer ? { state: 'unknown', reason: null } : { state: 'rejected', reason: 'because' }
    }
    const isFresh = plan.olderServer && at - plan.acceptedAt < 1_500
    return { state: isFresh ? 'unknown' : 'pending', reason: null }
  }
  const poller = (instance: number) => ({
    poll: async (_: string, { signal }: { signal?: AbortSignal }): Promise<CommandReport> => {
      const number = polls++
      polling.set(instance, (polling.get(instance) ?? 0) + 1)
      // One poller at a time in the whole fleet, unless one of them stands still.
      if (crashesAt === Number.POSITIVE_INFINITY) {
        expect([...polling.values()].reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(1)
      }
      try {
        const ms = plan.pollLatency[number % plan.pollLatency.length] ?? 0
        const report = truth(clock())
        await new Promise<void>((resolve, reject) => {
          const timer = setTimeout(resolve, ms)
          signal?.addEventListener('abort', () => {
            clearTimeout(timer)
            reject(new PrivicoreError('CANCELLED', 'given up'))
          })
        })
        switch (plan.answers[number % plan.answers.length]) {
          case 'garbage':
            throw new PrivicoreError('UPSTREAM_PROTOCOL', 'nonsense')
          case 'unavailable':
            throw new PrivicoreError('UPSTREAM_UNAVAILABLE', '503')
          case 'timeout':
            throw new PrivicoreError('UPSTREAM_TIMEOUT', 'slow')
          case 'limited':
            throw new PrivicoreError('RATE_LIMITED', '429', { retryAfter: 1 })
          default:
            return report
        }
      } finally {
        polling.set(instance, (polling.get(instance) ?? 1) - 1)
      }
    },
  })

  const memory = new SharedMemory()
  const wires = buses(plan.instances, () => plan.lostMessages[losses++ % plan.lostMessages.length] === true)
  const crashed = new Set<number>()
  const fleet = wires.map((bus, index) => {
    const store = plan.instances === 1 ? new LocalStore() : memory.as(`instance-${index}`)
    return new Commands({
      store: slow(store, () => plan.storeLatency[asked++ % plan.storeLatency.length] ?? 0),
      shared: plan.instances > 1,
      bus,
      poller: poller(index),
      pushed: () => isJoined,
      ...POLL,
      watchMaxMs: WATCH_MAX_MS,
      pollsPerSecond: 100,
      watchUnattended: plan.unattended,
      log,
    })
  })
  const at = (ms: number, run: () => unknown) => setTimeout(run, ms)
  const [sender] = fleet as [Commands]
  let isAccepted = false

  at(plan.acceptedAt, async () => {
    await sender.accepted('device.approve', 'c1', 'owner')
    isAccepted = true
  })
  for (const { instance, delay, state } of plan.acks) {
    const when = Math.max(0, settlesAt + delay)
    if (!Number.isFinite(when) && state === 'final') continue
    const report: CommandReport =
      state === 'pending'
        ? { state: 'pending', reason: null }
        : { state: plan.outcome === 'SUCCEEDED' ? 'succeeded' : 'rejected', reason: null }
    const to = instance % plan.instances
    at(Number.isFinite(when) ? when : delay, () => crashed.has(to) || fleet[to]?.pushed('c1', report))
  }
  if (plan.cutAt !== null) {
    at(plan.cutAt, () => {
      isJoined = false
      for (const commands of fleet) commands.pollNow('owner')
    })
  }
  if (Number.isFinite(crashesAt)) {
    at(crashesAt, () => {
      crashed.add(0)
      // A crash lets go of nothing: its leases stay until they run out.
      const leases = new Map(memory.leases)
      sender.close()
      memory.leases.clear()
      for (const [id, lease] of leases) memory.leases.set(id, lease)
    })
  }

  interface Heard {
    readonly joinedAt: number
    readonly states: CommandRecord['status'][]
    ends: number
    endedAt: number
    left: boolean
    gaveUp: boolean
    readonly crashed: () => boolean
  }
  const heard: Heard[] = []
  for (const [index, plan_] of plan.waiters.entries()) {
    const instance = plan_.instance % plan.instances
    at(plan.acceptedAt + 1 + plan_.joinsAt, async () => {
      if (!isAccepted || crashed.has(instance)) return
      const commands = fleet[instance] as Commands
      const mine: Heard = {
        joinedAt: clock(),
        states: [],
        ends: 0,
        endedAt: Number.NaN,
        left: false,
        gaveUp: false,
        crashed: () => crashed.has(instance),
      }
      heard[index] = mine
      const end = () => {
        mine.ends++
        mine.endedAt = clock()
      }
      const abort = new AbortController()
      // A follower can leave once it has been let in.
      let leave: (() => void) | null | undefined
      let wantsOut = false
      const out = () => {
        wantsOut = true
        if (mine.ends > 0 || (plan_.kind === 'follow' && leave === undefined)) return
        mine.left = true
        abort.abort(new Error('left'))
        leave?.()
      }
      if (plan_.leavesAfter !== null) at(plan_.leavesAfter, out)
      if (plan_.kind === 'settled') {
        try {
          const command = await commands.settled('c1', plan_.patience, abort.signal)
          mine.states.push(command?.status ?? 'PENDING')
          if (command?.status === 'PENDING') mine.gaveUp = true
          end()
        } catch (error) {
          expect((error as Error).message).toBe('left')
        }
        return
      }
      leave = await commands.follow('c1', {
        now: (command) => {
          expect(mine.states).toEqual([])
          mine.states.push(command.status)
          if (command.status !== 'PENDING') end()
        },
        settled: (command) => {
          expect(mine.left).toBe(false)
          mine.states.push(command.status)
          end()
        },
        gaveUp: () => {
          expect(mine.left).toBe(false)
          mine.gaveUp = true
          end()
        },
      })
      expect(leave).not.toBeNull()
      if (wantsOut) out()
    })
  }

  await vi.advanceTimersByTimeAsync(10_000 + WATCH_MAX_MS + LEARNT_WITHIN_MS)

  for (const mine of heard.filter(Boolean)) {
    // Exactly one end, unless it has left itself.
    expect(mine.ends).toBe(mine.left ? 0 : 1)
    const finals = mine.states.filter((state) => state !== 'PENDING')
    expect(finals.length).toBeLessThanOrEqual(1)
    if (finals.length === 1) {
      expect(finals[0]).toBe(plan.outcome)
      expect(mine.endedAt).toBeGreaterThanOrEqual(Math.min(settlesAt, plan.acceptedAt))
    } else if (!mine.left && !mine.crashed() && mine.states[0] === undefined) {
      throw new Error('a waiter that was told nothing')
    }
    // Whoever waited long enough for a command that settled has learnt it.
    const followed = !mine.left && mine.gaveUp && mine.endedAt - mine.joinedAt >= WATCH_MAX_MS - 1
    if (followed && !mine.crashed()) expect(settlesAt).toBe(Number.POSITIVE_INFINITY)
  }
  for (const [index, commands] of fleet.entries()) if (!crashed.has(index)) expect(commands.watched).toBe(0)
  for (const commands of fleet) commands.close()
  // What the store was asked last; and lru-cache's clock, a millisecond long.
  await vi.advanceTimersByTimeAsync(100)
  expect(vi.getTimerCount()).toBe(0)
}

test('each waiter hears exactly one end, and nothing is left behind', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(schedule, async (plan) => {
      vi.clearAllTimers()
      await play(plan)
    }),
    { numRuns: Number(process.env.MODEL_RUNS ?? 2_000), interruptAfterTimeLimit: 40_000, endOnFailure: false },
  )
})
