// Storing a small payload in one request, as clients see it.
import { dataToken } from '../../privicore/data-token.ts'
import { describeStored, storeData } from '../../resolvers/data-token/store-data.ts'
import { builder } from '../builder.ts'
import { CommandType, mutation } from '../command.ts'
import { rest } from '../rest.ts'
import { DataTokenType, TemporaryDataTokenType } from './data-token.ts'

const StoreDataStep = builder.enumType('StoreDataStep', {
  description: 'The steps of storeData, in their order.',
  values: {
    RESERVE: { description: 'A space is reserved. Nothing is stored yet: start again.' },
    EXCHANGE: {
      description: 'The space is filled. May be pending for a vote: follow the command, then configureDataTokenFile.',
    },
    CONFIGURE: { description: 'The token is made permanent. The data is stored: go on with configureDataTokenFile.' },
  } as const,
})

const StoreDataInput = builder.inputType('StoreDataInput', {
  description: 'A small payload, and what it is.',
  fields: (t) => ({
    data: t.field({
      type: 'Byte',
      required: true,
      description:
        'Ciphertext: IV, ciphertext, authentication tag. At most 51,200 bytes; for more, use reserveTokenSpace and its uploadUrl.',
    }),
    context: t.string({ required: true, description: 'What the data belongs to, e.g. contracts.' }),
    ttlMinutes: t.int({
      defaultValue: 5,
      description: 'How long the space waits for its data, in minutes. Give more where the exchange waits for a vote.',
    }),
    fileName: t.string({ required: true, description: 'Name of the file.' }),
    extension: t.string({ required: true, description: 'Its extension, without a dot.' }),
    path: t.string({ required: true, defaultValue: '/', description: 'The folder to show it in.' }),
  }),
})

mutation('storeData', {
  description:
    'One payload of at most 50 KB, from ciphertext to permanent token, in one request. Waits for each step, stops at the first that is refused, fails or is still pending, and repeats none. What fails before anything was accepted is an error of the whole mutation; later, of dataToken.',
  calls: [dataToken.reserve, dataToken.temporary, dataToken.exchange, dataToken.fileMeta],
  input: StoreDataInput,
  renamed: { ttl: 'ttlMinutes' },
  run: storeData,
  refusal: (result) => result.refusal,
  fields: (t) => ({
    dataToken: t.field({
      type: DataTokenType,
      nullable: true,
      description: 'The stored data; null where a step stopped. What made a step fail is an error here.',
      extensions: { ...rest(dataToken.list) },
      resolve: ({ result }, _, ctx) => (result === null ? null : describeStored(ctx, result)),
    }),
    temporaryDataToken: t.field({
      type: TemporaryDataTokenType,
      nullable: true,
      description: 'The space, once RESERVE is done: where a later step stopped, go on with it.',
      resolve: ({ result }) => result?.temporary,
    }),
    stoppedAt: t.field({
      type: StoreDataStep,
      nullable: true,
      description: 'The step that was refused, failed or is still pending; null when all is done.',
      resolve: ({ result }) => result?.stoppedAt,
    }),
    command: t.field({
      type: CommandType,
      nullable: true,
      description:
        'The command of the last step begun, or of the one before it where that step could not be sent: its `operation` says which.',
      resolve: ({ result }) => result?.command,
    }),
  }),
})
