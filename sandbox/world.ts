// Knows what every area works with: the state, the commands, the votes, the dialect. Answers a command as the dialect says.
import type { Answer } from './answers.ts'
import type { Blob, Blobs } from './blobs.ts'
import { type Command, type Commands, type Plan, SUCCEEDED } from './commands.ts'
import type { Dialect } from './dialect.ts'
import type { Pools } from './pools.ts'
import type { Push } from './push.ts'
import type { Profile, State } from './state.ts'
import type { Timers } from './timers.ts'

export interface World {
  dialect: Dialect
  state: State
  commands: Commands
  pools: Pools
  push: Push
  blobs: Blobs
  timers: Timers
  tokenLifetimeMs: number
  lagMs: () => number
  upstreamUrl: () => string
  downstreamUrl: () => string
  /** A single-use auth token of the downstream host for these bytes. */
  offer: (blob: Blob) => string
}

/** The header as the reference writes it. */
export const COMMAND_HEADER = 'X-Dpt-Cab-Id'

/** Accepts a command of this endpoint and answers with its id. */
export function accept(
  world: World,
  endpoint: string,
  profile: Profile | null,
  plan: Plan,
  shape = world.dialect.commandBody,
): Answer {
  const command = begin(world, endpoint, profile, plan)
  const { dialect } = world
  // A refusal still has to be told, and only a command can: business validation never answers at once (section 1.1).
  if (dialect.acceptedStatus === '200-completed' && !plan.keyed && command.status === SUCCEEDED) return { status: 200 }
  return accepted(dialect, command.id, shape)
}

/** A command under way, its outcome on the clock. Its answer is up to the caller. */
export function begin(world: World, endpoint: string, profile: Profile | null, plan: Plan): Command {
  const command = world.commands.create(endpoint, profile, plan)
  world.push.progress(command)
  const atOnce = world.push.controls.ackBefore202 || (world.dialect.acceptedStatus === '200-completed' && !plan.keyed)
  if (atOnce) world.commands.attempt(command)
  else world.commands.schedule(command)
  return command
}

export function accepted(dialect: Dialect, id: string, shape = dialect.commandBody): Answer {
  const status = dialect.acceptedStatus === '200-with-id' ? 200 : 202
  const needsHeader = shape === 'none' || dialect.commandHeader === 'present'
  return { status, body: commandBody(shape, id), headers: needsHeader ? { [COMMAND_HEADER]: id } : {} }
}

function commandBody(shape: Dialect['commandBody'], id: string): unknown {
  switch (shape) {
    case 'array':
      return [id]
    case 'string':
      return id
    case 'commandId':
      return { commandId: id }
    case 'headerName':
      return { 'X-DPT-CAB-ID': id }
    case 'none':
      return undefined
  }
}
