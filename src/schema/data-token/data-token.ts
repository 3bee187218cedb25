// Data tokens and their spaces, as clients see them.
import { type DataTokenFile, type DataTokenRecord, type DataTokenRisk, dataToken } from '../../privicore/data-token.ts'
import { findTemporaryDataToken } from '../../resolvers/data-token/commands.ts'
import { findDataToken, findDataTokens } from '../../resolvers/data-token/find.ts'
import { mintDownloadUrl, mintUploadUrl, type RequestedData, type ReservedSpace } from '../../resolvers/transfer.ts'
import { builder } from '../builder.ts'
import { implementNode } from '../node.ts'
import { rest } from '../rest.ts'

const DataTokenFileType = builder.objectRef<DataTokenFile>('DataTokenFile').implement({
  description: 'What is known of the file that was stored, as configureDataTokenFile set it.',
  fields: (t) => ({
    fileName: t.exposeString('fileName', { nullable: true, description: 'Name of the file.' }),
    extension: t.exposeString('extension', { nullable: true, description: 'Its extension, without a dot.' }),
    size: t.expose('size', { type: 'SafeInt', nullable: true, description: 'Its size in bytes.' }),
    path: t.exposeString('path', { nullable: true, description: 'The folder it is shown in.' }),
  }),
})

const DataTokenRiskType = builder.objectRef<DataTokenRisk>('DataTokenRisk').implement({
  description: 'How sensitive the data is, as configureDataTokenRisk set it.',
  fields: (t) => ({
    classification: t.exposeString('classification', { nullable: true, description: 'Class, e.g. confidential.' }),
    label: t.exposeString('label', { nullable: true, description: 'What to show beside it.' }),
    handling: t.exposeString('handling', { nullable: true, description: 'How it is to be handled.' }),
  }),
})

export const DataTokenType = builder.objectRef<DataTokenRecord>('DataToken')

implementNode(DataTokenType, {
  description: 'Stands for data that is stored, encrypted, on the storage devices of the profile.',
  id: (record) => record.token,
  load: findDataTokens,
  fields: (t) => ({
    token: t.exposeID('token', { nullable: false, description: 'Stands for the data wherever it is asked for.' }),
    context: t.exposeString('context', {
      nullable: true,
      description: 'What the data belongs to, as it was reserved.',
    }),
    file: t.expose('file', {
      type: DataTokenFileType,
      nullable: true,
      description: 'The file it was; null where nothing is known of one.',
    }),
    risk: t.expose('risk', {
      type: DataTokenRiskType,
      nullable: true,
      description: 'How sensitive it is; null until configureDataTokenRisk has set it.',
    }),
    dataType: t.exposeString('dataType', { nullable: true, description: 'Type of the data: meta.data.type.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: true, description: 'When it was stored.' }),
    meta: t.expose('meta', {
      type: 'JSON',
      nullable: true,
      description: 'Everything Privicore keeps beside the token, as it says it; null if that is nothing.',
    }),
  }),
})

export const TemporaryDataTokenType = builder.objectRef<ReservedSpace>('TemporaryDataToken').implement({
  description: 'A space that waits for its data, until the ttl of its reservation ends.',
  fields: (t) => ({
    token: t.exposeID('token', { nullable: false, description: 'Give it to exchangeDataForToken.' }),
    uploadUrl: t.field({
      type: 'URL',
      nullable: true,
      description:
        'For payloads over 50 KB: selecting it mints a single-use link on this gateway, bound to the caller, for 5 minutes at most and never past the ttl of the reservation. PUT the ciphertext there, with the same token: it streams through and answers { bytes, sha256 }. Selecting it again mints another link to the same stream of Privicore, which takes one upload: the first wins. Null where Privicore opened no stream, or the ttl is over. UPSTREAM_UNAVAILABLE where the gateway does not know the host of the stream.',
      extensions: { ...rest(dataToken.upstream) },
      resolve: (temporary, _, ctx) => mintUploadUrl(ctx, temporary),
    }),
  }),
})

export const RequestedDataType = builder.objectRef<RequestedData>('RequestedData').implement({
  description: 'Data that was asked for and is here: inline, or behind a link.',
  fields: (t) => ({
    requestId: t.exposeID('requestId', { nullable: false, description: 'Of the request that it answers.' }),
    context: t.exposeString('context', { nullable: true, description: 'What the data belongs to.' }),
    inline: t.expose('inline', {
      type: 'Byte',
      nullable: true,
      description: 'The ciphertext, where it is small; null where it is streamed.',
    }),
    downloadUrl: t.field({
      type: 'URL',
      nullable: true,
      description:
        'Selecting it mints a single-use link on this gateway, bound to the caller, for 5 minutes. GET it with the same token: the ciphertext streams through. Range is passed on, and uses the link up like the whole; HEAD does not. Selecting it again mints another link to the same stream of Privicore, which may serve one download. Null where the data is inline. UPSTREAM_UNAVAILABLE where the gateway does not know the host of the stream.',
      extensions: { ...rest(dataToken.download) },
      resolve: (data, _, ctx) => mintDownloadUrl(ctx, data),
    }),
  }),
})

builder.queryFields((t) => ({
  dataToken: t.field({
    type: DataTokenType,
    nullable: true,
    description: 'One data token of the profile. Null for an unknown one.',
    extensions: { ...rest(dataToken.list) },
    args: { token: t.arg.id({ required: true, description: 'The permanent token.' }) },
    resolve: (_, { token }, ctx) => findDataToken(ctx, token),
  }),
  temporaryDataToken: t.field({
    type: TemporaryDataTokenType,
    nullable: true,
    description:
      'The space that reserveTokenSpace asked for; null until its command has settled, and once it has expired.',
    extensions: { ...rest(dataToken.temporary) },
    args: { commandId: t.arg.id({ required: true, description: 'commandId of reserveTokenSpace.' }) },
    resolve: (_, { commandId }, ctx) => findTemporaryDataToken(ctx, commandId),
  }),
}))
