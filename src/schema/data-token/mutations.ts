// What can be done with data tokens, as clients see it.
import { type DataRequest, dataToken } from '../../privicore/data-token.ts'
import {
  configureFile,
  configureRisk,
  dataOf,
  deleteData,
  exchangeDataForToken,
  readTemporaryDataToken,
  requestData,
  reserveTokenSpace,
  shows,
  updateDataToken,
} from '../../resolvers/data-token/commands.ts'
import { findDataToken } from '../../resolvers/data-token/find.ts'
import { builder } from '../builder.ts'
import { afterSuccess, commandMutation, mutation } from '../command.ts'
import { encodeNodeId } from '../node-id.ts'
import { DataTokenType, RequestedDataType, TemporaryDataTokenType } from './data-token.ts'

const ciphertext = 'Ciphertext: IV, ciphertext, authentication tag. At most about 50 KB.'

const ReserveTokenSpaceInput = builder.inputType('ReserveTokenSpaceInput', {
  description: 'A space for data to come.',
  fields: (t) => ({
    context: t.string({ required: true, description: 'What the data belongs to, e.g. contracts.' }),
    ttlMinutes: t.int({
      defaultValue: 5,
      description: 'How long the space waits for its data, in minutes. Privicore refuses large values (300, for one).',
    }),
    meta: t.field({ type: 'JSON', description: 'Free metadata: an object.' }),
  }),
})

commandMutation('reserveTokenSpace', {
  description:
    'Reserves a space for data. Fill it with exchangeDataForToken (up to about 50 KB) or by its uploadUrl, before its ttl ends.',
  calls: [dataToken.reserve],
  input: ReserveTokenSpaceInput,
  renamed: { ttl: 'ttlMinutes' },
  run: reserveTokenSpace,
  fields: (t) => ({
    temporaryDataToken: afterSuccess(t, {
      type: TemporaryDataTokenType,
      description: 'The space.',
      calls: [dataToken.temporary],
      find: (ctx, { result }) => readTemporaryDataToken(ctx, result.command.commandId),
    }),
  }),
})

const ExchangeDataForTokenInput = builder.inputType('ExchangeDataForTokenInput', {
  description: 'data is ciphertext: IV, ciphertext, authentication tag.',
  fields: (t) => ({
    temporaryToken: t.id({ required: true, description: 'token of a temporaryDataToken.' }),
    data: t.field({ type: 'Byte', required: true, description: ciphertext }),
  }),
})

commandMutation('exchangeDataForToken', {
  description:
    'Fills a reserved space with a small payload. Stays PENDING while it waits for a vote, and for ever where the profile has no storage device. REJECTED once the space has expired. Then configureDataTokenFile makes the token permanent.',
  calls: [dataToken.exchange],
  input: ExchangeDataForTokenInput,
  renamed: { temporaryTokenSpace: 'temporaryToken' },
  run: (ctx, { temporaryToken, data }) => exchangeDataForToken(ctx, temporaryToken, data),
})

const RequestDataInput = builder.inputType('RequestDataInput', {
  description: 'Names the data that is wanted.',
  fields: (t) => ({ token: t.id({ required: true, description: 'The permanent token.' }) }),
})

commandMutation('requestData', {
  description:
    'Asks the storage devices for data. It arrives later: as `data` here, or by the requestedData subscription. May wait for a vote.',
  calls: [dataToken.request],
  input: RequestDataInput,
  run: (ctx, { token }) => requestData(ctx, token),
  fields: (t) => ({
    requestId: t.id({
      nullable: true,
      description: "Privicore's id of the request, for the requestedData subscription.",
      resolve: ({ result }) => (result?.beside as DataRequest | undefined)?.requestId,
    }),
    data: t.field({
      type: RequestedDataType,
      nullable: true,
      description:
        'The data. Selecting it waits, within the deadline of the request. An error, UPSTREAM_UNAVAILABLE, where the gateway has no push channel to receive it by.',
      resolve: ({ result }, _, ctx) => (result === null ? null : dataOf(ctx, result)),
    }),
  }),
})

const ConfigureDataTokenRiskInput = builder.inputType('ConfigureDataTokenRiskInput', {
  description: 'How sensitive the data is.',
  fields: (t) => ({
    token: t.id({ required: true, description: 'The permanent token.' }),
    classification: t.string({ required: true, description: 'Class, e.g. confidential.' }),
    label: t.string({ required: true, description: 'What to show beside it.' }),
    handling: t.string({ required: true, description: 'How it is to be handled.' }),
    extra: t.field({ type: 'JSON', description: 'Free fields beside those: an object, one field per key.' }),
  }),
})

