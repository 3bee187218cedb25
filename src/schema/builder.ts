// The Pothos builder and the scalars. Knows no type of the domain.
import SchemaBuilder from '@pothos/core'
import RelayPlugin from '@pothos/plugin-relay'
import { GraphQLError, GraphQLScalarType, Kind } from 'graphql'
import { GraphQLDateTime, GraphQLJSON, GraphQLSafeInt, GraphQLURL } from 'graphql-scalars'
import type { Context } from '../context/context.ts'
import { decodeNodeId, encodeNodeId } from './node-id.ts'

export interface SchemaTypes {
  Context: Context
  Scalars: {
    ID: { Input: string; Output: string | number }
    DateTime: { Input: Date; Output: string }
    JSON: { Input: unknown; Output: unknown }
    Byte: { Input: Buffer; Output: Buffer | string }
    URL: { Input: URL; Output: string | URL }
    SafeInt: { Input: number; Output: number }
  }
}

export const builder = new SchemaBuilder<SchemaTypes>({
  plugins: [RelayPlugin],
  relay: {
    // Ours answer null for ids that are malformed, foreign or unknown; see node.ts.
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    encodeGlobalID: (typename, id) => encodeNodeId(typename, String(id)),
    decodeGlobalID: (id) => decodeNodeId(id) ?? { typename: '', id: '' },
    nodeTypeOptions: {
      description: 'An object with an identity of its own: clients can refetch it and cache it by its id.',
    },
    idFieldOptions: {
      description: 'Opaque, globally unique, stable for the same object. Pass it to `node`; never parse it.',
    },
    pageInfoTypeOptions: { description: 'Where a page of a connection stands among its neighbours.' },
    hasNextPageFieldOptions: { description: 'Whether more follows: pass endCursor as `after`.' },
    hasPreviousPageFieldOptions: { description: 'Whether more comes before: pass startCursor as `before`.' },
    startCursorFieldOptions: { description: 'Cursor of the first edge; null on an empty page.' },
    endCursorFieldOptions: { description: 'Cursor of the last edge; null on an empty page.' },
  },
})

builder.addScalarType(
  'DateTime',
  // The wire has made it RFC 3339 already: reading and writing it again would cost more than the rest of a row.
  new GraphQLScalarType({
    ...GraphQLDateTime.toConfig(),
    serialize: (value) => value,
    description: 'An instant, RFC 3339, e.g. 2026-02-21T15:33:44+00:00.',
  }),
)
builder.addScalarType('JSON', new GraphQLScalarType({ ...GraphQLJSON.toConfig(), description: 'Any JSON value.' }))
builder.addScalarType('URL', new GraphQLScalarType({ ...GraphQLURL.toConfig(), description: 'An absolute URL.' }))
builder.addScalarType(
  'SafeInt',
  new GraphQLScalarType({
    ...GraphQLSafeInt.toConfig(),
    description: 'An integer up to 2^53 - 1: payloads pass 2 GiB.',
  }),
)

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

// The library's own Byte takes hex for base64 where a text is both, and repeats the value in its messages.
function parseByte(value: unknown): Buffer {
  if (typeof value === 'string' && BASE64.test(value)) return Buffer.from(value, 'base64')
  throw new GraphQLError('Byte must be base64 text with padding (RFC 4648, section 4).')
}

builder.addScalarType(
  'Byte',
  new GraphQLScalarType<Buffer, string>({
    name: 'Byte',
    description: 'Bytes, as base64 text with padding (RFC 4648, section 4).',
    serialize: (value) => (Buffer.isBuffer(value) ? value.toString('base64') : String(value)),
    parseValue: parseByte,
    parseLiteral: (node) => parseByte(node.kind === Kind.STRING ? node.value : undefined),
  }),
)

builder.queryType({ description: 'Everything that can be read. Null where Privicore does not know the object.' })
builder.mutationType({
  description:
    'Everything that can be changed. Most of it happens asynchronously: the payload holds a command, and its outcome comes by `outcome`, by the `command` subscription, or by selecting what the command makes.',
})
