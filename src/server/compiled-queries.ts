// Queries that have come before: validated once, compiled to a function, remembered by their text. Knows no HTTP.
import { hash } from 'node:crypto'
import {
  type DocumentNode,
  type ExecutionResult,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  getOperationAST,
  isInputObjectType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  typeFromAST,
  visit,
} from 'graphql'
import { compileQuery, isCompiledQuery } from 'graphql-jit'
import { LRUCache } from 'lru-cache'
import type { Context } from '../context.ts'
import type { AnyRead } from '../privicore/endpoint.ts'

/** Documents that are remembered. Clients have some dozens each; what does not come again must not push them out at once. */
const MOST_DOCUMENTS = 2_000
/** A document of the longest kind, compiled, takes a few megabytes; all together no more than this many characters of text. */
const MOST_CHARACTERS = 8 * 1024 * 1024

export interface CompiledQuery {
  readonly name: string | undefined
  /** undefined where the variables do not fit: the long way says so in its own words. */
  readonly run: (context: Context, variables: unknown) => Running | Promise<Running>
}

type Running = ExecutionResult | undefined

/** What a query will ask for, known before it runs. */
interface Plan {
  /** Reads without arguments that it will surely ask for, however deep: all are started at once. */
  readonly reads: readonly AnyRead[]
  /** Whether every one of its root fields begins with one of these: then nothing is lost by waiting for all of them. */
  readonly complete: boolean
}

/** `null`: it cannot be compiled. A number: how often it has come. */
type Entry = CompiledQuery | null | number

interface Known {
  readonly entry: Entry
  readonly characters: number
}

