// Everything that one run of the bench has measured.
import type { Added, Calls, Latency, Scale, Start, Table } from './measure.ts'
import type { Plan } from './plan.ts'
import type { QueryName } from './rows.ts'

export interface Results {
  readonly plan: Plan
  readonly machine: {
    readonly node: string
    readonly cpu: string
    readonly cores: number
    readonly pinned: boolean
    readonly load: string
    /** Names queries and rows. */
    readonly fingerprint: string
    /** What else ran on the machine just before, per core: 1 is one busy core. */
    readonly loadAverage: number
  }
  readonly titles: ReadonlyMap<string, string>
  readonly kinds: ReadonlyMap<string, 'floor' | 'gateway' | 'peer'>
  readonly notes: readonly string[]
  readonly calls: Calls
  readonly cold: Table
  readonly slow: Table
  readonly warm: Table
  readonly unique: Table
  /** Runs beside `unique`, with users in turn. */
  readonly turn: Table
  readonly info: Table
  /** Of the gateway and of the composing floor, each at 70 % of its own highest rate; empty when it was not measured. */
  readonly rates: Map<string, Partial<Record<QueryName, Latency>>>
  readonly added: Added
  /** MiB; null when it was not measured. */
  readonly memory: { readonly cold: number; readonly warm: number } | null
  readonly starts: readonly Start[]
  /** null where it could not be measured. */
  readonly scale: Scale | null
}
