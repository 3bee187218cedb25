// A query as a program: what an executor finds out for every field of every row, found out once. It knows only good weather: at the
// first thing that is not plainly right it gives up, and says no more than that. Knows no Privicore and no document cache.
import {
  type FieldNode,
  type GraphQLField,
  GraphQLID,
  type GraphQLLeafType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  GraphQLString,
  getArgumentValues,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  type OperationDefinitionNode,
  visit,
} from 'graphql'
import type { Context } from '../context/context.ts'
import { collectFields, type Selecting, type Variables } from './collect-fields.ts'
import type { Fragments } from './query-plan.ts'
import { isRepeatable } from './repeatable.ts'

/** The data of the answer; null where it was given up: then nobody has been told anything. */
export type QueryProgram = (context: Context, variables: Variables) => Data | null | Promise<Data | null>

type Data = Record<string, unknown>

export interface Compiling {
  readonly schema: GraphQLSchema
  readonly fragments: Fragments
  readonly operation: OperationDefinitionNode
  /** Those that decide @skip and @include: a program is made for one decision. */
  readonly conditions: Variables
  /** Fragments that are spread in many places make much of little text: no program has more fields. */
  readonly mostFields: number
}

/** @returns null for a query that may not be run a second time after it was given up, or that good weather does not suffice for */
export function compile({ schema, fragments, operation, conditions, mostFields }: Compiling): QueryProgram | null {
  const type = schema.getQueryType()
  if (!type) return null
  try {
    const compiler = new Compiler({ schema, fragments, conditions }, mostFields)
    const fields = compiler.fields(type, [operation])
    return (context, variables) => new Run(context, variables).start(fields)
  } catch (reason) {
    if (reason === GIVEN_UP) return null
    throw reason
  }
}

/** Thrown without a stack: it is no failure, and whoever runs the query anew finds out what was wrong. */
const GIVEN_UP = Symbol('given up')

function giveUp(): never {
  throw GIVEN_UP
}

/** Makes of what a resolver has answered what the client gets. */
type Complete = (run: Run, value: unknown) => unknown

interface Field {
  readonly key: string
  readonly name: string
  /** null: the property of that name. */
  readonly resolve: ((source: unknown, args: object, context: Context) => unknown) | null
  /** Where no variable is in them they are made once, for all callers: frozen. */
  readonly args: object | ((variables: Variables) => object)
  readonly complete: Complete
}

class Compiler {
  readonly #selecting: Selecting
  #fieldsLeft: number

  constructor(selecting: Selecting, mostFields: number) {
    this.#selecting = selecting
    this.#fieldsLeft = mostFields
  }

