// The list of data tokens as a Relay connection.
import { dataToken } from '../../privicore/data-token.ts'
import { type DataTokenConnection, type DataTokenEdge, pageOfDataTokens } from '../../resolvers/data-token/page.ts'
import { builder } from '../builder.ts'
import { rest } from '../rest.ts'
import { DataTokenType } from './data-token.ts'

const DataTokenEdgeType = builder.objectRef<DataTokenEdge>('DataTokenEdge').implement({
  description: 'A data token where it stands in the list.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      nullable: false,
      description: 'Pass it as `after` or `before`, with any page size and the same filter; never parse it.',
    }),
    node: t.expose('node', { type: DataTokenType, nullable: false, description: 'The data token.' }),
  }),
})

const DataTokenConnectionType = builder.objectRef<DataTokenConnection>('DataTokenConnection').implement({
  description: 'A page of data tokens.',
  fields: (t) => ({
    edges: t.field({
      type: [DataTokenEdgeType],
      nullable: false,
      description: 'The page, with cursors.',
      resolve: ({ edges }) => edges,
    }),
    nodes: t.field({
      type: [DataTokenType],
      nullable: false,
      description: 'The page, without cursors.',
      resolve: ({ edges }) => edges.map(({ node }) => node),
    }),
    pageInfo: t.field({
      type: builder.pageInfoRef(),
      nullable: false,
      description: 'Where the page stands in the list.',
      resolve: async (connection) => ({
        hasPreviousPage: connection.hasPreviousPage,
        hasNextPage: await connection.hasNextPage(),
        startCursor: connection.edges[0]?.cursor ?? null,
        endCursor: connection.edges.at(-1)?.cursor ?? null,
      }),
    }),
    totalCount: t.exposeInt('totalCount', {
      nullable: true,
      description: 'How many match on all pages; null where Privicore does not say.',
    }),
  }),
})

const DataTokenFilterInput = builder.inputType('DataTokenFilter', {
  description: 'Only data tokens of which all of these are so. Privicore decides how it compares.',
  fields: (t) => ({
    fileName: t.string({ description: 'Name of the file.' }),
    extension: t.string({ description: 'Extension of the file, without a dot.' }),
    dataType: t.string({ description: 'Type of the data: meta.data.type.' }),
    context: t.string({ description: 'What the data belongs to.' }),
    token: t.id({ description: 'The permanent token.' }),
  }),
})

builder.queryField('dataTokens', (t) =>
  t.field({
    type: DataTokenConnectionType,
    nullable: true,
    description:
      'The data tokens of the profile, page by page in either direction, in the order of Privicore. first is 25 when neither first nor last is given. Sizes out of bounds and cursors that are none are errors, BAD_USER_INPUT.',
    extensions: { ...rest(dataToken.list) },
    args: {
      first: t.arg.int({ description: 'How many from the start, or from `after`: 0 to 200.' }),
      after: t.arg.string({ description: 'Only what comes after this cursor.' }),
      last: t.arg.int({ description: 'How many from the end, or before `before`: 0 to 200. Not together with first.' }),
      before: t.arg.string({ description: 'Only what comes before this cursor.' }),
      filter: t.arg({ type: DataTokenFilterInput, description: 'Only those that match.' }),
    },
    resolve: (_, args, ctx) => pageOfDataTokens(ctx, args),
  }),
)
