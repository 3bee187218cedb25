// A store that several instances share, in memory and on any clock: what Redis does, without Redis. The contract suite runs over it, too.
import { type CommandRecord, foundCommand, isSettled, type Outcome, settle } from '../../src/commands/command.ts'
import { type Claim, type CommandStore, LEASE_MS, type Settled } from '../../src/commands/store.ts'

interface Lease {
  readonly holder: string
  readonly fence: number
  until: number
}

export class SharedMemory {
  readonly records = new Map<string, CommandRecord>()
  readonly leases = new Map<string, Lease>()
  fence = 1_000

  /** The store as one instance sees it. */
  as(holder: string): CommandStore {
    const { records, leases } = this
    const nextFence = () => ++this.fence
    return {
      async accept(command) {
        const known = records.get(command.commandId)
        const record =
          known === undefined
            ? command
            : known.operation === null && command.operation !== null
              ? { ...known, operation: command.operation, owner: command.owner, acceptedAt: command.acceptedAt }
              : known
        records.set(command.commandId, record)
        return record
      },
      async find(commandId) {
        return records.get(commandId) ?? null
      },
      async settle(commandId: string, outcome: Outcome, fence?: number): Promise<Settled> {
        const known = records.get(commandId) ?? foundCommand(commandId)
        if (isSettled(known)) return { record: known, first: false, fenced: false }
        const lease = leases.get(commandId)
        if (fence !== undefined && lease !== undefined && lease.until > performance.now() && lease.fence > fence) {
          return { record: known, first: false, fenced: true }
        }
        const record = settle(known, outcome, new Date().toISOString())
        records.set(commandId, record)
        leases.delete(commandId)
        return { record, first: true, fenced: false }
      },
      async claim(commandIds): Promise<Claim[]> {
        return commandIds.map((commandId) => {
          const known = records.get(commandId)
          if (known !== undefined && isSettled(known)) return 'settled'
          const now = performance.now()
          const lease = leases.get(commandId)
          if (lease === undefined || lease.until <= now) {
            const taken = { holder, fence: nextFence(), until: now + LEASE_MS }
            leases.set(commandId, taken)
            return taken.fence
          }
          if (lease.holder !== holder) return 'taken'
          lease.until = now + LEASE_MS
          return lease.fence
        })
      },
      async release(commandId, fence) {
        const lease = leases.get(commandId)
        if (lease?.holder === holder && lease.fence === fence) leases.delete(commandId)
      },
    }
  }
}
