// Whole answers in Redis, sealed. Knows keys, scripts and expiry; not when to use them.
import { randomUUID } from 'node:crypto'
import type { Recipe } from './ingredients.ts'
import { KEY_PREFIX, type RedisConnection, script } from './redis.ts'
import { areaKey, eraKey } from './redis-store.ts'
import type { Seal } from './seal.ts'
import type { Memo, MemoPlace, MemoStore } from './store.ts'

// A memo: a line in the clear with its era and its times, which is sealed with the rest, then the sealed bytes. It was true when it
// was kept, and nothing of its caller has been forgotten since as long as the era is still the same: that is one plain command
// to ask, for any number of memos. Nobody has to delete the memos of an era that is over.

/** Keys: era. Arguments: a new one, the least that it has to live. */
const BEGIN = script(`
local era = redis.call('GET', KEYS[1])
if not era then
  era = ARGV[1]
  redis.call('SET', KEYS[1], era, 'PX', ARGV[2])
elseif redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return era
`)

/** Keys: memo, era, areas. Arguments: the value, its time to live, the era, the generations of the areas. */
const KEEP = script(`
if redis.call('GET', KEYS[2]) ~= ARGV[3] then return 0 end
for number = 3, #KEYS do
  if redis.call('HGET', KEYS[number], 'g') ~= ARGV[number + 1] then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`)

/** Redis works off one command at a time, and each of these costs it a few microseconds: nobody waits long behind a batch. */
const MOST_AT_ONCE = 64
/** Memos of one minute share a key: none comes near the number of values that random IVs allow, whatever a fleet answers. */
const KEY_MS = 60_000
const NEW_LINE = 0x0a

export interface RedisMemosOptions {
  readonly redis: RedisConnection
  readonly seal: Seal
  /** Told of every memo that was not sealed here, or not for this place. */
  readonly onRefused: () => void
  readonly clock?: () => number
}

export class RedisMemos implements MemoStore {
  readonly #redis: RedisConnection
  readonly #seal: Seal
  readonly #onRefused: () => void
  readonly #clock: () => number

  constructor({ redis, seal, onRefused, clock = Date.now }: RedisMemosOptions) {
    this.#redis = redis
    this.#seal = seal
    this.#onRefused = onRefused
    this.#clock = clock
  }

  nameOf(request: string): string {
    return this.#seal.digestOf(request)
  }

  get mostAtOnce(): number {
    // In a cluster one command sees what is on one node.
    return this.#redis.isCluster ? 1 : MOST_AT_ONCE
  }

  async recall(places: readonly MemoPlace[]): Promise<(Memo | null)[]> {
    const keys: string[] = []
    for (const { partition, request } of places) keys.push(memoKey(partition, request), eraKey(partition))
    const values = await this.#redis.use((client) => client.mgetBuffer(keys))
    return places.map((place, index) => {
      const value = values[2 * index]
      const era = values[2 * index + 1]
      return value && era ? this.#open(value, era.toString('latin1'), place) : null
    })
  }

  async keep({ partition, request }: MemoPlace, { generations, ...times }: Recipe, body: Buffer): Promise<boolean> {
    const { at } = times
    const freshUntil = Math.floor(times.freshUntil)
    const left = freshUntil - this.#clock()
    if (left <= 0) return false
    const era = String(await this.#redis.run(BEGIN, [eraKey(partition)], [randomUUID(), left]))
    const key = memoKey(partition, request)
    const line = `${era} ${at} ${freshUntil}\n`
    const value = Buffer.concat([Buffer.from(line, 'latin1'), this.#seal.closeBytes(body, scopeOf(at), key + line)])
    const areas = [...generations.keys()].map((area) => areaKey(partition, area))
    const args = [value, left, era, ...generations.values()]
    return (await this.#redis.run(KEEP, [key, eraKey(partition), ...areas], args)) === 1
  }

  #open(value: Buffer, era: string, { partition, request }: MemoPlace): Memo | null {
    const end = value.indexOf(NEW_LINE) + 1
    const line = value.toString('latin1', 0, end)
    const [, of, at, freshUntil] = /^(\S+) (\d+) (\d+)\n$/.exec(line) ?? []
    if (of !== undefined && of !== era) return null
    const body = this.#seal.openBytes(value.subarray(end), scopeOf(Number(at)), memoKey(partition, request) + line)
    if (body === null) {
      this.#onRefused()
      return null
    }
    return { body, at: Number(at), freshUntil: Number(freshUntil) }
  }
}

/** Beside the areas of its caller: in a cluster on the same node. */
function memoKey(partition: string, request: string): string {
  return `${KEY_PREFIX}answer:{${partition}}:${request}`
}

function scopeOf(at: number): string {
  return `answers ${Math.floor(at / KEY_MS)}`
}
