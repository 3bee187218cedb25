// What the gateway knows of one command. Knows neither how its outcome is learnt nor who waits for it.

export type CommandStatus = 'PENDING' | 'SUCCEEDED' | 'REJECTED'

export interface CommandRecord {
  /** Privicore's id, or one of the gateway's own where Privicore completed at once and gave none. */
  readonly commandId: string
  /** Catalogue id of the call that started it; null when another client started it. */
  readonly operation: string | null
  /** Digest of the token that sent it; null when it was sent without one (registration) or by another client. */
  readonly owner: string | null
  readonly status: CommandStatus
  /** Why it was rejected. */
  readonly reason: string | null
  /** RFC 3339. */
  readonly acceptedAt: string | null
  readonly settledAt: string | null
}

/** How a command ended: final, whoever says so first. */
export interface Outcome {
  readonly status: 'SUCCEEDED' | 'REJECTED'
  readonly reason: string | null
}

export function isSettled(command: CommandRecord): boolean {
  return command.status !== 'PENDING'
}

/** A command that was found at Privicore, not sent through the gateway: nothing is known of its beginning. */
export function foundCommand(commandId: string): CommandRecord {
  return {
    commandId,
    operation: null,
    owner: null,
    status: 'PENDING',
    reason: null,
    acceptedAt: null,
    settledAt: null,
  }
}

/** The record with its outcome; unchanged when it has one already. */
export function settle(command: CommandRecord, outcome: Outcome, at: string): CommandRecord {
  return isSettled(command) ? command : { ...command, ...outcome, settledAt: at }
}

const textOrNull = (value: unknown) => value === null || typeof value === 'string'

/** A record that comes from another instance; null for what is none. */
export function toCommandRecord(value: unknown): CommandRecord | null {
  if (typeof value !== 'object' || value === null) return null
  const record = value as Record<keyof CommandRecord, unknown>
  const fits =
    typeof record.commandId === 'string' &&
    (record.status === 'PENDING' || record.status === 'SUCCEEDED' || record.status === 'REJECTED') &&
    [record.operation, record.owner, record.reason, record.acceptedAt, record.settledAt].every(textOrNull)
  if (!fits) return null
  const { commandId, operation, owner, status, reason, acceptedAt, settledAt } = value as CommandRecord
  return { commandId, operation, owner, status, reason, acceptedAt, settledAt }
}
