// Whole answers in Redis, sealed, each with the generations of what it was made of. Knows keys, scripts and expiry; not when
// to use them.
import type { Recipe } from './ingredients.ts'
import { type RedisConnection, script } from './redis.ts'
import { areaKey } from './redis-store.ts'
import type { Seal } from './seal.ts'
import type { Memo, MemoPlace, MemoStore } from './store.ts'

// A memo: one line in the clear, which is sealed with the rest, then the sealed bytes. The line has "area generation;" for each
// area, a space, and the times. A memo is worth nothing once one of these generations has passed: nobody has to delete it.

/** Keys: for each memo, itself and the areas that may be in it. Arguments: for each memo, the names of these areas. */
const RECALL = script(`
local answers, at = {}, 1
for number, names in ipairs(ARGV) do
  local memo = redis.call('GET', KEYS[at])
  local keys = {}
  at = at + 1
  for name in string.gmatch(names, '%S+') do
    keys[name] = KEYS[at]
    at = at + 1
  end
  if memo then
    for area, generation in string.gmatch(string.match(memo, '^[^\\n]*'), '(%S+) (%S+);') do
      if not keys[area] or redis.call('HGET', keys[area], 'g') ~= generation then
        memo = false
        break
      end
    end
  end
  answers[number] = memo
end
return answers
`)

/** Keys: memo, its areas. Arguments: their generations, the value, its time to live. */
const KEEP = script(`
for number = 2, #KEYS do
  if redis.call('HGET', KEYS[number], 'g') ~= ARGV[number - 1] then return 0 end
end
redis.call('SET', KEYS[1], ARGV[#KEYS], 'PX', ARGV[#KEYS + 1])
return 1
`)

/** Redis works off one script at a time: a batch holds the others up for no longer than a few ordinary commands. */
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

  async recall(places: readonly MemoPlace[]): Promise<(Memo | null)[]> {
    // In a cluster a script sees what is on one node.
    const most = this.#redis.isCluster ? 1 : MOST_AT_ONCE
    if (places.length <= most) return this.#recall(places)
    const parts: Promise<(Memo | null)[]>[] = []
    for (let from = 0; from < places.length; from += most) parts.push(this.#recall(places.slice(from, from + most)))
    return (await Promise.all(parts)).flat()
  }

  async keep(
    { partition, request }: MemoPlace,
    { generations, at, freshUntil }: Recipe,
    body: Buffer,
  ): Promise<boolean> {
    const left = Math.floor(freshUntil - this.#clock())
    if (left <= 0) return false
    const key = memoKey(partition, request)
    const areas = [...generations.keys()]
    const made = areas.map((area) => `${area} ${generations.get(area)};`).join('')
    const line = `${made} ${at} ${Math.floor(freshUntil)}\n`
    const sealed = this.#seal.closeBytes(body, scopeOf(at), key + line)
    const keys = [key, ...areas.map((area) => areaKey(partition, area))]
    const value = Buffer.concat([Buffer.from(line, 'latin1'), sealed])
    return (await this.#redis.run(KEEP, keys, [...generations.values(), value, left])) === 1
  }

  async #recall(places: readonly MemoPlace[]): Promise<(Memo | null)[]> {
    const keys: string[] = []
    const names: string[] = []
    for (const { partition, request, areas } of places) {
      keys.push(memoKey(partition, request))
      for (const area of areas) keys.push(areaKey(partition, area))
      names.push(areas.join(' '))
    }
    const values = (await this.#redis.runForBytes(RECALL, keys, names)) as (Buffer | null)[]
    return values.map((value, index) => value && this.#open(value, places[index] as MemoPlace))
  }

  #open(value: Buffer, { partition, request }: MemoPlace): Memo | null {
    const end = value.indexOf(NEW_LINE) + 1
    const line = value.toString('latin1', 0, end)
    const [, at, freshUntil] = / (\d+) (\d+)\n$/.exec(line) ?? []
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
  return `privicore:answer:{${partition}}:${request}`
}

function scopeOf(at: number): string {
  return `answers ${Math.floor(at / KEY_MS)}`
}
