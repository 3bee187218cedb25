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

export function isSettled(command: CommandRecord): boolean {
  return command.status !== 'PENDING'
}