export class CompiledQueries {
  readonly #schema: GraphQLSchema
  readonly #after: number
  readonly #entries = new LRUCache<string, Known>({
    max: MOST_DOCUMENTS,
    maxSize: MOST_CHARACTERS,
    sizeCalculation: ({ characters }) => characters,
  })

  /** @param after a document is compiled when it comes for this time: compiling costs as much as running it some dozen times */
  constructor(schema: GraphQLSchema, after: number) {
    this.#schema = schema
    this.#after = after
  }

  /** @returns undefined where the document is new, or is none that can be compiled: then it goes the long way */
  find(source: string, operationName: string | undefined): CompiledQuery | undefined {
    const entry = this.#entries.get(key(source, operationName))?.entry
    return typeof entry === 'object' && entry !== null ? entry : undefined
  }

  /** Told of every query that has passed validation. @returns it compiled, once it has come often enough */
  learn(document: DocumentNode, operationName: string | null | undefined): CompiledQuery | undefined {
    const source = document.loc?.source.body
    const operation = getOperationAST(document, operationName)
    if (source === undefined || operation?.operation !== 'query') return undefined
    const id = key(source, operationName)
    const known = this.#entries.get(id)?.entry ?? 0
    if (typeof known !== 'number') return known ?? undefined
    const entry: Entry = known + 1 < this.#after ? known + 1 : this.#compile(document, operation)
    this.#entries.set(id, { entry, characters: source.length + 1 })
    return typeof entry === 'object' ? (entry ?? undefined) : undefined
  }

  #compile(document: DocumentNode, operation: OperationDefinitionNode): CompiledQuery | null {
    if (!compilable(this.#schema, document, operation)) return null
    const compiled = compileQuery(this.#schema, document, operation.name?.value)
    if (!isCompiledQuery(compiled)) return null
    const fragments = fragmentsOf(document)
    const place = (result: ExecutionResult): ExecutionResult =>
      result.errors === undefined
        ? result
        : { errors: result.errors.map((error) => located(fragments, operation, error)), data: result.data }
    const { reads, complete } = planOf(this.#schema, fragments, operation)
    const objects = objectVariables(this.#schema, operation)
    const execute = (context: Context, variables: unknown): Running | Promise<Running> => {
      // The compiler takes a list for an object.
      if (objects.some((name) => Array.isArray((variables as Record<string, unknown> | null)?.[name]))) return undefined
      const result = compiled.query(undefined, context, variables as Record<string, unknown>)
      if (result instanceof Promise) return result.then(place)
      return 'data' in result ? place(result) : undefined
    }
    return {
      name: operation.name?.value,
      run: (context, variables) => {
        const ready = context.readAhead(reads)
        // With all lists here, joins are look-ups without a promise for each row.
        return complete ? ready.then(() => execute(context, variables)) : execute(context, variables)
      },
    }
  }
}

/** A digest: the text itself is not kept for what has come but once. */
const key = (source: string, operationName: string | null | undefined) =>
  hash('sha256', `${operationName ?? ''}\n${source}`, 'base64url')

/** The compiler knows neither incremental delivery nor oneOf variables; introspection is rare and large. */
function compilable(schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode): boolean {
  let plain = true
  visit(document, {
    Directive: ({ name }) => {
      if (name.value === 'defer' || name.value === 'stream') plain = false
    },
    Field: ({ name }) => {
      if (name.value === '__schema' || name.value === '__type') plain = false
    },
  })
  return (
    plain && !(operation.variableDefinitions ?? []).some(({ type }) => holdsOneOf(typeFromAST(schema, type as never)))
  )
}

/** Variables that are input objects. */
function objectVariables(schema: GraphQLSchema, operation: OperationDefinitionNode): string[] {
  return (operation.variableDefinitions ?? []).flatMap(({ variable, type }) => {
    const declared = typeFromAST(schema, type as never)
    return isInputObjectType(declared && getNullableType(declared)) ? [variable.name.value] : []
  })
}

function holdsOneOf(type: unknown, seen = new Set<unknown>()): boolean {
  const named = type === undefined ? undefined : getNamedType(type as never)
  if (!isInputObjectType(named) || seen.has(named)) return false
  seen.add(named)
  return named.isOneOf || Object.values(named.getFields()).some((field) => holdsOneOf(field.type, seen))
}

/** A compiled query knows the path of an error, and not the place in the document. */
function located(fragments: Fragments, operation: OperationDefinitionNode, error: GraphQLError): GraphQLError {
  const { message, path, originalError } = error
  const keys = (path ?? []).filter((key) => typeof key === 'string')
  let nodes: FieldNode[] = []
  let selections: readonly SelectionSetNode[] = [operation.selectionSet]
  for (const key of keys) {
    const spread = new Set<string>()
    nodes = selections.flatMap((selectionSet) => fieldsNamed(fragments, selectionSet, key, spread))
    selections = nodes.flatMap(({ selectionSet }) => selectionSet ?? [])
  }
  return new GraphQLError(message, { nodes, path, originalError: originalError ?? error })
}

/** The fields that answer under a name, through every fragment. @param spread fragments that were looked through already */
function fieldsNamed(
  fragments: Fragments,
  { selections }: SelectionSetNode,
  key: string,
  spread: Set<string>,
): FieldNode[] {
  return selections.flatMap((selection) => {
    if (selection.kind === Kind.FIELD) return (selection.alias ?? selection.name).value === key ? [selection] : []
    if (selection.kind === Kind.INLINE_FRAGMENT) return fieldsNamed(fragments, selection.selectionSet, key, spread)
    const fragment = unseen(fragments, selection.name.value, spread)
    return fragment ? fieldsNamed(fragments, fragment.selectionSet, key, spread) : []
  })
}

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>

function fragmentsOf(document: DocumentNode): Fragments {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  }
  return fragments
}

/** A fragment the first time that it is met: fragments that spread one another would else be walked once for every way there. */
function unseen(fragments: Fragments, name: string, seen: Set<string>): FragmentDefinitionNode | undefined {
  if (seen.has(name)) return undefined
  seen.add(name)
  return fragments.get(name)
}

function planOf(schema: GraphQLSchema, fragments: Fragments, operation: OperationDefinitionNode): Plan {
  const seen = new Set<string>()
  const found = new Set<AnyRead>()
  const root = schema.getQueryType()?.name ?? ''
  let complete = true
  const look = (selectionSet: SelectionSetNode, typeName: string): void => {
    const type = schema.getType(typeName)
    for (const selection of selectionSet.selections) {
      // What a directive may leave out is not known to be needed.
      if (selection.directives !== undefined && selection.directives.length > 0) {
        complete = false
        continue
      }
      if (selection.kind === Kind.FIELD) {
        const field = isObjectType(type) ? type.getFields()[selection.name.value] : undefined
        if (field === undefined) continue
        const ahead = (selection.arguments?.length ? undefined : field.extensions.ahead) as
          | readonly AnyRead[]
          | undefined
        for (const read of ahead ?? []) found.add(read)
        if (ahead === undefined && typeName === root) complete = false
        if (selection.selectionSet) look(selection.selectionSet, getNamedType(field.type).name)
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        // Another type's fragment may match nothing.
        const condition = selection.typeCondition?.name.value ?? typeName
        if (condition === typeName) look(selection.selectionSet, typeName)
      } else {
        const fragment = unseen(fragments, selection.name.value, seen)
        if (fragment?.typeCondition.name.value === typeName) look(fragment.selectionSet, typeName)
      }
    }
  }
  look(operation.selectionSet, root)
  return { reads: [...found], complete: complete && found.size > 0 }
}
