// What clients follow: the state first, then its changes, then the end. Knows what each of them ends with.
import type { CommandRecord } from '../commands/command.ts'
import { isSettled } from '../commands/command.ts'
import type { Feed } from '../commands/feed.ts'
import type { Context } from '../context/context.ts'
import { PrivicoreError } from '../privicore/errors.ts'
import { voting } from '../privicore/voting.ts'
import { noPush, type RequestedData } from './transfer.ts'
import type { VotingPool } from './voting.ts'

/** How many commands one subscription may follow: what a bulk action of one screen starts. */
export const MOST_COMMANDS = 25

const gaveUp = (what: string) =>
  new PrivicoreError('DEADLINE_EXCEEDED', `${what}: nobody has settled it for as long as it is watched`, {
    publicMessage:
      'Nothing has happened for as long as the gateway watches. It may still be under way: subscribe again to go on.',
  })

const unknown = () => new PrivicoreError('NOT_FOUND', 'subscription: the command is not known')

/** @throws NOT_FOUND for a command that is unknown, or somebody else's */
export function followCommand(ctx: Context, commandId: string): Promise<Feed<CommandRecord>> {
  return followCommands(ctx, [commandId])
}

/** The same for several; ends when the last has settled. @throws LIMIT_EXCEEDED for too many; NOT_FOUND for any that is not the caller's */
export async function followCommands(ctx: Context, commandIds: readonly string[]): Promise<Feed<CommandRecord>> {
  const wanted = [...new Set(commandIds)]
  if (wanted.length > MOST_COMMANDS) {
    throw new PrivicoreError('LIMIT_EXCEEDED', `subscription: ${wanted.length} commands`, {
      publicMessage: `At most ${MOST_COMMANDS} commands can be followed by one subscription; these are ${wanted.length}.`,
    })
  }
  const known = await Promise.all(wanted.map((commandId) => ctx.commands.know(commandId)))
  if (known.includes(null)) throw unknown()
  return ctx.feed<CommandRecord>(async (feed) => {
    const follower = new CommandsFollower(feed, wanted.length)
    const leaving = await Promise.all(wanted.map((commandId) => ctx.commands.follow(commandId, follower)))
    if (leaving.includes(null)) {
      leaveAll(leaving)()
      throw unknown()
    }
    return leaveAll(leaving)
  })
}

function leaveAll(leaving: readonly ((() => void) | null)[]): () => void {
  return () => {
    for (const leave of leaving) leave?.()
  }
}

/** Tells of commands, and ends with the last. */
class CommandsFollower {
  readonly #feed: Feed<CommandRecord>
  #open: number

  constructor(feed: Feed<CommandRecord>, open: number) {
    this.#feed = feed
    this.#open = open
    if (open === 0) feed.finish()
  }

  now(command: CommandRecord): void {
    this.#feed.push(command)
    if (isSettled(command) && --this.#open === 0) this.#feed.finish()
  }

  settled(command: CommandRecord): void {
    this.now(command)
  }

  gaveUp(): void {
    this.#feed.fail(gaveUp('command'))
  }
}

const OPEN_STATES: readonly VotingPool['state'][] = ['open', 'unknown']

/** @throws NOT_FOUND for an unknown pool; whatever Privicore refuses the caller with */
export function followVotingPool(ctx: Context, poolId: string): Promise<Feed<VotingPool>> {
  return ctx.feed<VotingPool>(async (feed) =>
    ctx.observe(
      voting.pool,
      { poolId },
      {
        changed: (snapshot) => {
          feed.push({ ...snapshot, poolId })
          if (!OPEN_STATES.includes(snapshot.state)) feed.finish()
        },
        failed: (error) => feed.fail(error),
        gaveUp: () => feed.fail(gaveUp('voting pool')),
      },
    ),
  )
}

/**
 * The data of a request, when it is there: one event.
 * @throws UNAUTHENTICATED without a token; UPSTREAM_UNAVAILABLE where no push channel is configured to bring it
 */
export async function followRequestedData(ctx: Context, requestId: string): Promise<Feed<RequestedData>> {
  if (ctx.caller === null) throw new PrivicoreError('UNAUTHENTICATED', 'requestedData: needs a token')
  if (!ctx.data.hasPush && (await ctx.data.find(requestId)) === null) throw noPush()
  return ctx.feed<RequestedData>(async (feed) =>
    ctx.data.follow(requestId, (data) => {
      feed.push(data)
      feed.finish()
    }),
  )
}
