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
  /** No program has more fields: fragments that are spread in many places make much of little text. */
  readonly mostFields: number
}

/** @returns null for a query that may not be run a second time after it was given up, or that good weather does not suffice for */
export function compile({ schema, fragments, operation, conditions, mostFields }: Compiling): QueryProgram | null {
  const type = schema.getQueryType()
  if (!type) return null
  try {
    const answer = new Compiler({ schema, fragments, conditions }, mostFields).compile(type, operation)
    return (context, variables) => new Run(context, variables).start(answer)
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

/** JavaScript that stands for a value. */
type Text = string

/** What the text of every program may name. */
const LIBRARY = { giveUp, ignoreAll }

const isPromiseLike = (value: Text): Text =>
  `(typeof ${value} === 'object' && ${value} !== null && typeof ${value}.then === 'function')`

/** What GraphQL takes for a name: nothing else of what clients write comes into a program's text, and this as a literal. */
const NAME = /^[_A-Za-z][_0-9A-Za-z]*$/

/**
 * Writes the JavaScript of a query. Each place in the answer gets a function of its own, so that the engine remembers what comes by
 * there: one function for all places took six times as long over a list.
 */
class Compiler {
  readonly #selecting: Selecting
  readonly #functions: Text[] = []
  /** What the text names and does not hold: resolvers, arguments, scalars. */
  readonly #constants: unknown[] = []
  /** Functions for leaves, by their type. */
  readonly #leaves = new Map<string, Text>()
  #fieldsLeft: number

  constructor(selecting: Selecting, mostFields: number) {
    this.#selecting = selecting
    this.#fieldsLeft = mostFields
  }

  /** @returns what makes the data of the answer */
  compile(type: GraphQLObjectType, operation: OperationDefinitionNode): (run: Run) => Data {
    const root = this.#function(this.#object(type, [operation]))
    const names = this.#constants.map((_, index) => `constant${index}`)
    const text = `'use strict'; ${this.#functions.join('\n')}\nreturn ${root}`
    return new Function(...Object.keys(LIBRARY), ...names, text)(...Object.values(LIBRARY), ...this.#constants)
  }

  #constant(value: unknown): Text {
    this.#constants.push(value)
    return `constant${this.#constants.length - 1}`
  }

  /** @param body may name `run` and `value` */
  #function(body: Text): Text {
    const name = `function${this.#functions.length}`
    this.#functions.push(`function ${name}(run, value) { ${body} }`)
    return name
  }

  /** @param nodes what was merged into one: the fields of all of them are asked for */
  #object(type: GraphQLObjectType, nodes: readonly Pick<FieldNode, 'selectionSet'>[]): Text {
    const selectionSets = nodes.flatMap(({ selectionSet }) => selectionSet ?? [])
    const collected = [...collectFields(this.#selecting, type, selectionSets)]
    // Each key has its place now, whenever its value comes.
    const places = collected.map(([key]) => `${JSON.stringify(key)}: undefined`)
    const fields = collected.map(([key, fieldNodes]) => this.#field(type, key, fieldNodes))
    return `let found; const object = { ${places.join(', ')} }; ${fields.join(' ')} return object`
  }

  #field(type: GraphQLObjectType, key: string, nodes: readonly FieldNode[]): Text {
    this.#fieldsLeft--
    const [node] = nodes as [FieldNode]
    const name = node.name.value
    // One key cannot be set on an object like any other.
    if (this.#fieldsLeft < 0 || !NAME.test(key) || key === '__proto__') return giveUp()
    const place = `object[${JSON.stringify(key)}]`
    if (name === '__typename') return `${place} = ${JSON.stringify(type.name)};`
    const field = type.getFields()[name]
    if (field === undefined || !isRepeatable(field)) return giveUp()
    const found = field.resolve
      ? `${this.#constant(field.resolve)}(value, ${this.#arguments(field, node)}, run.context)`
      : `value[${JSON.stringify(name)}]`
    const complete = this.#type(field.type, nodes)
    return `found = ${found}; ${place} = ${isPromiseLike('found')} ? run.await(found, object, ${JSON.stringify(key)}, ${complete}) : ${complete}(run, found);`
  }

  /** Where no variable is in them they are made once, for all callers: frozen. */
  #arguments(field: GraphQLField<unknown, unknown>, node: FieldNode): Text {
    return hasVariables(node)
      ? `${this.#constant((variables: Variables) => getArgumentValues(field, node, variables))}(run.variables)`
      : this.#constant(Object.freeze(getArgumentValues(field, node)))
  }

  #type(type: GraphQLOutputType, nodes: readonly FieldNode[]): Text {
    const inner = isNonNullType(type) ? type.ofType : type
    const none = inner === type ? 'null' : 'giveUp()'
    const nullable = (body: Text) =>
      this.#function(`if (value === null || value === undefined) return ${none}; ${body}`)
    if (isListType(inner)) return nullable(this.#list(inner.ofType, nodes))
    if (isLeafType(inner)) {
      const known = this.#leaves.get(String(type)) ?? nullable(this.#leaf(inner))
      this.#leaves.set(String(type), known)
      return known
    }
    // What an abstract value or one with isTypeOf is, only a function can tell that takes all of graphql-js's `info`.
    if (!isObjectType(inner) || inner.isTypeOf) return giveUp()
    return nullable(
      `if (typeof value !== 'object' || value instanceof Error) return giveUp(); ${this.#object(inner, nodes)}`,
    )
  }

  #leaf(type: GraphQLLeafType): Text {
    const serialize = this.#constant((value: unknown) => type.serialize(value))
    const takesText = type === GraphQLString || type === GraphQLID
    return `${takesText ? "if (typeof value === 'string') return value; " : ''}if (value instanceof Error || typeof value === 'function') return giveUp(); return ${serialize}(value) ?? giveUp()`
  }

  /** Pushed, not set: an array that was made with its length has holes for V8, and is written the slow way. */
  #list(item: GraphQLOutputType, nodes: readonly FieldNode[]): Text {
    const complete = this.#type(item, nodes)
    return `if (!Array.isArray(value)) return giveUp();
      for (let index = 0; index < value.length; index++) {
        const item = value[index]; if (${isPromiseLike('item')}) { ignoreAll(value); return giveUp() }
      }
      const completed = []; for (let index = 0; index < value.length; index++) completed.push(${complete}(run, value[index]));
      return completed`
  }
}

function hasVariables(node: FieldNode): boolean {
  let found = false
  visit(node, {
    Variable: () => {
      found = true
    },
    // Only this field's own.
    SelectionSet: () => false,
    Directive: () => false,
  })
  return found
}

/** No resolver of ours answers promises in a list. What one of them fails with is told by the run anew. */
function ignoreAll(values: unknown): void {
  const ignore = () => undefined
  if (Array.isArray(values))
    for (const value of values) if (typeof value?.then === 'function') value.then(ignore, ignore)
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

  start(answer: (run: Run) => Data): Data | null | Promise<Data | null> {
    try {
      this.#data = answer(this)
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
