// Votings, as clients see them.
import { voting } from '../privicore/voting.ts'
import { createVoting, findVotingPool, poolOfVoting, type VotingPool } from '../resolvers/voting.ts'
import { builder } from './builder.ts'
import { mutation } from './command.ts'
import { implementNode } from './node.ts'
import { rest } from './rest.ts'

const VotingPoolState = builder.enumType('VotingPoolState', {
  description: 'How far a vote has come. APPROVED, DENIED and EXPIRED are final.',
  values: {
    OPEN: { value: 'open', description: 'Authenticators may vote.' },
    APPROVED: { value: 'approved', description: 'Enough have said yes.' },
    DENIED: { value: 'denied', description: 'Enough have said no.' },
    EXPIRED: { value: 'expired', description: 'The time limit came first.' },
    UNKNOWN: { value: 'unknown', description: 'Privicore did not say, or in a word of its own: see raw.' },
  } as const,
})

export const VotingPoolType = builder.objectRef<VotingPool>('VotingPool')

implementNode(VotingPoolType, {
  description: 'A question that has been put to the authenticators, and their votes so far.',
  id: (pool) => pool.poolId,
  load: (ctx, ids) => Promise.all(ids.map((id) => findVotingPool(ctx, id))),
  fields: (t) => ({
    poolId: t.exposeID('poolId', { nullable: false, description: "Privicore's id of the pool." }),
    state: t.expose('state', { type: VotingPoolState, nullable: false, description: 'How far the vote has come.' }),
    title: t.exposeString('title', { nullable: true, description: 'As it was put to the authenticators.' }),
    question: t.exposeString('question', { nullable: true, description: 'As it was put to the authenticators.' }),
    yes: t.exposeInt('yes', { nullable: true, description: 'How many said yes; null where Privicore does not say.' }),
    no: t.exposeInt('no', { nullable: true, description: 'How many said no; null where Privicore does not say.' }),
    pending: t.exposeInt('pending', {
      nullable: true,
      description: 'How many have not voted; null where that cannot be told.',
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it expires undecided; null where Privicore does not say.',
    }),
    raw: t.expose('raw', {
      type: 'JSON',
      nullable: true,
      description: 'Everything Privicore said of it, as it said it.',
    }),
  }),
})

builder.queryField('votingPool', (t) =>
  t.field({
    type: VotingPoolType,
    nullable: true,
    description: 'A vote as it stands. Null for an unknown pool. Scope voting.',
    extensions: { ...rest(voting.pool) },
    args: { poolId: t.arg.id({ required: true, description: "Privicore's id of the pool." }) },
    resolve: (_, { poolId }, ctx) => findVotingPool(ctx, poolId),
  }),
)

const CreateVotingInput = builder.inputType('CreateVotingInput', {
  description: 'A question for the authenticators.',
  fields: (t) => ({
    votingConfigurationId: t.id({ required: true, description: 'The rules of the vote: configurationId, or a name.' }),
    title: t.string({ required: true, description: 'What the vote is called.' }),
    question: t.string({ required: true, description: 'What is answered by yes or no.' }),
    skipAuthenticatorDevices: t.idList({
      required: true,
      defaultValue: [],
      description: "Privicore's identifiers of the authenticators that are not asked.",
    }),
    nonce: t.string({ description: 'Any text that tells this vote from another; Privicore keeps it.' }),
  }),
})

mutation('createVoting', {
  description: 'Puts a question to the authenticators. An OAuth application may do so too. Scope voting.',
  calls: [voting.create],
  input: CreateVotingInput,
  run: createVoting,
  mayBeCommand: true,
  payloadDescription: 'The answer to createVoting. A pool that Privicore names at once comes with a settled command.',
  fields: (t) => ({
    pool: t.field({
      type: VotingPoolType,
      nullable: true,
      description:
        'The vote. Where Privicore does not name it at once, selecting it waits for the command; null if that was rejected, is still pending when time runs out, or leads to no pool that Privicore knows.',
      extensions: { ...rest(voting.pool) },
      resolve: ({ result }, _, ctx) => (result === null ? null : poolOfVoting(ctx, result)),
    }),
  }),
})
