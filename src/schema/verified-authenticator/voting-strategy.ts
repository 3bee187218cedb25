// The profile's own voting rules, as clients see them.
import { authenticator, type VotingStrategy } from '../../privicore/verified-authenticator.ts'
import {
  findVotingStrategy,
  setMaximumVotingAttempts,
  setQuorumSize,
  setQuorumStrategy,
  setVotingTimeLimit,
} from '../../resolvers/verified-authenticator.ts'
import { builder } from '../builder.ts'
import { afterSuccess, commandMutation } from '../command.ts'
import { ahead, rest } from '../rest.ts'

export const QuorumStrategyEnum = builder.enumType('QuorumStrategy', {
  description: 'Which share of the votes approves.',
  values: {
    UNANIMOUS: { value: 'unanimous', description: 'All of them.' },
    CONSENSUS: { value: 'consensus', description: 'More than half.' },
    AFFIRMATIVE: { value: 'affirmative', description: 'At least one.' },
    MINIMUM_PERCENTAGE: { value: 'minimum_percentage', description: 'At least percentageRequired percent.' },
  } as const,
})

const VotingStrategyType = builder.objectRef<VotingStrategy>('VotingStrategy').implement({
  description: 'How the authenticators of the profile vote where no voting configuration says otherwise.',
  fields: (t) => ({
    quorumSize: t.exposeInt('quorumSize', {
      nullable: true,
      description: 'How many authenticators take part at least; null where Privicore does not say.',
    }),
    strategy: t.expose('strategy', {
      type: QuorumStrategyEnum,
      nullable: true,
      description: 'Which share of the votes approves; null where Privicore does not say.',
    }),
    percentageRequired: t.exposeInt('percentageRequired', {
      nullable: true,
      description: 'Percent, 0 to 100; it counts with MINIMUM_PERCENTAGE.',
    }),
    timeLimitSeconds: t.exposeInt('timeLimitSeconds', {
      nullable: true,
      description: 'Seconds until a vote that nobody has decided expires.',
    }),
    maximumAttempts: t.exposeInt('maximumAttempts', {
      nullable: true,
      description: 'How often a vote may be attempted.',
    }),
  }),
})

builder.queryField('votingStrategy', (t) =>
  t.field({
    type: VotingStrategyType,
    nullable: true,
    description:
      'How the authenticators of the profile vote; null where Privicore keeps no rules for it. Scope verified_authenticator.',
    extensions: { ...rest(authenticator.strategy), ...ahead(authenticator.strategy) },
    resolve: (_, __, ctx) => findVotingStrategy(ctx),
  }),
)

const SetQuorumSizeInput = builder.inputType('SetQuorumSizeInput', {
  description: 'A new quorum size.',
  fields: (t) => ({
    size: t.int({ required: true, description: 'How many authenticators must take part at least.' }),
  }),
})

const SetQuorumStrategyInput = builder.inputType('SetQuorumStrategyInput', {
  description: 'A new strategy.',
  fields: (t) => ({
    strategy: t.field({
      type: QuorumStrategyEnum,
      required: true,
      description: 'Which share of the votes shall approve.',
    }),
    percentageRequired: t.int({
      required: true,
      description: 'Percent, 0 to 100: checked before it is sent. It counts with MINIMUM_PERCENTAGE.',
    }),
  }),
})

const SetVotingTimeLimitInput = builder.inputType('SetVotingTimeLimitInput', {
  description: 'A new time limit.',
  fields: (t) => ({
    seconds: t.int({ required: true, description: 'Seconds until a vote that nobody has decided expires.' }),
  }),
})

const SetMaximumVotingAttemptsInput = builder.inputType('SetMaximumVotingAttemptsInput', {
  description: 'A new number of attempts.',
  fields: (t) => ({ attempts: t.int({ required: true, description: 'How often a vote may be attempted.' }) }),
})

const votingStrategy = {
  type: VotingStrategyType,
  description: 'The rules as they are now.',
} as const

/** Privicore may not name the value, or not yet show it; the one waits for nothing, the other is read again. */
const shows = <T>(wanted: T, found: T | null) => found === null || found === wanted

commandMutation('setQuorumSize', {
  description: 'Sets how many authenticators must take part in a vote. Scope verified_authenticator.',
  calls: [authenticator.quorumSize],
  input: SetQuorumSizeInput,
  renamed: { quorumSize: 'size' },
  run: (ctx, { size }) => setQuorumSize(ctx, size),
  fields: (t) => ({
    votingStrategy: afterSuccess(t, {
      ...votingStrategy,
      find: findVotingStrategy,
      current: (found, { input }) => shows(input.size, found.quorumSize),
    }),
  }),
})

commandMutation('setQuorumStrategy', {
  description: 'Sets which share of the votes approves. Scope verified_authenticator.',
  calls: [authenticator.quorumStrategy],
  input: SetQuorumStrategyInput,
  renamed: { strategyParams: 'percentageRequired', percentage: 'percentageRequired', quorumStrategy: 'strategy' },
  run: setQuorumStrategy,
  fields: (t) => ({
    votingStrategy: afterSuccess(t, {
      ...votingStrategy,
      find: findVotingStrategy,
      current: (found, { input }) =>
        shows(input.strategy, found.strategy) &&
        // Where the percentage does not count, Privicore may not keep it.
        (input.strategy !== 'minimum_percentage' || shows(input.percentageRequired, found.percentageRequired)),
    }),
  }),
})

commandMutation('setVotingTimeLimit', {
  description: 'Sets how long a vote stays open. Scope verified_authenticator.',
  calls: [authenticator.timeLimit],
  input: SetVotingTimeLimitInput,
  renamed: { timeLimit: 'seconds', votingTimeLimit: 'seconds' },
  run: (ctx, { seconds }) => setVotingTimeLimit(ctx, seconds),
  fields: (t) => ({
    votingStrategy: afterSuccess(t, {
      ...votingStrategy,
      find: findVotingStrategy,
      current: (found, { input }) => shows(input.seconds, found.timeLimitSeconds),
    }),
  }),
})

commandMutation('setMaximumVotingAttempts', {
  description: 'Sets how often a vote may be attempted. Scope verified_authenticator.',
  calls: [authenticator.maxAttempts],
  input: SetMaximumVotingAttemptsInput,
  renamed: { numberOfAttempts: 'attempts', maximumVotingAttempts: 'attempts' },
  run: (ctx, { attempts }) => setMaximumVotingAttempts(ctx, attempts),
  fields: (t) => ({
    votingStrategy: afterSuccess(t, {
      ...votingStrategy,
      find: findVotingStrategy,
      current: (found, { input }) => shows(input.attempts, found.maximumAttempts),
    }),
  }),
})
