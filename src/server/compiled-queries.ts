// Queries that have come before: validated once, compiled, remembered by their text. Knows no HTTP, and not how a query is run.
import { hash } from 'node:crypto'
import { execute } from '@graphql-tools/executor'
import {
  type DocumentNode,
  type ExecutionResult,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql'
import { LRUCache } from 'lru-cache'
import type { Context } from '../context/context.ts'
import { hasCode } from '../privicore/errors.ts'
import type { Variables } from './collect-fields.ts'
import { type Fragments, planOf } from './query-plan.ts'
import { type Compiling, compile, type QueryProgram } from './query-program.ts'

/** Documents that are remembered. Clients have some dozens each; what does not come again must not push them out at once. */
const MOST_DOCUMENTS = 2_000
/** All together, once for each program that a document may have: parsed and compiled, a character takes some 230 bytes. */
const MOST_CHARACTERS = 512 * 1024
/** What asks for more is run by the executor: to compile them takes some 15 ms, in which nothing else is done. */
const MOST_FIELDS = 1_000
/** Each combination of what @skip and @include depend on is a program of its own: three conditions have no more. */
const MOST_PROGRAMS = 8

export interface CompiledQuery {
  readonly name: string | undefined
  /**
   * @returns undefined where the variables do not fit: the long way says so in its own words
   * @throws PrivicoreError CANCELLED when its client leaves before it has all
   */
  readonly run: (context: Context, variables: unknown) => Running | Promise<Running>
}

type Running = ExecutionResult | undefined

interface Compiled {
  readonly query: CompiledQuery
  /** Of its text, once for each program that it may have. */
  readonly characters: number
}

export class CompiledQueries {
  readonly #schema: GraphQLSchema
  readonly #after: number
  /** By their text, which their documents hold anyway. */
  readonly #compiled = new LRUCache<string, Compiled>({
    max: MOST_DOCUMENTS,
    maxSize: MOST_CHARACTERS,
    sizeCalculation: ({ characters }) => characters,
  })
  /** How often the others have come; null for those that cannot be compiled. By digest: the text of what comes but once is not kept. */
  readonly #others = new LRUCache<string, { readonly times: number | null }>({ max: MOST_DOCUMENTS })

  /** @param after a document is compiled when it comes for this time: most that come once never come again */
  constructor(schema: GraphQLSchema, after: number) {
    this.#schema = schema
    this.#after = after
  }

  /** @returns undefined where the document is new, or is none that can be compiled: then it goes the long way */
  find(source: string, operationName: string | undefined): CompiledQuery | undefined {
    return this.#compiled.get(key(source, operationName))?.query
  }

  /** Told of every query that has passed validation. @returns it compiled, once it has come often enough */
  learn(document: DocumentNode, operationName: string | null | undefined): CompiledQuery | undefined {
    const source = document.loc?.source.body
    const operation = getOperationAST(document, operationName)
    if (source === undefined || operation?.operation !== 'query') return undefined
    const id = key(source, operationName)
    const known = this.#compiled.get(id)
    if (known !== undefined) return known.query
    const digest = hash('sha256', id, 'base64url')
    const { times } = this.#others.get(digest) ?? { times: 0 }
    if (times === null) return undefined
    if (times + 1 < this.#after) {
      this.#others.set(digest, { times: times + 1 })
      return undefined
    }
    const conditions = conditionsOf(document, operation)
    const characters = source.length * mostPrograms(conditions) + 1
    // What would not be remembered would be compiled over and over.
    if (!isPlain(document) || characters > MOST_CHARACTERS) {
      this.#others.set(digest, { times: null })
      return undefined
    }
    const query = this.#compile(document, operation, conditions)
    this.#others.delete(digest)
    this.#compiled.set(id, { query, characters })
    return query
  }

  #compile(document: DocumentNode, operation: OperationDefinitionNode, conditions: readonly string[]): CompiledQuery {
    const schema = this.#schema
    const fragments = fragmentsOf(document)
    const { reads, complete } = planOf(schema, fragments, operation)
    const programOf = programs({ schema, fragments, operation, mostFields: MOST_FIELDS }, conditions)
    const { name, variableDefinitions = [] } = operation

    // By yoga's own executor: clients must not be able to tell which way their query went. Nothing in it is incremental.
    const executeAnew = (contextValue: Context, variableValues: Variables) =>
      execute({ schema, document, operationName: name?.value, contextValue, variableValues }) as
        | ExecutionResult
        | Promise<ExecutionResult>

    return {
      name: name?.value,
      run: (context, given) => {
        const variables = (given ?? {}) as Variables
        const { coerced } = getVariableValues(schema, variableDefinitions, variables, { maxErrors: 1 })
        if (coerced === undefined) return undefined
        // What the program has read before it gave up is read: its reads are shared with the run anew, failures included.
        const answer = (data: Awaited<ReturnType<QueryProgram>>) => {
          if (data !== null) return { data }
          // Nobody wants to know what went wrong.
          if (hasCode(context.signal.reason, 'CANCELLED')) throw context.signal.reason
          return executeAnew(context, variables)
        }
        const begin = () => {
          const data = programOf(coerced)?.(context, coerced) ?? null
          return data instanceof Promise ? data.then(answer) : answer(data)
        }
        const coming = context.readAhead(reads)
        // With all lists here, joins are look-ups without a promise for each row.
        return complete && coming !== null ? coming.then(begin) : begin()
      },
    }
  }
}

const key = (source: string, operationName: string | null | undefined) => `${operationName ?? ''}\n${source}`

/** The short way knows no incremental delivery; introspection is rare and large. */
function isPlain(document: DocumentNode): boolean {
  let plain = true
  visit(document, {
    Directive: ({ name }) => {
      if (name.value === 'defer' || name.value === 'stream') plain = false
    },
    Field: ({ name }) => {
      if (name.value === '__schema' || name.value === '__type') plain = false
    },
  })
  return plain
}

/** Names of the variables that decide @skip and @include. */
function conditionsOf(document: DocumentNode, operation: OperationDefinitionNode): readonly string[] {
  const declared = new Set(operation.variableDefinitions?.map(({ variable }) => variable.name.value))
  const names = new Set<string>()
  visit(document, {
    Directive: (directive) => {
      for (const { value } of directive.arguments ?? []) if (value.kind === Kind.VARIABLE) names.add(value.name.value)
    },
  })
  // Other operations of the document have their own.
  return [...names].filter((name) => declared.has(name))
}

const mostPrograms = (conditions: readonly string[]) => Math.min(MOST_PROGRAMS, 2 ** conditions.length)

/** @returns finds the program for some variables; null where there is none */
function programs(
  compiling: Omit<Compiling, 'conditions'>,
  conditions: readonly string[],
): (variables: Variables) => QueryProgram | null {
  if (conditions.length === 0) {
    const only = compile({ ...compiling, conditions: {} })
    return () => only
  }
  const known = new Map<string, QueryProgram | null>()
  return (variables) => {
    const decided = conditions.map((name) => variables[name])
    // null where it may be left out: an error, which the executor tells.
    if (!decided.every((value) => typeof value === 'boolean')) return null
    const id = decided.join()
    let program = known.get(id)
    if (program === undefined) {
      if (known.size === MOST_PROGRAMS) return null
      program = compile({ ...compiling, conditions: variables })
      known.set(id, program)
    }
    return program
  }
}

function fragmentsOf(document: DocumentNode): Fragments {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  }
  return fragments
}
