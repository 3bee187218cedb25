// The tier in Redis: one hash for each area of each caller, values sealed. Knows keys, scripts and expiry; not when to use them.
import { KEY_PREFIX, type RedisConnection, script } from './redis.ts'
import type { Seal } from './seal.ts'
import { type Change, type Claim, type Glimpse, type Kept, LEASE_MS, type Place, type SharedStore } from './store.ts'

/** How long the word that a call has failed stays for those who wait: a few of their pauses. */
const FAILURE_MS = 500
/** A generation outlives the slowest fill; where it does not, the fill loses. */
const GENERATION_MS = 60_000
/** Values of one area of one caller, e.g. pages of a list. More, and all of them make room. */
const MAX_FIELDS = 256
/** Marks that are kept apart; beyond, only the time of the last one is known. */
const MAX_MARK_LENGTH = 4_096

// The hash of an area: `g` its generation, `o` its marks ("id until;" each), and a field for each value: 13 digits, which say
// when it was asked for and are sealed with it, then the sealed bytes. Forgetting deletes the hash, generation included:
// a fill that began before finds another one, or none.

/** Keys: era, areas. Arguments: whether to forget, now, the id whose mark goes, the mark that comes and its time. */
const APPLY = script(`
if ARGV[1] == '1' then redis.call('UNLINK', KEYS[1]) end
for number = 2, #KEYS do
  local key = KEYS[number]
  local marks, longest = '', 0
  for id, till in string.gmatch(redis.call('HGET', key, 'o') or '', '(%S+) (%d+);') do
    if tonumber(till) > tonumber(ARGV[2]) and id ~= ARGV[3] and id ~= ARGV[4] then
      marks = marks .. id .. ' ' .. till .. ';'
      longest = math.max(longest, tonumber(till))
    end
  end
  if ARGV[1] == '1' then redis.call('UNLINK', key) end
  if ARGV[4] ~= '' then
    marks = marks .. ARGV[4] .. ' ' .. ARGV[5] .. ';'
    longest = math.max(longest, tonumber(ARGV[5]))
  end
  if #marks > ${MAX_MARK_LENGTH} then marks = '* ' .. string.format('%.0f', longest) .. ';' end
  if marks == '' then
    redis.call('HDEL', key, 'o')
  else
    redis.call('HSET', key, 'o', marks)
    local left = longest - tonumber(ARGV[2])
    if redis.call('PTTL', key) < left then redis.call('PEXPIRE', key, string.format('%.0f', left)) end
  end
end
return 1
`)

/** Keys: area. Arguments: a new generation. */
const BEGIN = `
local generation = redis.call('HGET', KEYS[1], 'g')
if not generation then
  generation = ARGV[1]
  redis.call('HSET', KEYS[1], 'g', generation)
end
if redis.call('PTTL', KEYS[1]) < ${GENERATION_MS} then redis.call('PEXPIRE', KEYS[1], ${GENERATION_MS}) end
`
const BEGIN_ALONE = script(`${BEGIN} return generation`)

/** Keys: area, lease. Arguments: a new generation, field, our lease, what we have seen, the lease we have waited for. */
const CLAIM = script(`
local lease = redis.call('GET', KEYS[2])
if lease and string.sub(lease, 1, 1) == '!' then
  local name, reason = string.match(lease, '^!(%S+) (.*)$')
  if name == ARGV[5] then return {'failed', reason} end
  lease = false
end
if string.sub(redis.call('HGET', KEYS[1], ARGV[2]) or '', 1, 13) ~= ARGV[4] then return {'filled'} end
if lease then return {'theirs', lease} end
redis.call('SET', KEYS[2], ARGV[3], 'PX', ${LEASE_MS})
${BEGIN}
return {'ours', generation, redis.call('HGET', KEYS[1], 'o') or ''}
`)

/** Keys: area, lease. Arguments: generation, field, value, its time to live, our lease. */
const KEEP = script(`
if ARGV[5] ~= '' and redis.call('GET', KEYS[2]) == ARGV[5] then redis.call('DEL', KEYS[2]) end
if redis.call('HGET', KEYS[1], 'g') ~= ARGV[1] then return 0 end
if redis.call('HLEN', KEYS[1]) >= ${MAX_FIELDS} then
  local marks, left = redis.call('HGET', KEYS[1], 'o'), redis.call('PTTL', KEYS[1])
  redis.call('UNLINK', KEYS[1])
  redis.call('HSET', KEYS[1], 'g', ARGV[1])
  if marks then redis.call('HSET', KEYS[1], 'o', marks) end
  redis.call('PEXPIRE', KEYS[1], math.max(left, 1))
end
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
return 1
`)