  /** @param nodes what was merged into one: the fields of all of them are asked for */
  fields(type: GraphQLObjectType, nodes: readonly Pick<FieldNode, 'selectionSet'>[]): readonly Field[] {
    const selectionSets = nodes.flatMap(({ selectionSet }) => selectionSet ?? [])
    const collected = collectFields(this.#selecting, type, selectionSets)
    return [...collected].map(([key, fieldNodes]) => this.#field(type, key, fieldNodes))
  }

  #field(type: GraphQLObjectType, key: string, nodes: readonly FieldNode[]): Field {
    this.#fieldsLeft--
    const [node] = nodes as [FieldNode]
    const name = node.name.value
    // No key that can be set on an object like any other.
    if (this.#fieldsLeft < 0 || key === '__proto__') return giveUp()
    if (name === '__typename') return { key, name, resolve: () => type.name, args: {}, complete: leaf(GraphQLString) }
    const field = type.getFields()[name]
    if (field === undefined || !isRepeatable(field)) return giveUp()
    const { resolve = null } = field
    return {
      key,
      name,
      resolve: resolve as Field['resolve'],
      args: argumentsOf(field, node),
      complete: this.#type(field.type, nodes),
    }
  }

  #type(type: GraphQLOutputType, nodes: readonly FieldNode[]): Complete {
    if (isNonNullType(type)) {
      const complete = this.#nullable(type.ofType, nodes)
      return (run, value) => (value === null || value === undefined ? giveUp() : complete(run, value))
    }
    const complete = this.#nullable(type, nodes)
    return (run, value) => (value === null || value === undefined ? null : complete(run, value))
  }

  /** @returns what is never called for null */
  #nullable(type: GraphQLOutputType, nodes: readonly FieldNode[]): Complete {
    if (isLeafType(type)) return leaf(type)
    if (isListType(type)) return list(this.#type(type.ofType, nodes))
    // What an abstract value or one with isTypeOf is, only a function can tell that takes all of graphql-js's `info`.
    if (!isObjectType(type) || type.isTypeOf) return giveUp()
    const fields = this.fields(type, nodes)
    return (run, value) =>
      typeof value !== 'object' || value instanceof Error ? giveUp() : completeObject(run, fields, value)
  }
}

function argumentsOf(field: GraphQLField<unknown, unknown>, node: FieldNode): Field['args'] {
  let varies = false
  visit(node, {
    Variable: () => {
      varies = true
    },
    // Only this field's own.
    SelectionSet: () => false,
    Directive: () => false,
  })
  return varies
    ? (variables) => getArgumentValues(field, node, variables)
    : Object.freeze(getArgumentValues(field, node))
}

function leaf(type: GraphQLLeafType): Complete {
  const takesText = type === GraphQLString || type === GraphQLID
  return (_, value) => {
    if (takesText && typeof value === 'string') return value
    if (value instanceof Error || typeof value === 'function') return giveUp()
    return type.serialize(value) ?? giveUp()
  }
}

function list(item: Complete): Complete {
  return (run, value) => {
    if (!Array.isArray(value)) return giveUp()
    for (let index = 0; index < value.length; index++) {
      if (!isPromiseLike(value[index])) continue
      ignoreAll(value)
      return giveUp()
    }
    // Pushed, not set: an array that was made with its length has holes for V8, and is written the slow way.
    const completed: unknown[] = []
    for (let index = 0; index < value.length; index++) completed.push(item(run, value[index]))
    return completed
  }
}

/** No resolver of ours answers promises in a list. What one of them fails with is told by the run anew. */
function ignoreAll(values: unknown): void {
  const ignore = () => undefined
  if (Array.isArray(values)) for (const value of values) if (isPromiseLike(value)) value.then(ignore, ignore)
}

function completeObject(run: Run, fields: readonly Field[], source: unknown): Data {
  const object: Data = {}
  for (let index = 0; index < fields.length; index++) {
    const { key, name, resolve, args, complete } = fields[index] as Field
    const value =
      resolve === null
        ? (source as Data)[name]
        : resolve(source, typeof args === 'function' ? args(run.variables) : args, run.context)
    // The key has its place now, whenever its value comes.
    object[key] = isPromiseLike(value) ? run.await(value, object, key, complete) : complete(run, value)
  }
  return object
}

/** One operation under way: values that are still to come, each with its place in the answer. */
class Run {
  readonly context: Context
  readonly variables: Variables
  #pending = 0
  #over = false
  #data: Data | null = null
  #settle: (data: Data | null) => void = () => undefined

  constructor(context: Context, variables: Variables) {
    this.context = context
    this.variables = variables
  }

  start(fields: readonly Field[]): Data | null | Promise<Data | null> {
    try {
      this.#data = completeObject(this, fields, undefined)
    } catch {
      // Whatever it was: the run anew comes to it too, and tells.
      this.#over = true
      return null
    }
    if (this.#pending === 0) return this.#data
    return new Promise((resolve) => {
      this.#settle = resolve
    })
  }

  /** @returns what stands in its place until it comes */
  await(value: PromiseLike<unknown>, object: Data, key: string, complete: Complete): undefined {
    // One of another kind may answer before it is left.
    if (!(value instanceof Promise)) return giveUp()
    this.#pending++
    const arrive = (arrived: unknown) => {
      // Nobody waits any more: what it has read is read for the run anew.
      if (this.#over) return ignoreAll(arrived)
      try {
        object[key] = complete(this, arrived)
        if (--this.#pending === 0) this.#end(this.#data)
      } catch {
        this.#end(null)
      }
    }
    value.then(arrive, () => this.#end(null))
    return undefined
  }

  #end(data: Data | null): void {
    this.#over = true
    this.#settle(data)
  }
}

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
