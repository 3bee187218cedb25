// The parts that waiting is made of: the queue of polls, a subscriber's feed, and the sessions that end.
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LocalBus } from '../../src/cache/bus.ts'
import { Feed } from '../../src/commands/feed.ts'
import { Feeds } from '../../src/commands/feeds.ts'
import { PollQueue } from '../../src/commands/poll-queue.ts'
import { Sessions } from '../../src/commands/sessions.ts'
import { PrivicoreError } from '../../src/privicore/errors.ts'
import { Secret } from '../../src/privicore/secret.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'Date', 'performance'] })
})
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

describe('the queue of polls', () => {
  test('runs each when it is due, with one timer for all', async () => {
    const queue = new PollQueue({ concurrency: 10, perSecond: 1_000 })
    const ran: string[] = []
    const run = (id: string) => async () => void ran.push(`${id} ${performance.now() - startedAt}`)
    const startedAt = performance.now()
    queue.add('c', 'lane', 300, run('c'))
    queue.add('a', 'lane', 100, run('a'))
    queue.add('b', 'lane', 200, run('b'))
    queue.add('gone', 'lane', 150, run('gone'))
    queue.remove('gone')
    expect(vi.getTimerCount()).toBe(1)
    await vi.advanceTimersByTimeAsync(1_000)
    expect(ran).toEqual(['a 100', 'b 200', 'c 300'])
    expect(queue.size).toBe(0)
  })

  test('never runs more at once, nor begins more per second, than it may', async () => {
    const queue = new PollQueue({ concurrency: 7, perSecond: 100 })
    let running = 0
    let most = 0
    const begun: number[] = []
    for (let index = 0; index < 500; index++) {
      queue.add(`${index}`, `${index % 10}`, 0, async () => {
        begun.push(performance.now())
        most = Math.max(most, ++running)
        await new Promise((resolve) => setTimeout(resolve, 50))
        running--
      })
    }
    await vi.advanceTimersByTimeAsync(6_000)
    expect(begun).toHaveLength(500)
    expect(most).toBe(7)
    for (const from of begun) {
      expect(begun.filter((time) => time >= from && time < from + 1_000).length).toBeLessThanOrEqual(111)
    }
  })

  test('lanes take turns: one caller’s thousand polls do not stand before another’s one', async () => {
    const queue = new PollQueue({ concurrency: 1, perSecond: 1_000 })
    const order: string[] = []
    const slow = (id: string) => async () => {
      order.push(id)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    for (let index = 0; index < 1_000; index++) queue.add(`greedy ${index}`, 'greedy', 0, slow('greedy'))
    queue.add('modest', 'modest', 5, slow('modest'))
    await vi.advanceTimersByTimeAsync(100)
    expect(order.indexOf('modest')).toBeGreaterThanOrEqual(0)
    expect(order.indexOf('modest')).toBeLessThan(4)
    queue.close()
    await vi.advanceTimersByTimeAsync(20)
  })

  test('pauses when it is told to, and goes on by itself', async () => {
    const queue = new PollQueue({ concurrency: 1, perSecond: 1_000 })
    const startedAt = performance.now()
    let ranAt = 0
    queue.pause(2_000)
    queue.add('a', 'lane', 0, async () => {
      ranAt = performance.now() - startedAt
    })
    await vi.advanceTimersByTimeAsync(5_000)
    expect(ranAt).toBe(2_000)
  })
})

describe('a feed', () => {
  test('hands out what waits, then its end', async () => {
    const onEnd = vi.fn()
    const feed = new Feed<number>({ onEnd })
    feed.push(1)
    feed.push(2)
    feed.finish()
    feed.push(3)
    expect([await feed.next(), await feed.next(), await feed.next()]).toEqual([
      { value: 1, done: false },
      { value: 2, done: false },
      { value: undefined, done: true },
    ])
    expect(onEnd).toHaveBeenCalledOnce()
  })

  test('fails once, after what waits', async () => {
    const feed = new Feed<number>({ onEnd: () => {} })
    feed.push(1)
    feed.fail(new Error('over'))
    feed.fail(new Error('again'))
    expect(await feed.next()).toEqual({ value: 1, done: false })
    await expect(feed.next()).rejects.toThrow('over')
    expect(await feed.next()).toEqual({ value: undefined, done: true })
  })

  test('return ends it at once, even while a reader waits', async () => {
    const onEnd = vi.fn()
    const feed = new Feed<number>({ onEnd })
    const waiting = feed.next()
    await feed.return()
    expect(await waiting).toEqual({ value: undefined, done: true })
    expect(onEnd).toHaveBeenCalledOnce()
  })

  test('a reader that lags too far behind is dropped, and told why', async () => {
    const onEnd = vi.fn()
    const feed = new Feed<number>({ onEnd, mostWaiting: 3 })
    for (let event = 0; event < 100; event++) feed.push(event)
    expect(onEnd).toHaveBeenCalledOnce()
    await expect(feed.next()).rejects.toMatchObject({ code: 'LIMIT_EXCEEDED', publicMessage: /too slowly/ })
    expect((await feed.next()).done).toBe(true)
  })
})

describe('sessions', () => {
  const alice = { digest: 'alice', token: new Secret('token-a') }

  function sessions(expiryOf: () => Promise<string>) {
    const bus = new LocalBus(pino({ level: 'silent' }))
    return { bus, all: new Sessions({ bus, expiryOf }) }
  }

  const in1h = async () => new Date(Date.now() + 3_600_000).toISOString()

  test('end when any call, on any instance, shows that they have', async () => {
    const { all, bus } = sessions(in1h)
    const [ended, other, everybody] = [vi.fn(), vi.fn(), vi.fn()]
    all.onEnded(everybody)
    all.follow(alice, ended)
    const leave = all.follow({ digest: 'bob', token: new Secret('b') }, other)
    await bus.publish('sessions:ended', { not: 'a digest' })
    await bus.publish('sessions:ended', 'alice')
    expect(ended).toHaveBeenCalledOnce()
    expect(everybody).toHaveBeenCalledExactlyOnceWith('alice')
    expect(other).not.toHaveBeenCalled()
    leave()
    all.close()
  })

  test('short ones cost nothing; long ones have their token asked after, and end with it', async () => {
    let isRevoked = false
    const expiryOf = vi.fn(async () => {
      if (isRevoked) throw new PrivicoreError('UNAUTHENTICATED', 'no', { status: 401 })
      return in1h()
    })
    const { all } = sessions(expiryOf)
    all.follow(alice, vi.fn())()
    const ended = vi.fn()
    all.follow(alice, ended)
    await vi.advanceTimersByTimeAsync(20_000)
    expect(expiryOf).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(600_000)
    expect(expiryOf.mock.calls.length).toBeGreaterThan(1)
    expect(ended).not.toHaveBeenCalled()
    isRevoked = true
    await vi.advanceTimersByTimeAsync(301_000)
    expect(ended).toHaveBeenCalledOnce()
  })

  test('end within a second of an expiry that is known, unless the token lives longer by then', async () => {
    let expiresAt = new Date(Date.now() + 10_000).toISOString()
    const { all } = sessions(async () => expiresAt)
    all.expires('alice', expiresAt)
    const ended = vi.fn()
    all.follow(alice, ended)
    expiresAt = new Date(Date.now() + 20_000).toISOString()
    await vi.advanceTimersByTimeAsync(12_000)
    expect(ended).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(9_000)
    expect(ended).toHaveBeenCalledOnce()
  })

  test('one that was refused before is asked after at once, and works again once Privicore says so', async () => {
    const expiryOf = vi.fn(in1h)
    const { all } = sessions(expiryOf)
    all.ended('alice')
    const ended = vi.fn()
    const leave = all.follow(alice, ended)
    await vi.advanceTimersByTimeAsync(10)
    expect(expiryOf).toHaveBeenCalledOnce()
    expect(ended).not.toHaveBeenCalled()
    leave()
  })

  test('feeds end with their session, their client and the process, and free what they held', async () => {
    const { all } = sessions(in1h)
    const feeds = new Feeds(all)
    const client = new AbortController()
    const free = vi.fn()
    const open = (signal = new AbortController().signal) =>
      feeds.open<number>({ session: alice, signal, onEvent: () => {} }, async () => free)
    const [first, second] = [await open(), await open(client.signal)]
    client.abort()
    expect((await second.next()).done).toBe(true)
    all.ended('alice')
    await expect(first.next()).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
    const third = await open()
    feeds.drain()
    expect((await third.next()).done).toBe(true)
    await expect(open()).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
    expect(free).toHaveBeenCalledTimes(3)
    expect(feeds.size).toBe(0)
    // lru-cache's clock, a millisecond long.
    await vi.advanceTimersByTimeAsync(10)
  })
})
