// Authenticators and the rules by which they vote: what can be asked of them and done with them.
import type { Sent } from '../context/commands.ts'
import type { Context, Lookup } from '../context/context.ts'
import type { Found } from '../context/scope.ts'
import type { DeviceRecord } from '../privicore/device.ts'
import {
  authenticator,
  type QuorumStrategy,
  type VotingConfiguration,
  type VotingStrategy,
  votingConfiguration,
} from '../privicore/verified-authenticator.ts'
import { refuse } from './input.ts'

const byIdentifier: Lookup<DeviceRecord> = { list: authenticator.list, id: (record) => record.deviceIdentifier }

/** Policies and votings name a configuration by its id or by its name (privicore.md §8). */
const byConfigurationId: Lookup<VotingConfiguration> = {
  list: votingConfiguration.list,
  id: (record) => record.configurationId,
  alias: (record) => record.name,
  one: votingConfiguration.get,
}

export function listAuthenticators(ctx: Context): Promise<DeviceRecord[]> {
  return ctx.read(authenticator.list, {})
}

export function findAuthenticator(ctx: Context, deviceIdentifier: string): Found<DeviceRecord> {
  return ctx.lookup(byIdentifier, deviceIdentifier)
}

export function registerAuthenticator(ctx: Context, deviceIdentifier: string): Promise<Sent> {
  return ctx.commands.send(authenticator.register, { deviceIdentifier })
}

export function removeAuthenticator(ctx: Context, deviceIdentifier: string): Promise<Sent> {
  return ctx.commands.send(authenticator.remove, { deviceIdentifier })
}

export function findVotingStrategy(ctx: Context): Promise<VotingStrategy | null> {
  return ctx.find(authenticator.strategy, {})
}

export function setQuorumSize(ctx: Context, size: number): Promise<Sent> {
  return ctx.commands.send(authenticator.quorumSize, { size })
}

/**
 * @param percentageRequired 0 to 100
 * @throws VALIDATION_FAILED, without a call, for another percentage
 */
export async function setQuorumStrategy(
  ctx: Context,
  { strategy, percentageRequired }: { strategy: QuorumStrategy; percentageRequired: number },
): Promise<Sent> {
  checkPercentage(percentageRequired)
  return ctx.commands.send(authenticator.quorumStrategy, { strategy, strategy_params: percentageRequired })
}

export function setVotingTimeLimit(ctx: Context, seconds: number): Promise<Sent> {
  return ctx.commands.send(authenticator.timeLimit, { timeLimit: seconds })
}

export function setMaximumVotingAttempts(ctx: Context, attempts: number): Promise<Sent> {
  return ctx.commands.send(authenticator.maxAttempts, { numberOfAttempts: attempts })
}

export function listVotingConfigurations(ctx: Context): Promise<VotingConfiguration[]> {
  return ctx.read(votingConfiguration.list, {})
}

/** By id; by name as well, where no configuration has that id. */
export function findVotingConfiguration(ctx: Context, configurationId: string): Found<VotingConfiguration> {
  return ctx.lookup(byConfigurationId, configurationId)
}

export interface VotingConfigurationInput {
  readonly name: string
  readonly timeLimitSeconds: number
  readonly strategy: QuorumStrategy
  readonly percentageRequired?: number | null | undefined
  readonly deviceIdentifiers: readonly string[]
}

/** What of a configuration is to change: null and nothing leave a field as it is. */
export type VotingConfigurationChange = {
  readonly [Field in keyof VotingConfigurationInput]?: VotingConfigurationInput[Field] | null | undefined
} & { readonly configurationId: string }

/** @throws VALIDATION_FAILED, without a call, where strategy and percentage do not go together */
export async function registerVotingConfiguration(ctx: Context, input: VotingConfigurationInput): Promise<Sent> {
  checkStrategy(input)
  return ctx.commands.send(votingConfiguration.register, {
    name: input.name,
    timeLimit: input.timeLimitSeconds,
    strategy: input.strategy,
    percentageRequired: input.percentageRequired ?? undefined,
    deviceIdentifiers: input.deviceIdentifiers,
  })
}

/** @throws VALIDATION_FAILED, without a call, where strategy and percentage do not go together */
export async function updateVotingConfiguration(ctx: Context, change: VotingConfigurationChange): Promise<Sent> {
  checkStrategy(change)
  return ctx.commands.send(votingConfiguration.update, {
    id: change.configurationId,
    name: change.name ?? undefined,
    timeLimit: change.timeLimitSeconds ?? undefined,
    strategy: change.strategy ?? undefined,
    percentageRequired: change.percentageRequired ?? undefined,
    deviceIdentifiers: change.deviceIdentifiers ?? undefined,
  })
}

/** What registering has made: its id is not answered, but its name is known. The last of that name. */
export async function findRegistered(ctx: Context, name: string): Promise<VotingConfiguration | null> {
  return (await listVotingConfigurations(ctx)).findLast((record) => record.name === name) ?? null
}

/** What an update has made: where the name serves as id, a new name is a new id. */
export async function findUpdated(
  ctx: Context,
  change: VotingConfigurationChange,
): Promise<VotingConfiguration | null> {
  const all = await listVotingConfigurations(ctx)
  return (
    all.find((record) => record.configurationId === change.configurationId) ??
    all.find((record) => record.name === change.configurationId || record.name === change.name) ??
    null
  )
}

/** Whether a record shows the change already; what Privicore does not name is taken to be as asked. */
export function shows(record: VotingConfiguration, change: Partial<VotingConfigurationChange>): boolean {
  const same = <T>(wanted: T | null | undefined, found: T | null) =>
    wanted == null || found === null || wanted === found
  const wantedDevices = change.deviceIdentifiers
  return (
    same(change.name, record.name) &&
    same(change.timeLimitSeconds, record.timeLimitSeconds) &&
    same(change.strategy, record.strategy) &&
    same(change.percentageRequired, record.percentageRequired) &&
    (wantedDevices == null ||
      (wantedDevices.length === record.deviceIdentifiers.length &&
        wantedDevices.every((wanted) => record.deviceIdentifiers.includes(wanted))))
  )
}

function checkStrategy({ strategy, percentageRequired }: Partial<VotingConfigurationChange>): void {
  const percentage = percentageRequired ?? null
  if (strategy === 'minimum_percentage' && percentage === null) {
    refuse('percentageRequired', 'This is needed with the strategy MINIMUM_PERCENTAGE.')
  }
  if (strategy != null && strategy !== 'minimum_percentage' && percentage !== null) {
    refuse('percentageRequired', 'This goes with the strategy MINIMUM_PERCENTAGE alone.')
  }
  if (percentage !== null) checkPercentage(percentage)
}

function checkPercentage(percentage: number): void {
  if (percentage < 0 || percentage > 100) refuse('percentageRequired', 'This must be 0 to 100.')
}
