// Fresh is served; stale is served and asked for anew, once; older is asked for. The clock is ours.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { freshness, timesOf } from '../../src/cache/freshness.ts'
import { policyOf, type Remembered } from '../../src/cache/policy.ts'
import { instance, someCaller, upstream } from '../support/cache.ts'

const POLICY = policyOf('device.list') as Remembered

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

const later = (ms: number) => vi.setSystemTime(Date.now() + ms)

test('fresh: no call', async () => {
  const { ask, verdicts } = await instance()
  const caller = someCaller()
  const list = upstream((): number => list.count)
  await ask(caller, 'device.list', list)
  later(POLICY.freshMs * 0.8)
  expect(await ask(caller, 'device.list', list)).toBe(1)
  expect(list.count).toBe(1)
  expect(verdicts).toEqual(['MISS', 'HIT'])
})

test('stale: served at once, and refreshed once behind its back', async () => {
  const { ask, verdicts } = await instance()
  const caller = someCaller()
  const list = upstream((): number => list.count, 20)
  await ask(caller, 'device.list', list)
  later(POLICY.freshMs + 1)
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(caller, 'device.list', list)))
  expect(new Set(answers)).toEqual(new Set([1]))
  expect(list.count).toBe(2)
  expect(new Set(verdicts.slice(1))).toEqual(new Set(['STALE']))
  await expect.poll(() => ask(caller, 'device.list', list)).toBe(2)
  expect(list.count).toBe(2)
})

test('stale, to a caller whom Privicore has not let in for a minute: asked for first', async () => {
  const { ask } = await instance()
  const caller = someCaller()
  const list = upstream((): number => list.count)
  await ask(caller, 'device.list', list)
  later(61_000)
  expect(await ask(caller, 'device.list', list)).toBe(2)
})

test('beyond stale: asked for', async () => {
  const { ask } = await instance()
  const caller = someCaller()
  const list = upstream((): number => list.count)
  await ask(caller, 'device.list', list)
  later(POLICY.freshMs + POLICY.staleMs)
  expect(await ask(caller, 'device.list', list)).toBe(2)
})

test('what was asked for before a change that the operation knows of does not count', async () => {
  const { ask } = await instance()
  const caller = someCaller()
  const list = upstream((): number => list.count)
  await ask(caller, 'device.list', list)
  expect(await ask(caller, 'device.list', list, { since: Date.now() })).toBe(2)
})

test('times are jittered, and never longer than the policy', () => {
  const times = Array.from({ length: 500 }, () => timesOf(POLICY, 0, false))
  expect(Math.max(...times.map(({ freshUntil }) => freshUntil))).toBeLessThanOrEqual(POLICY.freshMs)
  expect(Math.min(...times.map(({ freshUntil }) => freshUntil))).toBeGreaterThanOrEqual(POLICY.freshMs * 0.85)
  expect(new Set(times.map(({ freshUntil }) => freshUntil)).size).toBeGreaterThan(400)
  for (const { freshUntil, staleUntil } of times) expect(staleUntil - freshUntil).toBeLessThanOrEqual(POLICY.staleMs)
})

test('an instance that cannot hear the others trusts itself for two seconds', () => {
  const times = timesOf(POLICY, 0, false)
  expect(freshness(times, 1_900, true)).toBe('fresh')
  expect(freshness(times, 2_100, true)).toBe('stale')
  expect(freshness(times, 10_100, true)).toBe('old')
  expect(freshness(times, 10_100, false)).toBe('fresh')
})
