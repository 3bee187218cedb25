// Node: which types can be refetched by id, and how. Knows no type by name.
import type { ObjectFieldsShape, ObjectRef } from '@pothos/core'
import type { Context } from '../context/context.ts'
import { builder, type SchemaTypes } from './builder.ts'
import { BadUserInput } from './errors.ts'
import { decodeNodeId, encodeNodeId } from './node-id.ts'

type Types = PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>
/** One value per id, in their order; null for the unknown. */
type Load = (ctx: Context, ids: readonly string[]) => Promise<readonly (object | null)[]>

const loaders = new Map<string, Load>()

/** How many ids one `nodes` may ask for: a page of the largest connection. */
const MAX_NODES = 200

const Node = builder.nodeInterfaceRef()

export interface NodeOptions<Row extends object> {
  readonly description: string
  /** Privicore's own id of the object. */
  readonly id: (row: Row) => string
  readonly load: (ctx: Context, ids: readonly string[]) => Promise<readonly (Row | null)[]>
  readonly fields: ObjectFieldsShape<Types, Row>
}

/** Implements a type as a Node. Its Node id is made of the type's name and Privicore's id. */
export function implementNode<Row extends object>(ref: ObjectRef<Types, Row>, options: NodeOptions<Row>): void {
  loaders.set(ref.name, options.load)
  builder.objectType(ref, {
    description: options.description,
    interfaces: [Node],
    fields: (t) => ({
      id: t.id({
        nullable: false,
        description: 'Opaque, globally unique, stable for the same object. Pass it to `node`; never parse it.',
        resolve: (row) => encodeNodeId(ref.name, options.id(row)),
      }),
      ...options.fields(t),
    }),
  })
}

async function loadNodes(ctx: Context, nodeIds: readonly string[]): Promise<(object | null)[]> {
  const wanted = new Map<string, Set<string>>()
  const decoded = nodeIds.map((nodeId) => decodeNodeId(nodeId))
  for (const node of decoded) {
    if (node === null || !loaders.has(node.typename)) continue
    wanted.set(node.typename, (wanted.get(node.typename) ?? new Set()).add(node.id))
  }
  const found = new Map<string, object>()
  await Promise.all(
    [...wanted].map(async ([typename, ids]) => {
      const list = [...ids]
      const rows = await (loaders.get(typename) as Load)(ctx, list)
      rows.forEach((row, index) => {
        // The interface finds the type by its name; rows are shared between operations, so the name goes on a copy.
        if (row !== null) found.set(`${typename}:${list[index]}`, { __typename: typename, ...row })
      })
    }),
  )
  return decoded.map((node) => (node === null ? null : (found.get(`${node.typename}:${node.id}`) ?? null)))
}

builder.queryFields((t) => ({
  node: t.field({
    type: Node,
    description: 'Any object by its Node id. Null for an id that is malformed, unknown, or of another profile.',
    args: { id: t.arg.id({ required: true, description: 'The `id` of the object, as it was answered.' }) },
    resolve: async (_, { id }, ctx) => (await loadNodes(ctx, [id]))[0] ?? null,
  }),
  nodes: t.field({
    type: [Node],
    nullable: { list: false, items: true },
    description: `Several objects by their Node ids, in the order of the ids: each kind is looked up once. At most ${MAX_NODES}.`,
    args: { ids: t.arg.idList({ required: true, description: 'The `id`s of the objects.' }) },
    resolve: (_, { ids }, ctx) => {
      if (ids.length > MAX_NODES)
        throw new BadUserInput(`At most ${MAX_NODES} ids can be asked for at once; these are ${ids.length}.`)
      return loadNodes(ctx, ids)
    },
  }),
}))
