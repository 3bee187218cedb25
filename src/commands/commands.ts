// Following commands from 202 to their outcome, within this process. Knows the wire's answers, not GraphQL.
import { randomUUID } from 'node:crypto'
import { hasCode } from '../privicore/errors.ts'
import { pause } from '../privicore/pause.ts'
import type { CommandReport, StatusPoller } from '../privicore/utility.ts'
import { type CommandRecord, isSettled } from './command.ts'

/** A fresh id can be unknown to Privicore for a moment (privicore.md §1.2). */
const UNKNOWN_IS_PENDING_MS = 2_000

export interface CommandsOptions {
  readonly poller: StatusPoller
  /** First and longest pause between two polls of a command. */
  readonly pollMinMs: number
  readonly pollMaxMs: number
}

export class Commands {
  readonly #options: CommandsOptions
  readonly #records = new Map<string, CommandRecord>()

  constructor(options: CommandsOptions) {
    this.#options = options
  }

  /** Records a command that Privicore has accepted; without an id it has completed already. */
  accepted(operation: string, commandId: string | null, owner: string | null): CommandRecord {
    const now = new Date().toISOString()
    const record: CommandRecord = {
      commandId: commandId ?? randomUUID(),
      operation,
      owner,
      status: commandId === null ? 'SUCCEEDED' : 'PENDING',
      reason: null,
      acceptedAt: now,
      settledAt: commandId === null ? now : null,
    }
    this.#records.set(record.commandId, record)
    return record
  }

  /** The command as it is now, with at most one poll. null when it is unknown, or somebody else's. */
  async find(commandId: string, owner: string | null, signal?: AbortSignal): Promise<CommandRecord | null> {
    const known = this.#records.get(commandId)
    if (known !== undefined && known.owner !== null && known.owner !== owner) return null
    if (known !== undefined && isSettled(known)) return known
    return this.#poll(commandId, signal)
  }

  /** Waits until the command settles, at most `timeoutMs`; then it is still PENDING. @throws when the signal aborts */
  async settled(commandId: string, timeoutMs: number, signal?: AbortSignal): Promise<CommandRecord | null> {
    const until = performance.now() + timeoutMs
    for (let wait = this.#options.pollMinMs; ; wait = Math.min(wait * 2, this.#options.pollMaxMs)) {
      const known = this.#records.get(commandId) ?? null
      const left = until - performance.now()
      if (known === null || isSettled(known) || left <= 0) return known
      await pause(Math.min(left, wait * (0.75 + Math.random() / 2)), signal)
      await this.#poll(commandId, signal).catch((error: unknown) => {
        // No outcome: the next poll may bring one.
        if (signal?.aborted || !isTransient(error)) throw error
      })
    }
  }

  async #poll(commandId: string, signal?: AbortSignal): Promise<CommandRecord | null> {
    const report = await this.#options.poller.poll(commandId, { signal })
    const known = this.#records.get(commandId)
    if (known !== undefined && isSettled(known)) return known
    const next = apply(known ?? null, commandId, report)
    if (next !== null && known !== undefined) this.#records.set(commandId, next)
    return next
  }
}

function isTransient(error: unknown): boolean {
  return (
    hasCode(error, 'UPSTREAM_UNAVAILABLE') ||
    hasCode(error, 'UPSTREAM_TIMEOUT') ||
    hasCode(error, 'UPSTREAM_PROTOCOL') ||
    hasCode(error, 'RATE_LIMITED')
  )
}

function apply(known: CommandRecord | null, commandId: string, report: CommandReport): CommandRecord | null {
  const base = known ?? {
    commandId,
    operation: null,
    owner: null,
    reason: null,
    acceptedAt: null,
    settledAt: null,
    status: 'PENDING' as const,
  }
  const settledAt = new Date().toISOString()
  switch (report.state) {
    case 'pending':
      return base
    case 'succeeded':
      return { ...base, status: 'SUCCEEDED', settledAt }
    case 'rejected':
      return { ...base, status: 'REJECTED', reason: report.reason, settledAt }
    case 'unknown': {
      if (known === null) return null
      const age = known.acceptedAt === null ? 0 : Date.now() - Date.parse(known.acceptedAt)
      // The older server forgets what it has rejected.
      return age < UNKNOWN_IS_PENDING_MS ? known : { ...base, status: 'REJECTED', settledAt }
    }
  }
}
