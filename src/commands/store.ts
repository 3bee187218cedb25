// Where commands are remembered, and who may poll them: the contract of every store, and the one that lives in this process.
import { mostRecent } from '../cache/most-recent.ts'
import { type CommandRecord, foundCommand, isSettled, type Outcome, settle } from './command.ts'

export interface Settled {
  readonly record: CommandRecord
  /** Whether this call made the transition: true for exactly one of all that report an outcome. */
  readonly first: boolean
  /** The reporter's lease has passed to another poller, which will find the outcome itself; nothing was changed. */
  readonly fenced: boolean
}

/** What a claim finds: a fencing token where the command is ours to poll, else why not. */
export type Claim = number | 'taken' | 'settled'

export interface CommandStore {
  /**
   * Records a command. Where it is known already, only what was unknown of its beginning is filled in: its outcome stays.
   * @returns the command as it is known now
   */
  accept(command: CommandRecord): Promise<CommandRecord>
  find(commandId: string): Promise<CommandRecord | null>
  /**
   * PENDING to a final state, once. A command that is not known yet is recorded as found.
   * @param fence the token of the poller's lease; none for outcomes that were pushed
   */
  settle(commandId: string, outcome: Outcome, fence?: number): Promise<Settled>
  /** Takes or renews the leases of these commands for this instance. A token is higher than any that was given before. */
  claim(commandIds: readonly string[]): Promise<Claim[]>
  release(commandId: string, fence: number): Promise<void>
}

/** Kept after it has settled, and after it was accepted where its outcome is never learnt. */
export const KEPT_MS = 24 * 3_600_000
/** How long a lease lasts unless it is renewed: a dead poller is replaced within this and one round of claims. */
export const LEASE_MS = 3_000
/** Bounds the memory of an instance: about 400 bytes each. The least recently used go first. */
const MOST_RECORDS = 100_000

/** For one instance, and for an instance that goes on alone: nobody else polls. */
export class LocalStore implements CommandStore {
  readonly #records = mostRecent<CommandRecord>(MOST_RECORDS, { ttl: KEPT_MS })

  async accept(command: CommandRecord): Promise<CommandRecord> {
    return this.adopt(command)
  }

  async find(commandId: string): Promise<CommandRecord | null> {
    return this.known(commandId)
  }

  /** The same, at once. */
  known(commandId: string): CommandRecord | null {
    return this.#records.get(commandId) ?? null
  }

  async settle(commandId: string, outcome: Outcome): Promise<Settled> {
    const known = this.#records.get(commandId) ?? foundCommand(commandId)
    if (isSettled(known)) return { record: known, first: false, fenced: false }
    const record = settle(known, outcome, new Date().toISOString())
    this.#records.set(commandId, record)
    return { record, first: true, fenced: false }
  }

  async claim(commandIds: readonly string[]): Promise<Claim[]> {
    return commandIds.map((commandId) => {
      const known = this.#records.get(commandId)
      return known !== undefined && isSettled(known) ? 'settled' : 1
    })
  }

  async release(): Promise<void> {
    // Nobody else waits for it.
  }

  /** Takes over what another store says; what is final here stays. */
  adopt(command: CommandRecord): CommandRecord {
    const known = this.#records.get(command.commandId)
    const record =
      known === undefined
        ? command
        : {
            ...(isSettled(known) ? known : command),
            operation: command.operation ?? known.operation,
            owner: command.owner ?? known.owner,
            acceptedAt: command.acceptedAt ?? known.acceptedAt,
          }
    this.#records.set(command.commandId, record)
    return record
  }
}
