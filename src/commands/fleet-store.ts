// Redis and this process as one store: the fleet's while Redis answers, this instance's own while it does not.
import type { Logger } from 'pino'
import { RedisAway, type RedisConnection } from '../cache/redis.ts'
import { type CommandRecord, isSettled, type Outcome } from './command.ts'
import { RedisStore } from './redis-store.ts'
import { type Claim, type CommandStore, LocalStore, type Settled } from './store.ts'

/** What Redis must still be told when it is back; beyond this, the other instances learn outcomes from Privicore themselves. */
const MOST_UNTOLD = 10_000

export class FleetStore implements CommandStore {
  readonly #local = new LocalStore()
  readonly #redis: RedisStore
  readonly #untold = new Set<string>()
  readonly #log: Logger

  constructor(redis: RedisConnection, holder: string, log: Logger) {
    this.#redis = new RedisStore(redis, holder)
    this.#log = log
    redis.onUp(() => void this.#tell())
  }

  async accept(command: CommandRecord): Promise<CommandRecord> {
    const here = this.#local.adopt(command)
    const there = await this.#try(() => this.#redis.accept(here))
    if (there !== undefined) return this.#local.adopt(there)
    this.#leaveUntold(command.commandId)
    return here
  }

  async find(commandId: string): Promise<CommandRecord | null> {
    const here = this.#local.known(commandId)
    if (here !== null && isSettled(here)) return here
    const there = await this.#try(() => this.#redis.find(commandId))
    if (there) return this.#local.adopt(there)
    // A Redis that was emptied is told again.
    if (there === null && here !== null) return this.accept(here)
    return here
  }

  async settle(commandId: string, outcome: Outcome, fence?: number): Promise<Settled> {
    const there = await this.#try(() => this.#redis.settle(commandId, outcome, fence))
    if (there === undefined) {
      this.#leaveUntold(commandId)
      return this.#local.settle(commandId, outcome)
    }
    const here = this.#local.known(commandId)
    const record = this.#local.adopt(there.record)
    // A Redis that was emptied knew nothing of how it began, or that this instance had settled it already.
    if (there.first && here !== null && there.record.operation === null && here.operation !== null) {
      await this.#try(() => this.#redis.accept(record))
    }
    return { ...there, record, first: there.first && !(here !== null && isSettled(here)) }
  }

  async claim(commandIds: readonly string[]): Promise<Claim[]> {
    return (await this.#try(() => this.#redis.claim(commandIds))) ?? this.#local.claim(commandIds)
  }

  async release(commandId: string, fence: number): Promise<void> {
    await this.#try(() => this.#redis.release(commandId, fence))
  }

  /** undefined where Redis cannot: away, or full. */
  async #try<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof RedisAway)) {
        this.#log.warn({ code: (error as Error).message.split(' ', 1)[0] }, 'Redis refused to keep a command')
      }
      return undefined
    }
  }

  #leaveUntold(commandId: string): void {
    if (this.#untold.size < MOST_UNTOLD) this.#untold.add(commandId)
  }

  async #tell(): Promise<void> {
    const ids = [...this.#untold]
    this.#untold.clear()
    for (const commandId of ids) {
      const here = this.#local.known(commandId)
      if (here === null) continue
      if (!isSettled(here)) {
        await this.accept(here)
        continue
      }
      const { status, reason } = here
      const told = await this.#try(async () => {
        await this.#redis.accept({ ...here, status: 'PENDING', reason: null, settledAt: null })
        return this.#redis.settle(commandId, { status: status as Outcome['status'], reason })
      })
      if (told === undefined) this.#leaveUntold(commandId)
    }
  }
}
