// Knows the life of an asynchronous command, from its acceptance to its outcome (privicore.md section 1.1).
import type { Dialect } from './dialect.ts'
import { malformed, uuid } from './ids.ts'
import type { Profile, State } from './state.ts'
import type { Timers } from './timers.ts'

export const PENDING = 1
export const SUCCEEDED = 2
export const REJECTED = 3

export interface Command {
  id: string
  endpoint: string
  /** Null when a profile is being registered. */
  profile: Profile | null
  status: typeof PENDING | typeof SUCCEEDED | typeof REJECTED
  reason: string | null
  acceptedAt: number
  settledAt: number | null
  /** What it made, for the follow-up call that has the command id as its key. */
  result: string | null
  /** The vote that decides it, if there is one. */
  poolId: string | null
  plan: Plan
}

export interface Plan {
  /** Business validation before anything waits. Throws Rejected. */
  check?: (command: Command) => void
  /** True: it stays pending for now. */
  stays?: () => boolean
  /** Validates, then changes the state, and leaves what a follow-up will ask for as the result. Throws Rejected. */
  apply: (command: Command) => void
  /** Its id is the key of a follow-up call: it is never answered without one. */
  keyed?: boolean
  /** Takes several times as long as others. */
  slow?: boolean
}

/** Thrown by a plan: the command is rejected with this dotted reason. */
export class Rejected extends Error {
  readonly reason: string

  constructor(reason: string) {
    super(reason)
    this.reason = reason
  }
}

export interface Outcome {
  rejected?: string
}

export interface CommandHooks {
  latencyMs: () => number
  lagMs: () => number
  /** Opens the vote that an active policy demands; false when none does. */
  openVote: (command: Command) => boolean
  changed: (command: Command) => void
}

const SLOW_FACTOR = 4

/** Takes the place of a plan, so that a settled command does not keep the payload it was sent with. */
const CARRIED_OUT: Plan = { apply: () => undefined }

export class Commands {
  readonly byId = new Map<string, Command>()
  readonly #rejections: { endpoint: string; reason: string; left: number }[] = []
  readonly #holds: { endpoint: string; commands: Set<Command> }[] = []
  readonly #state: State
  readonly #dialect: Dialect
  readonly #timers: Timers
  readonly #hooks: CommandHooks

  constructor(state: State, dialect: Dialect, timers: Timers, hooks: CommandHooks) {
    this.#state = state
    this.#dialect = dialect
    this.#timers = timers
    this.#hooks = hooks
  }

  create(endpoint: string, profile: Profile | null, plan: Plan): Command {
    const id = this.#dialect.ids === 'malformed' ? malformed(uuid()) : uuid()
    const command: Command = {
      id,
      endpoint,
      profile,
      status: PENDING,
      reason: null,
      acceptedAt: Date.now(),
      settledAt: null,
      result: null,
      poolId: null,
      plan,
    }
    this.byId.set(id, command)
    return command
  }

  /** Settles it after the usual latency. */
  schedule(command: Command): void {
    const factor = command.plan.slow ? SLOW_FACTOR : 1
    this.#timers.after(this.#hooks.latencyMs() * factor, () => this.attempt(command))
  }

  /** Carries the command out, unless something makes it wait. */
  attempt(command: Command): void {
    if (command.status !== PENDING || command.poolId !== null) return
    const hold = this.#holds.find(({ endpoint }) => endpoint === command.endpoint)
    if (hold) {
      hold.commands.add(command)
      return
    }
    const ordered = this.#rejections.find(({ endpoint, left }) => endpoint === command.endpoint && left > 0)
    if (ordered) {
      ordered.left -= 1
      this.settle(command, { rejected: ordered.reason })
      return
    }
    try {
      command.plan.check?.(command)
    } catch (error) {
      this.settle(command, { rejected: reasonOf(error) })
      return
    }
    if (command.plan.stays?.() || this.#hooks.openVote(command)) return
    this.settle(command)
  }

  /** Settles it now, whatever it was waiting for. Does nothing to a command that has settled. */
  settle(command: Command, outcome: Outcome = {}): void {
    if (command.status !== PENDING) return
    try {
      if (outcome.rejected !== undefined) throw new Rejected(outcome.rejected)
      if (command.profile) this.#state.keepPast(command.profile, this.#hooks.lagMs())
      command.plan.apply(command)
      command.status = SUCCEEDED
    } catch (error) {
      command.reason = reasonOf(error)
      command.status = REJECTED
    }
    command.settledAt = Date.now()
    command.plan = CARRIED_OUT
    this.#hooks.changed(command)
  }

  reject(endpoint: string, reason: string, times: number): void {
    this.#rejections.push({ endpoint, reason, left: times })
  }

  hold(endpoint: string): { release(): void } {
    const hold = { endpoint, commands: new Set<Command>() }
    this.#holds.push(hold)
    return {
      release: () => {
        const index = this.#holds.indexOf(hold)
        if (index >= 0) this.#holds.splice(index, 1)
        for (const command of hold.commands) this.attempt(command)
        hold.commands.clear()
      },
    }
  }

  /** Forgets ordered rejections and lets held commands go. */
  clearOrders(): void {
    this.#rejections.length = 0
    for (const hold of this.#holds.splice(0)) {
      for (const command of hold.commands) this.attempt(command)
    }
  }

  /** What the command of a follow-up call made; null until it can be seen. */
  result(id: string, endpoint: string, profileId?: string): string | null {
    const command = this.byId.get(id)
    if (!command || command.endpoint !== endpoint || command.status !== SUCCEEDED) return null
    if (profileId !== undefined && command.profile?.profileId !== profileId) return null
    return Date.now() >= (command.settledAt ?? 0) + this.#hooks.lagMs() ? command.result : null
  }
}

/** A defect of the sandbox must not pass for a business rejection. */
function reasonOf(error: unknown): string {
  if (error instanceof Rejected) return error.reason
  throw error
}
