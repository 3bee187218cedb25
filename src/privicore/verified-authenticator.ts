// Verified authenticators, on the wire (privicore.md §8): the devices that vote, and the rules by which they do.
import {
  type Fields,
  integer,
  isFields,
  listOf,
  Misfit,
  named,
  oneOf,
  requiredText,
  text,
  textsIn,
  word,
} from './decode.ts'
import { toDevice } from './device-record.ts'
import { command, read } from './endpoint.ts'

export type QuorumStrategy = 'unanimous' | 'consensus' | 'affirmative' | 'minimum_percentage'

/** The profile's own rules; what Privicore does not name is null. */
export interface VotingStrategy {
  readonly quorumSize: number | null
  readonly strategy: QuorumStrategy | null
  /** 0 to 100. */
  readonly percentageRequired: number | null
  readonly timeLimitSeconds: number | null
  readonly maximumAttempts: number | null
}

/** Named rules, for policies and votings. */
export interface VotingConfiguration {
  /** The name, where the record has no id. */
  readonly configurationId: string
  readonly name: string
  readonly strategy: QuorumStrategy | null
  /** 0 to 100. */
  readonly percentageRequired: number | null
  readonly timeLimitSeconds: number | null
  /** Empty: every authenticator. */
  readonly deviceIdentifiers: readonly string[]
}

const STRATEGIES: Readonly<Record<string, QuorumStrategy>> = {
  unanimous: 'unanimous',
  unanimity: 'unanimous',
  consensus: 'consensus',
  affirmative: 'affirmative',
  minimum_percentage: 'minimum_percentage',
  percentage: 'minimum_percentage',
}

const sizeOf = named('quorumSize', 'size', 'quorum', 'minimumQuorumSize', 'votingQuorumSize')
const strategyOf = named('quorumStrategy', 'strategy', 'votingStrategy', 'strategyName')
const percentageOf = named(
  'percentageRequired',
  'percentage',
  'strategyParams',
  'strategyParameters',
  'strategyParam',
  'requiredPercentage',
  'minimumPercentage',
  'percent',
)
const timeLimitOf = named(
  'timeLimit',
  'votingTimeLimit',
  'timeLimitSeconds',
  'votingTimeLimitSeconds',
  'timeLimitInSeconds',
)
const attemptsOf = named(
  'numberOfAttempts',
  'maximumAttempts',
  'maximumVotingAttempts',
  'maxAttempts',
  'maxVotingAttempts',
  'maximumNumberOfAttempts',
  'votingAttempts',
  'attempts',
)

function strategy(record: Fields): QuorumStrategy | null {
  return STRATEGIES[word(strategyOf(record)) ?? ''] ?? null
}

/** A number, alone or as the one parameter of its strategy: `66`, `"66"`, `[66]`. */
function percentage(record: Fields): number | null {
  const stated = percentageOf(record)
  return integer(Array.isArray(stated) ? stated[0] : stated)
}

/** Keys unknown (privicore.md §8), so whether some are grouped is not known either: a group's fields count as the record's. */
function ungrouped(record: Fields): Fields {
  const flat: Record<string, unknown> = {}
  for (const value of Object.values(record)) if (isFields(value)) Object.assign(flat, value)
  for (const [key, value] of Object.entries(record)) if (!isFields(value)) flat[key] = value
  return flat
}

function toStrategy(body: unknown): VotingStrategy {
  // No rules at all are no fault: a profile without authenticators has none.
  const said = (Array.isArray(body) && body.length < 2 ? body[0] : body) ?? {}
  if (!isFields(said)) throw new Misfit('strategy', 'an object', said)
  const record = ungrouped(said)
  return {
    quorumSize: integer(sizeOf(record)),
    strategy: strategy(record),
    percentageRequired: percentage(record),
    timeLimitSeconds: integer(timeLimitOf(record)),
    maximumAttempts: integer(attemptsOf(record)),
  }
}

const configurationIdOf = named('id', 'votingConfigurationId', 'configurationId')
const nameOf = named('name')
const devicesOf = named('deviceIdentifiers', 'devices', 'authenticators')
const deviceIdentifiersIn = textsIn('deviceIdentifier', 'deviceId', 'deviceUniqueIdentifier', 'id')

function toVotingConfiguration(record: Fields, place: string): VotingConfiguration {
  const id = text(configurationIdOf(record))
  const name = requiredText(nameOf(record) ?? id, `${place}.name`)
  return {
    configurationId: id ?? name,
    name,
    strategy: strategy(record),
    percentageRequired: percentage(record),
    timeLimitSeconds: integer(timeLimitOf(record)),
    deviceIdentifiers: deviceIdentifiersIn(devicesOf(record)),
  }
}

export const authenticator = {
  register: command('authenticator.register', {
    post: '/verified-authenticator/register',
    form: ['deviceIdentifier'],
    sureness: 'seen',
  }),
  list: read('authenticator.list', {
    get: '/verified-authenticator/list-verified-authenticator',
    sureness: 'seen',
    decode: listOf(toDevice, 'authenticator'),
  }),
  strategy: read('authenticator.strategy', {
    get: '/verified-authenticator/retrieve-strategy',
    sureness: 'seen',
    decode: toStrategy,
  }),
  quorumSize: command('authenticator.quorumSize', {
    post: '/verified-authenticator/set-quorum-size',
    form: ['size'],
    sureness: 'seen',
  }),
  /** strategy_params: percent, 0 to 100. */
  quorumStrategy: command('authenticator.quorumStrategy', {
    post: '/verified-authenticator/set-quorum-strategy',
    form: ['strategy', 'strategy_params'],
    sureness: 'sure',
  }),
  /** timeLimit: seconds. */
  timeLimit: command('authenticator.timeLimit', {
    post: '/verified-authenticator/set-voting-time-limit',
    form: ['timeLimit'],
    sureness: 'sure',
  }),
  maxAttempts: command('authenticator.maxAttempts', {
    post: '/verified-authenticator/set-maximum-voting-attempts',
    form: ['numberOfAttempts'],
    sureness: 'sure',
  }),
  /** The device itself stays. */
  remove: command('authenticator.remove', {
    post: '/verified-authenticator/remove',
    form: ['deviceIdentifier'],
    sureness: 'sure',
  }),
}

export const votingConfiguration = {
  /** timeLimit: seconds; percentageRequired: only with minimum_percentage; deviceIdentifiers: [] is all. */
  register: command('votingConfiguration.register', {
    post: '/verified-authenticator/voting-configuration/register',
    json: ['name', 'timeLimit', 'strategy', 'percentageRequired?', 'deviceIdentifiers'],
    sureness: 'sure',
  }),
  /** The fields of register that change. */
  update: command('votingConfiguration.update', {
    post: '/verified-authenticator/voting-configuration/update',
    json: ['id', 'name?', 'timeLimit?', 'strategy?', 'percentageRequired?', 'deviceIdentifiers?'],
    sureness: 'assumed',
  }),
  list: read('votingConfiguration.list', {
    get: '/verified-authenticator/voting-configuration/list',
    sureness: 'assumed',
    decode: listOf(toVotingConfiguration, 'votingConfiguration'),
  }),
  /** null where the answer holds none. */
  get: read('votingConfiguration.get', {
    get: '/verified-authenticator/voting-configuration/retrieve/{id}',
    sureness: 'assumed',
    decode: oneOf(toVotingConfiguration, 'votingConfiguration'),
  }),
}
