// Commands in Redis, for a fleet: every change is one script, so that it happens once whoever asks. Knows nothing of waiting.
import { createHash } from 'node:crypto'
import { KEY_PREFIX, type RedisConnection, script } from '../cache/redis.ts'
import { type CommandRecord, type CommandStatus, foundCommand, type Outcome } from './command.ts'
import { type Claim, type CommandStore, KEPT_MS, LEASE_MS, type Settled } from './store.ts'

/** Commands of one shard lie on one node of a cluster, so that many can be claimed in one call. */
const SHARDS = 16
/** The most commands of one script call: it blocks Redis for well under a millisecond. */
const CLAIMED_AT_ONCE = 500

const FIELDS = ['operation', 'owner', 'status', 'reason', 'acceptedAt', 'settledAt'] as const

/** KEYS: the command. ARGV: kept ms, operation, owner, status, reason, acceptedAt, settledAt. Empty stands for unknown. */
const ACCEPT = script(`
local key = KEYS[1]
if redis.call('EXISTS', key) == 0 then
  redis.call('HSET', key, 'operation', ARGV[2], 'owner', ARGV[3], 'status', ARGV[4], 'reason', ARGV[5],
    'acceptedAt', ARGV[6], 'settledAt', ARGV[7])
elseif redis.call('HGET', key, 'operation') == '' and ARGV[2] ~= '' then
  redis.call('HSET', key, 'operation', ARGV[2], 'owner', ARGV[3], 'acceptedAt', ARGV[6])
end
redis.call('PEXPIRE', key, ARGV[1])
return redis.call('HMGET', key, 'operation', 'owner', 'status', 'reason', 'acceptedAt', 'settledAt')
`)

/** KEYS: the command, its lease. ARGV: kept ms, status, reason, settledAt, fence or empty. */
const SETTLE = script(`
local key, lease = KEYS[1], KEYS[2]
local status = redis.call('HGET', key, 'status')
local verdict = 'known'
if not status or status == 'PENDING' then
  verdict = 'first'
  if ARGV[5] ~= '' then
    local held = redis.call('GET', lease)
    if held and tonumber(string.match(held, '(%d+)$')) > tonumber(ARGV[5]) then verdict = 'fenced' end
  end
end
if verdict == 'first' then
  if not status then redis.call('HSET', key, 'operation', '', 'owner', '', 'acceptedAt', '') end
  redis.call('HSET', key, 'status', ARGV[2], 'reason', ARGV[3], 'settledAt', ARGV[4])
  redis.call('PEXPIRE', key, ARGV[1])
  redis.call('DEL', lease)
end
return {verdict, redis.call('HMGET', key, 'operation', 'owner', 'status', 'reason', 'acceptedAt', 'settledAt')}
`)

/**
 * KEYS: command, lease, command, lease, … ARGV: holder, lease ms. A token is the server's clock in microseconds: it rises even
 * over a restart that forgets everything.
 */
const CLAIM = script(`
local found = {}
local now = redis.call('TIME')
local fence = string.format('%.0f', now[1] * 1000000 + now[2])
for index = 1, #KEYS, 2 do
  local status = redis.call('HGET', KEYS[index], 'status')
  local lease = KEYS[index + 1]
  if status and status ~= 'PENDING' then
    found[#found + 1] = 'settled'
  else
    local held = redis.call('GET', lease)
    local prefix = ARGV[1] .. ' '
    if not held then
      redis.call('SET', lease, prefix .. fence, 'PX', ARGV[2])
      found[#found + 1] = fence
    elseif string.sub(held, 1, #prefix) == prefix then
      redis.call('PEXPIRE', lease, ARGV[2])
      found[#found + 1] = string.sub(held, #prefix + 1)
    else
      found[#found + 1] = 'taken'
    end
  end
end
return found
`)

/** KEYS: the lease. ARGV: holder and fence. */
const RELEASE = script(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`)

export class RedisStore implements CommandStore {
  readonly #redis: RedisConnection
  readonly #holder: string

  /** @param holder tells this instance from the others; without blanks */
  constructor(redis: RedisConnection, holder: string) {
    this.#redis = redis
    this.#holder = holder
  }

  async accept(command: CommandRecord): Promise<CommandRecord> {
    const row = await this.#redis.run(
      ACCEPT,
      [commandKey(command.commandId)],
      [KEPT_MS, ...FIELDS.map((field) => command[field] ?? '')],
    )
    return toRecord(command.commandId, row) ?? command
  }

  async find(commandId: string): Promise<CommandRecord | null> {
    const row = await this.#redis.use((client) => client.hmget(commandKey(commandId), ...FIELDS))
    return toRecord(commandId, row)
  }

  async settle(commandId: string, outcome: Outcome, fence?: number): Promise<Settled> {
    const settledAt = new Date().toISOString()
    const [verdict, row] = (await this.#redis.run(
      SETTLE,
      [commandKey(commandId), leaseKey(commandId)],
      [KEPT_MS, outcome.status, outcome.reason ?? '', settledAt, fence ?? ''],
    )) as [string, unknown]
    return {
      record: toRecord(commandId, row) ?? foundCommand(commandId),
      first: verdict === 'first',
      fenced: verdict === 'fenced',
    }
  }

  async claim(commandIds: readonly string[]): Promise<Claim[]> {
    const claims = new Map<string, Claim>()
    const byShard = Map.groupBy(commandIds, shardOf)
    await Promise.all(
      [...byShard.values()].flatMap((ids) =>
        chunks(ids, CLAIMED_AT_ONCE).map(async (chunk) => {
          const keys = chunk.flatMap((commandId) => [commandKey(commandId), leaseKey(commandId)])
          const found = (await this.#redis.run(CLAIM, keys, [this.#holder, LEASE_MS])) as string[]
          chunk.forEach((commandId, index) => {
            const claim = found[index] ?? 'taken'
            claims.set(commandId, claim === 'taken' || claim === 'settled' ? claim : Number(claim))
          })
        }),
      ),
    )
    return commandIds.map((commandId) => claims.get(commandId) ?? 'taken')
  }

  async release(commandId: string, fence: number): Promise<void> {
    await this.#redis.run(RELEASE, [leaseKey(commandId)], [`${this.#holder} ${fence}`])
  }
}

function shardOf(commandId: string): string {
  return String((createHash('sha1').update(commandId).digest()[0] ?? 0) % SHARDS)
}

/** The first pair of braces is what a cluster places a key by; an id may hold braces of its own. */
const commandKey = (commandId: string) => `${KEY_PREFIX}{commands-${shardOf(commandId)}}:command:${commandId}`
const leaseKey = (commandId: string) => `${KEY_PREFIX}{commands-${shardOf(commandId)}}:lease:${commandId}`

function toRecord(commandId: string, row: unknown): CommandRecord | null {
  const [operation, owner, status, reason, acceptedAt, settledAt] = row as (string | null)[]
  if (status !== 'PENDING' && status !== 'SUCCEEDED' && status !== 'REJECTED') return null
  return {
    commandId,
    operation: operation || null,
    owner: owner || null,
    status: status as CommandStatus,
    reason: reason || null,
    acceptedAt: acceptedAt || null,
    settledAt: settledAt || null,
  }
}

function chunks<T>(list: readonly T[], size: number): T[][] {
  const parts: T[][] = []
  for (let start = 0; start < list.length; start += size) parts.push(list.slice(start, start + size))
  return parts
}
