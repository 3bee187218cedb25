// Waiting for the outcome of a command.
import type { CommandRecord } from '../commands/command.ts'
import type { Context } from '../context/context.ts'
import { PrivicoreError } from '../privicore/errors.ts'

/** The command once it has settled; as it is (PENDING) when `timeoutMs` runs out first. */
export async function outcomeOf(
  ctx: Context,
  command: CommandRecord,
  timeoutMs: number | null | undefined,
): Promise<CommandRecord> {
  if (typeof timeoutMs === 'number' && timeoutMs < 0) {
    throw new PrivicoreError('VALIDATION_FAILED', 'outcome: timeoutMs is negative')
  }
  return ctx.commands.settle(command, timeoutMs ?? undefined)
}
