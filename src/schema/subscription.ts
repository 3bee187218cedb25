// Everything that can be followed, as clients see it.

import { dataToken } from '../privicore/data-token.ts'
import { utility } from '../privicore/utility.ts'
import { voting } from '../privicore/voting.ts'
import {
  followCommand,
  followCommands,
  followRequestedData,
  followVotingPool,
  MOST_COMMANDS,
} from '../resolvers/subscription.ts'
import { builder } from './builder.ts'
import { CommandType } from './command.ts'
import { RequestedDataType } from './data-token/data-token.ts'
import { rest } from './rest.ts'
import { VotingPoolType } from './voting.ts'

const ends =
  'Ends with UNAUTHENTICATED when the token ends, and with LIMIT_EXCEEDED when the client reads too slowly. Where it ends without an error and the last state was not final, the gateway is shutting down: subscribe again.'

builder.subscriptionType({
  description:
    'Everything that can be followed, over server-sent events and over WebSocket (graphql-transport-ws): the state now, then each change, then the end.',
})

builder.subscriptionFields((t) => ({
  command: t.field({
    type: CommandType,
    nullable: false,
    description: `The command now, then every change, then the end: after the state that settles it, at once when it has settled. NOT_FOUND for a command that Privicore does not know, or that another caller sent. ${ends}`,
    extensions: { ...rest(utility.requestStatus) },
    args: { commandId: t.arg.id({ required: true, description: "Privicore's id of the command." }) },
    subscribe: (_, { commandId }, ctx) => followCommand(ctx, commandId),
    resolve: (command) => command,
  }),
  commands: t.field({
    type: CommandType,
    nullable: false,
    description: `Several commands at once: the state of each now, then every change of any; ends when the last has settled. At most ${MOST_COMMANDS}. NOT_FOUND when one of them is not the caller's. ${ends}`,
    extensions: { ...rest(utility.requestStatus) },
    args: { commandIds: t.arg.idList({ required: true, description: "Privicore's ids of the commands." }) },
    subscribe: (_, { commandIds }, ctx) => followCommands(ctx, commandIds),
    resolve: (command) => command,
  }),
  votingPool: t.field({
    type: VotingPoolType,
    nullable: false,
    description: `A vote as it stands, then every change; ends when it is APPROVED, DENIED or EXPIRED. NOT_FOUND for an unknown pool. Scope voting. ${ends}`,
    extensions: { ...rest(voting.pool) },
    args: { poolId: t.arg.id({ required: true, description: "Privicore's id of the pool." }) },
    subscribe: (_, { poolId }, ctx) => followVotingPool(ctx, poolId),
    resolve: (pool) => pool,
  }),
  requestedData: t.field({
    type: RequestedDataType,
    nullable: false,
    description: `The data asked for by requestData, when it is ready: one event. Waits also for an id that nothing was asked for with. UPSTREAM_UNAVAILABLE where the gateway has no push channel to receive it by. ${ends}`,
    extensions: { ...rest(dataToken.request) },
    args: { requestId: t.arg.id({ required: true, description: 'The requestId that requestData answered.' }) },
    subscribe: (_, { requestId }, ctx) => followRequestedData(ctx, requestId),
    resolve: (data) => data,
  }),
}))
