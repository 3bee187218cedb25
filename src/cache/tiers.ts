// Puts the cache together: memory alone, or memory over a Redis that a fleet shares. Knows the tiers, and who counts them.
import type { Logger } from 'pino'
import type { Metrics } from '../metrics.ts'
import type { Secret } from '../privicore/secret.ts'
import type { Bus } from './bus.ts'
import { CallerCache, type Source } from './cache.ts'
import { SharedTier } from './fleet-tier.ts'
import { MemoryStore } from './memory.ts'
import { Memos } from './memos.ts'
import type { Area } from './policy.ts'
import type { RedisConnection } from './redis.ts'
import { RedisMemos } from './redis-memos.ts'
import { RedisStore } from './redis-store.ts'
import { Seal } from './seal.ts'
import type { SharedStore } from './store.ts'

export interface TiersOptions {
  readonly redis: RedisConnection | null
  readonly bus: Bus
  /** CACHE_SECRET; without one, of this process alone. */
  readonly secret: Secret | undefined
  readonly memoryBytes: number
  readonly watchMaxMs: number
  /** One attempt at Privicore: as long as another instance's call is waited for. */
  readonly upstreamTimeoutMs: number
  readonly log: Logger
  readonly metrics: Pick<Metrics, 'cacheReads' | 'cacheRefused'>
  /** Stands between the cache and Redis, for tests of what goes wrong there. */
  readonly between?: (store: SharedStore) => SharedStore
}

export interface Tiers {
  readonly cache: CallerCache
  /** null where an instance has a memory of its own: one answer from there costs less than one from Redis. */
  readonly memos: Memos | null
}

export function createTiers(options: TiersOptions): Tiers {
  const { redis, bus, log, metrics } = options
  const sealed = redis && { redis, seal: new Seal(options.secret), onRefused: () => metrics.cacheRefused.inc() }
  const store = sealed && new RedisStore(sealed)
  const shared = store && new SharedTier({ store: options.between?.(store) ?? store, log })
  const cache = new CallerCache({
    memory: new MemoryStore(options.memoryBytes),
    shared,
    bus: redis && bus,
    isAlone: redis === null ? () => false : () => !redis.up || !bus.up,
    watchMaxMs: options.watchMaxMs,
    waitMs: options.upstreamTimeoutMs,
    count: counting(metrics.cacheReads),
  })
  let wasUp = redis?.up ?? false
  redis?.onUp(() => {
    if (wasUp) cache.sharedReturned()
    wasUp = true
  })
  const memos =
    sealed && shared && options.memoryBytes === 0
      ? new Memos({ store: new RedisMemos(sealed), tier: shared, isFresh: (times) => cache.isFresh(times), log })
      : null
  return { cache, memos }
}

/** Finding a labelled counter costs more than a look-up in the cache: each is found once. */
function counting(reads: Metrics['cacheReads']): (area: Area, source: Source) => void {
  const counters = new Map<Area, Map<Source, { inc(): void }>>()
  return (area, source) => {
    let bySource = counters.get(area)
    if (bySource === undefined) {
      bySource = new Map()
      counters.set(area, bySource)
    }
    let counter = bySource.get(source)
    if (counter === undefined) {
      counter = reads.labels({ area, source })
      bySource.set(source, counter)
    }
    counter.inc()
  }
}
