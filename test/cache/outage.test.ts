// While Privicore is down, what is known is served; while it refuses a caller, nothing of his is.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { policyOf, type Remembered } from '../../src/cache/policy.ts'
import { PrivicoreError, type PrivicoreErrorCode } from '../../src/privicore/errors.ts'
import { instance, someCaller, upstream } from '../support/cache.ts'

const POLICY = policyOf('policy.templates') as Remembered

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

/** A value in its stale window, of a caller who has to be let in anew: a read waits for Privicore. */
async function stale(error: () => Error) {
  const here = await instance()
  const caller = someCaller()
  let down = false
  const list = upstream(() => {
    if (down) throw error()
    return 'known'
  })
  const ask = () => here.ask(caller, 'policy.templates', list)
  await ask()
  vi.setSystemTime(Date.now() + POLICY.freshMs + 5_000)
  down = true
  return { ...here, ask, list, recover: () => (down = false) }
}

test.each<[string, PrivicoreErrorCode, number | undefined]>([
  ['a timeout', 'UPSTREAM_TIMEOUT', undefined],
  ['a failed connection', 'UPSTREAM_UNAVAILABLE', undefined],
  ['a 503', 'UPSTREAM_UNAVAILABLE', 503],
])('%s: the stale value is served, marked and counted', async (_, code, status) => {
  const { ask, verdicts, count } = await stale(
    () => new PrivicoreError(code, 'down', status === undefined ? {} : { status }),
  )
  expect(await ask()).toBe('known')
  expect(verdicts.at(-1)).toBe('STALE')
  expect(await count('outage')).toBe(1)
})

test('beyond its window nothing is served', async () => {
  const { ask } = await stale(() => new PrivicoreError('UPSTREAM_UNAVAILABLE', 'down'))
  vi.setSystemTime(Date.now() + POLICY.staleMs)
  await expect(ask()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
})

test('errors are not remembered', async () => {
  const { ask, recover } = await stale(() => new PrivicoreError('UPSTREAM_PROTOCOL', 'nonsense'))
  await expect(ask()).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' })
  recover()
  expect(await ask()).toBe('known')
})

test.each<[number, PrivicoreErrorCode]>([
  [401, 'UNAUTHENTICATED'],
  [403, 'FORBIDDEN'],
])('a %i drops all of the caller, stale and fresh, and is not hidden', async (status, code) => {
  const here = await instance()
  const [caller, other] = [someCaller(), someCaller()]
  const private_ = upstream(() => 'private')
  for (const id of ['device.list', 'policy.list']) await here.ask(caller, id, private_)
  await here.ask(other, 'device.list', private_)
  const refusing = upstream((): string => {
    throw new PrivicoreError(code, 'refused', { status })
  })
  await expect(here.ask(caller, 'storage.list', refusing)).rejects.toMatchObject({ code })
  await expect(here.ask(caller, 'device.list', refusing)).rejects.toMatchObject({ code })
  await expect(here.ask(caller, 'policy.list', refusing)).rejects.toMatchObject({ code })
  expect(await here.ask(other, 'device.list', refusing)).toBe('private')
})

test('a refresh behind the back of a stale answer that is refused drops the caller as well', async () => {
  const here = await instance()
  const caller = someCaller()
  await here.ask(caller, 'device.list', async () => 'private')
  vi.setSystemTime(Date.now() + 16_000)
  const refusing = upstream((): string => {
    throw new PrivicoreError('UNAUTHENTICATED', 'refused', { status: 401 })
  })
  expect(await here.ask(caller, 'device.list', refusing)).toBe('private')
  await expect.poll(() => refusing.count).toBe(1)
  await expect(here.ask(caller, 'device.list', refusing)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
})

test('a failing refresh leaves Privicore alone for a moment', async () => {
  const here = await instance()
  const caller = someCaller()
  await here.ask(caller, 'device.list', async () => 'known')
  vi.setSystemTime(Date.now() + 16_000)
  const down = upstream((): string => {
    throw new PrivicoreError('UPSTREAM_UNAVAILABLE', 'down', { status: 503 })
  })
  for (let n = 0; n < 20; n++) {
    expect(await here.ask(caller, 'device.list', down)).toBe('known')
    await new Promise((done) => setImmediate(done))
  }
  expect(down.count).toBe(1)
  vi.setSystemTime(Date.now() + 1_001)
  await here.ask(caller, 'device.list', down)
  await expect.poll(() => down.count).toBe(2)
})

test('what is nobody’s own is given to those whom Privicore lets in, and nobody hears of another’s refusal', async () => {
  const { ask } = await instance()
  const [alice, bob, mallory] = [someCaller(), someCaller(), someCaller()]
  const key = upstream(() => 'the key of the engine')
  const refusing = upstream((): string => {
    throw new PrivicoreError('UNAUTHENTICATED', 'refused', { status: 401 })
  })
  expect(await ask(alice, 'publicKey.cab', key)).toBe('the key of the engine')
  await expect(ask(mallory, 'publicKey.cab', refusing)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
  await ask(bob, 'device.list', async () => 'let in')
  expect(await ask(bob, 'publicKey.cab', refusing)).toBe('the key of the engine')
  expect(await ask(alice, 'publicKey.cab', key)).toBe('the key of the engine')
  expect(key.count).toBe(1)
})
