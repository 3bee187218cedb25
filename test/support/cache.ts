// Caches for tests: instances over one Redis or over none, a Privicore that is a function, and stores that misbehave.
import { randomUUID } from 'node:crypto'
import { Redis } from 'ioredis'
import { onTestFinished } from 'vitest'
import { LocalBus, RedisBus } from '../../src/cache/bus.ts'
import type { CallerCache, Question, Source, Verdict } from '../../src/cache/cache.ts'
import { policyOf, type Remembered } from '../../src/cache/policy.ts'
import { connectRedis, type RedisConnection } from '../../src/cache/redis.ts'
import type { SharedStore } from '../../src/cache/store.ts'
import { createTiers } from '../../src/cache/tiers.ts'
import { createMetrics } from '../../src/metrics.ts'
import { Secret } from '../../src/privicore/secret.ts'
import { createLogger } from '../../src/server/log.ts'

export const silent = createLogger('silent')

/** The instances of one fleet share it. */
export const FLEET_SECRET = new Secret('a secret of a fleet that is only a test')

export interface InstanceOptions {
  readonly redisUrl?: string
  readonly memoryBytes?: number
  readonly waitMs?: number
  readonly watchMaxMs?: number
  readonly secret?: Secret
  readonly between?: (store: SharedStore) => SharedStore
}

export interface Instance {
  readonly cache: CallerCache
  readonly redis: RedisConnection | null
  readonly metrics: ReturnType<typeof createMetrics>
  ask<T>(caller: string, id: string, upstream: Upstream<T>, more?: Partial<Question<T>>): Promise<T>
  /** Verdicts of the reads so far. */
  readonly verdicts: Verdict[]
  /** How many reads came from there. */
  count(source: Source): Promise<number>
}

export type Upstream<T> = (signal: AbortSignal) => Promise<T>

export async function instance(options: InstanceOptions = {}): Promise<Instance> {
  const metrics = createMetrics()
  const redis =
    options.redisUrl === undefined
      ? null
      : connectRedis([new Secret(options.redisUrl)], { log: silent, upGauge: metrics.redisUp })
  const bus = redis === null ? new LocalBus(silent) : new RedisBus(redis, randomUUID(), silent)
  const { cache } = createTiers({
    redis,
    bus,
    secret: options.secret ?? FLEET_SECRET,
    memoryBytes: options.memoryBytes ?? 64 * 1024 * 1024,
    watchMaxMs: options.watchMaxMs ?? 900_000,
    upstreamTimeoutMs: options.waitMs ?? 3_000,
    log: silent,
    metrics,
    between: options.between,
  })
  onTestFinished(() => {
    cache.close()
    bus.close()
    redis?.close()
  })
  await redis?.ready(2_000)
  for (let tries = 0; redis !== null && !bus.up && tries < 200; tries++)
    await new Promise((done) => setTimeout(done, 5))
  const verdicts: Verdict[] = []
  return {
    cache,
    redis,
    metrics,
    verdicts,
    ask: (caller, id, upstream, more = {}) =>
      cache.read({
        id,
        policy: policyOf(id) as Remembered,
        caller,
        field: id,
        since: 0,
        signal: new AbortController().signal,
        ingredients: null,
        ask: upstream,
        note: (_, verdict) => verdicts.push(verdict),
        ...more,
      }),
    count: async (source) => {
      const { values } = await metrics.cacheReads.get()
      return values.reduce((sum, { labels, value }) => (labels.source === source ? sum + value : sum), 0)
    },
  }
}

/** A call that counts itself, and answers when told to, or after a moment. */
export function upstream<T>(answer: () => T | Promise<T>, ms = 0) {
  const calls: AbortSignal[] = []
  const call = async (signal: AbortSignal): Promise<T> => {
    calls.push(signal)
    if (ms > 0) await new Promise((done) => setTimeout(done, ms))
    return answer()
  }
  return Object.defineProperties(call, {
    count: { get: () => calls.length },
    signals: { get: () => calls },
  }) as typeof call & { readonly count: number; readonly signals: readonly AbortSignal[] }
}

/** A caller nobody has been before: a Redis may be shared by several tests. */
export const someCaller = () => randomUUID()

/** A plain connection, to look at what is there. */
export function looker(url: string): Redis {
  const redis = new Redis(url)
  onTestFinished(() => redis.disconnect())
  return redis
}

type Method = keyof SharedStore
const METHODS: readonly Method[] = ['look', 'begin', 'keep', 'apply', 'claim', 'renew', 'release']

/** A store that does something of its own before each call: waits, throws, or answers in its place. */
export function misbehaving(
  store: SharedStore,
  before: (method: Method) => Promise<'go on' | 'lose it'> | 'go on' | 'lose it',
): SharedStore {
  return Object.fromEntries(
    METHODS.map((method) => [
      method,
      async (...args: unknown[]) => {
        if ((await before(method)) === 'lose it') return method === 'keep'
        return (store[method] as (...args: unknown[]) => unknown).apply(store, args)
      },
    ]),
  ) as unknown as SharedStore
}