/** Keys: lease. Arguments: our lease, milliseconds. */
const RENEW = script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 0
`)

/** Keys: lease. Arguments: our lease, the reason or nothing. */
const RELEASE = script(`
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
redis.call('SET', KEYS[1], '!' .. ARGV[1] .. ' ' .. ARGV[2], 'PX', ${FAILURE_MS})
return 1
`)

export interface RedisStoreOptions {
  readonly redis: RedisConnection
  readonly seal: Seal
  /** Told of every value that was not sealed here, or not for this place. */
  readonly onRefused?: () => void
  readonly clock?: () => number
}

export class RedisStore implements SharedStore {
  readonly #redis: RedisConnection
  readonly #seal: Seal
  readonly #onRefused: () => void
  readonly #clock: () => number

  constructor({ redis, seal, onRefused = () => undefined, clock = Date.now }: RedisStoreOptions) {
    this.#redis = redis
    this.#seal = seal
    this.#onRefused = onRefused
    this.#clock = clock
  }

  async look(place: Place): Promise<Glimpse> {
    const key = areaKey(place.partition, place.area)
    const name = this.#seal.nameOf(place.field)
    const [g, o, value] = await this.#redis.use((client) => client.hmgetBuffer(key, 'g', 'o', name))
    const generation = g?.toString('latin1') ?? null
    return {
      generation,
      changing: this.#isChanging(o?.toString('latin1') ?? ''),
      kept: value && generation !== null ? this.#open(value, key, name, generation) : null,
      seen: value?.toString('latin1', 0, AT_DIGITS) ?? '',
    }
  }

  async begin({ partition, area }: Place): Promise<string> {
    return String(await this.#redis.run(BEGIN_ALONE, [areaKey(partition, area)], [crypto.randomUUID()]))
  }

  keep(place: Place, generation: string, kept: Kept, lease = ''): Promise<boolean> {
    const key = areaKey(place.partition, place.area)
    const name = this.#seal.nameOf(place.field)
    const at = String(kept.at).padStart(AT_DIGITS, '0')
    const text = JSON.stringify([kept.freshUntil, kept.staleUntil, kept.value])
    const sealed = this.#seal.close(text, `${key} ${generation}`, `${key} ${name} ${generation} ${at}`)
    const left = Math.max(1, Math.ceil(kept.staleUntil - this.#clock()))
    return this.#redis
      .run(
        KEEP,
        [key, leaseKey(place, name)],
        [generation, name, Buffer.concat([Buffer.from(at, 'latin1'), sealed]), left, lease],
      )
      .then((result) => result === 1)
  }

  async apply({ partition, areas, forget, unmark, mark }: Change): Promise<void> {
    if (areas.length === 0) return
    const keys = [eraKey(partition), ...areas.map((area) => areaKey(partition, area))]
    const args = [forget ? 1 : 0, this.#clock(), unmark ?? '', mark?.id ?? '', mark?.until ?? 0]
    try {
      await this.#redis.run(APPLY, keys, args)
    } catch (error) {
      // A Redis without memory refuses to note anything, but never to forget.
      if (!forget || (error as Error).name !== 'ReplyError') throw error
      await this.#redis.use((client) => client.unlink(...keys))
    }
  }

  async claim(place: Place, lease: string, seen: string, waitedFor: string | null): Promise<Claim> {
    const name = this.#seal.nameOf(place.field)
    const [turn, first = '', marks = ''] = (await this.#redis.run(
      CLAIM,
      [areaKey(place.partition, place.area), leaseKey(place, name)],
      [crypto.randomUUID(), name, lease, seen, waitedFor ?? ''],
    )) as [Claim['turn'], string?, string?]
    switch (turn) {
      case 'ours':
        return { turn, generation: first, changing: this.#isChanging(marks) }
      case 'theirs':
        return { turn, lease: first }
      case 'failed':
        return { turn, reason: first }
      case 'filled':
        return { turn }
    }
  }

  async renew(place: Place, lease: string): Promise<void> {
    await this.#redis.run(RENEW, [leaseKey(place, this.#seal.nameOf(place.field))], [lease, LEASE_MS])
  }

  async release(place: Place, lease: string, failure: string | null): Promise<void> {
    await this.#redis.run(RELEASE, [leaseKey(place, this.#seal.nameOf(place.field))], [lease, failure ?? ''])
  }

  #isChanging(marks: string): boolean {
    if (marks === '') return false
    const now = this.#clock()
    return [...marks.matchAll(/ (\d+);/g)].some(([, until]) => Number(until) > now)
  }

  #open(value: Buffer, key: string, name: string, generation: string): Kept | null {
    const at = value.toString('latin1', 0, AT_DIGITS)
    const text = this.#seal.open(
      value.subarray(AT_DIGITS),
      `${key} ${generation}`,
      `${key} ${name} ${generation} ${at}`,
    )
    if (text === null) {
      this.#onRefused()
      return null
    }
    const [freshUntil, staleUntil, kept] = JSON.parse(text) as [number, number, unknown]
    return { value: kept, at: Number(at), freshUntil, staleUntil }
  }
}

/** Milliseconds since 1970, until the year 2286. */
const AT_DIGITS = 13

/** Names the time since anything of a caller was forgotten last: whole answers of his belong to it. */
export function eraKey(partition: string): string {
  return `${KEY_PREFIX}era:{${partition}}`
}

/** In a cluster everything of one caller lives on one node, so that one script can reach it. */
export function areaKey(partition: string, area: string): string {
  return `${KEY_PREFIX}cache:{${partition}}:${area}`
}

function leaseKey({ partition, area }: Place, name: string): string {
  return `${KEY_PREFIX}cache:{${partition}}:${area}:${name}`
}