commandMutation('configureDataTokenRisk', {
  description: 'Says how sensitive data is: in place of what was said before.',
  calls: [dataToken.riskMeta],
  input: ConfigureDataTokenRiskInput,
  run: configureRisk,
  fields: (t) => ({
    dataToken: afterSuccess(t, {
      type: DataTokenType,
      description: 'The data token as it is now.',
      calls: [dataToken.list],
      find: (ctx, { input }) => findDataToken(ctx, input.token),
      current: (found, { input: { classification, label, handling } }) =>
        shows(found, { risk: { classification, label, handling } }),
    }),
  }),
})

const ConfigureDataTokenFileInput = builder.inputType('ConfigureDataTokenFileInput', {
  description: 'What the data is, as a file.',
  fields: (t) => ({
    token: t.id({ required: true, description: 'The temporary token of a filled space, or a permanent one.' }),
    fileName: t.string({ required: true, description: 'Name of the file.' }),
    extension: t.string({ required: true, description: 'Its extension, without a dot.' }),
    context: t.string({ required: true, description: 'What the data belongs to.' }),
    size: t.field({ type: 'SafeInt', required: true, description: 'Its size in bytes.' }),
    path: t.string({ required: true, defaultValue: '/', description: 'The folder to show it in.' }),
  }),
})

mutation('configureDataTokenFile', {
  description: 'Describes stored data as a file. For the temporary token of a filled space this makes it permanent.',
  calls: [dataToken.fileMeta],
  input: ConfigureDataTokenFileInput,
  run: configureFile,
  mayBeCommand: true,
  fields: (t) => ({
    token: t.id({
      nullable: true,
      description:
        'The permanent token: use it from now on. Where Privicore does this by a command, selecting it waits; null if that was rejected or is still pending when time runs out.',
      resolve: async ({ input, result }, _, ctx) => {
        if (result === null) return null
        if (result.beside !== undefined) return result.beside
        return (await ctx.commands.settle(result.command)).status === 'SUCCEEDED' ? input.token : null
      },
    }),
  }),
})

const UpdateDataTokenInput = builder.inputType('UpdateDataTokenInput', {
  description: 'New data for a token, and what to change about it.',
  fields: (t) => ({
    token: t.id({ required: true, description: 'The permanent token: it stays.' }),
    data: t.field({ type: 'Byte', required: true, description: ciphertext }),
    file: t.field({
      type: 'JSON',
      description: 'Fields of meta.file to change: an object, e.g. {"fileName":"a.pdf"}.',
    }),
    risk: t.field({ type: 'JSON', description: 'Fields of meta.information_security_risk to change: an object.' }),
    dataMeta: t.field({
      type: 'JSON',
      description: 'Fields of meta.data to change: an object, e.g. {"type":"image"}.',
    }),
  }),
})

commandMutation('updateDataToken', {
  description: 'Replaces the data that a token stands for. May wait for a vote.',
  calls: [dataToken.update],
  input: UpdateDataTokenInput,
  renamed: { dataToken: 'token' },
  run: updateDataToken,
  fields: (t) => ({
    dataToken: afterSuccess(t, {
      type: DataTokenType,
      description: 'The data token as it is now.',
      calls: [dataToken.list],
      find: (ctx, { input }) => findDataToken(ctx, input.token),
      current: (found, { input }) => shows(found, input),
    }),
  }),
})

const DeleteDataInput = builder.inputType('DeleteDataInput', {
  description: 'Names the data to delete.',
  fields: (t) => ({ token: t.id({ required: true, description: 'The permanent token.' }) }),
})

commandMutation('deleteData', {
  description:
    'Deletes data for good. SUCCEEDED means that the removal was dispatched to the storage devices. May wait for a vote.',
  calls: [dataToken.delete],
  input: DeleteDataInput,
  run: (ctx, { token }) => deleteData(ctx, token),
  fields: (t) => ({
    deletedDataTokenId: afterSuccess(t, {
      type: 'ID',
      description: 'Node id of the data token that is gone: evict it from your cache.',
      find: async (_, { input }) => encodeNodeId('DataToken', input.token),
    }),
  }),
})
