// Votings: questions put to the authenticators, and the pools that collect their votes.
import type { Sent } from '../context/commands.ts'
import type { Context } from '../context/context.ts'
import { type VotingPoolSnapshot, voting } from '../privicore/voting.ts'

export interface VotingPool extends VotingPoolSnapshot {
  readonly poolId: string
}

/** null where Privicore does not know the pool. */
export async function findVotingPool(ctx: Context, poolId: string): Promise<VotingPool | null> {
  const snapshot = await ctx.find(voting.pool, { poolId })
  return snapshot && { ...snapshot, poolId }
}

export interface VotingInput {
  readonly votingConfigurationId: string
  readonly title: string
  readonly question: string
  readonly skipAuthenticatorDevices: readonly string[]
  readonly nonce?: string | null | undefined
}

/** What comes beside the command is the pool's id, where Privicore names it at once. */
export function createVoting(ctx: Context, input: VotingInput): Promise<Sent<string | undefined>> {
  return ctx.commands.send(voting.create, {
    votingConfigurationId: input.votingConfigurationId,
    question: input.question,
    title: input.title,
    skipAuthenticatorDevices: input.skipAuthenticatorDevices,
    nonce: input.nonce ?? undefined,
  })
}

/**
 * The pool of a voting. Where Privicore named only a command, its id is tried as the pool's once it has succeeded
 * (privicore.md §10); null where that is not known.
 */
export async function poolOfVoting(ctx: Context, sent: Sent<string | undefined>): Promise<VotingPool | null> {
  const { command, beside: poolId } = sent
  const named = poolId === undefined ? null : await findVotingPool(ctx, poolId)
  return named ?? ctx.commands.afterSuccess(command, () => findVotingPool(ctx, poolId ?? command.commandId))
}
