// The program of a query against yoga's executor, on a schema whose resolvers answer whatever there is: values, nonsense, promises, errors.
import { execute as executeAny } from '@graphql-tools/executor'
import fc from 'fast-check'
import {
  type ExecutionResult,
  type FragmentDefinitionNode,
  GraphQLEnumType,
  GraphQLFloat,
  GraphQLID,
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
  getVariableValues,
  type OperationDefinitionNode,
  parse,
} from 'graphql'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Context } from '../../src/context/context.ts'
import { CompiledQueries } from '../../src/server/compiled-queries.ts'
import { compile } from '../../src/server/query-program.ts'
import { randomQuery } from '../support/random-query.ts'
import { told } from '../support/told.ts'

const Any = new GraphQLScalarType({ name: 'Any' })
const Colour = new GraphQLEnumType({ name: 'Colour', values: { RED: { value: 'red' }, BLUE: { value: 1 } } })
const leaves = { text: GraphQLString, id: GraphQLID, whole: GraphQLInt, number: GraphQLFloat, colour: Colour, any: Any }

/** Every shape that a type can be wrapped in. */
const wrapped = (name: string, type: GraphQLOutputType): [string, GraphQLOutputType][] => [
  [name, type],
  [`${name}Needed`, new GraphQLNonNull(type)],
  [`${name}List`, new GraphQLList(type)],
  [`${name}ListNeeded`, new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(type)))],
  [`${name}Table`, new GraphQLList(new GraphQLList(new GraphQLNonNull(type)))],
]

const fields = (): [string, GraphQLOutputType][] => [
  ...Object.entries(leaves).flatMap(([name, type]) => wrapped(name, type)),
  ...wrapped('thing', Thing),
]

const Thing: GraphQLObjectType = new GraphQLObjectType({
  name: 'Thing',
  fields: () => Object.fromEntries(fields().map(([name, type]) => [name, { type }])),
})

/** What stands for a value, so that each run gets its own. */
type Recipe =
  | readonly ['value', unknown]
  | readonly ['later' | 'failed later', Recipe]
  | readonly ['list', readonly Recipe[]]
  | readonly ['thing' | 'error' | 'function']

let recipes: (field: string, depth: number) => Recipe

class Made {
  readonly depth: number
  constructor(depth: number) {
    this.depth = depth
  }
}
// Made when they are read, as an executor leaves a promise alone that it has not come to.
for (const [name] of fields()) {
  Object.defineProperty(Made.prototype, name, {
    get(this: Made) {
      return made(recipes(name, this.depth), this.depth)
    },
  })
}

function made(recipe: Recipe, depth: number): unknown {
  switch (recipe[0]) {
    case 'value':
      return recipe[1]
    case 'later':
      return Promise.resolve().then(() => made(recipe[1], depth))
    case 'failed later':
      return Promise.reject(new Error('failed later'))
    case 'list':
      return recipe[1].map((inner) => made(inner, depth))
    case 'thing':
      return new Made(depth + 1)
    case 'error':
      return new Error('an error for a value')
    case 'function':
      return () => 'called'
  }
}

const right: Readonly<Record<string, readonly unknown[]>> = {
  text: ['', 'text', '"\u2028'],
  id: ['id', 7],
  whole: [0, -5],
  number: [1.5, 2],
  colour: ['red', 1],
  any: [{ a: [1] }, false, 'any'],
}
const wrong: readonly Recipe[] = [
  ['value', null],
  ['value', undefined],
  ['value', Number.NaN],
  ['value', 'nonsense'],
  ['value', {}],
  ['value', Symbol('nothing')],
  ['value', new Set(['red'])],
  ['error'],
  ['function'],
  ['failed later', ['value', null]],
]

/** The same answer each time that it is asked, and that it is run: out of the field, the depth and a seed. */
function choose(seed: number, badPercent: number): typeof recipes {
  return (field, depth) => {
    const base = Object.keys({ ...right, thing: 0 }).find((name) => field.startsWith(name)) as string
    const chance = (salt: string) => {
      let state = seed
      for (const letter of `${field} ${depth} ${salt}`)
        state = Math.imul(state ^ letter.charCodeAt(0), 0x01000193) >>> 0
      return state % 10_007
    }
    const pick = <T>(from: readonly T[], salt: string) => from[chance(salt) % from.length] as T
    const good = (salt: string): Recipe =>
      base === 'thing' ? ['thing'] : ['value', pick(right[base] as readonly unknown[], salt)]
    const one = (salt: string): Recipe => (chance(`bad ${salt}`) % 100 < badPercent ? pick(wrong, salt) : good(salt))
    const item = (salt: string): Recipe => (chance(`item ${salt}`) % 100 < 5 ? ['later', one(salt)] : one(salt))
    const list = (salt: string, each: (salt: string) => Recipe): Recipe => [
      'list',
      Array.from({ length: chance(`length ${salt}`) % 4 }, (_, index) => each(`${salt} ${index}`)),
    ]
    // Of a list in a list nobody may come to the second.
    const inner = (salt: string): Recipe => (one(salt)[0] === 'failed later' ? ['error'] : one(salt))
    const value = field.endsWith('Table')
      ? list('t', (salt) => list(salt, inner))
      : field.includes('List')
        ? list('l', item)
        : one('o')
    const is = chance('later') % 100
    return is < 30 ? ['later', value] : is < 30 + badPercent / 2 ? pick(wrong, 'whole') : value
  }
}

const Query = new GraphQLObjectType({
  name: 'Query',
  fields: () =>
    Object.fromEntries(fields().map(([name, type]) => [name, { type, resolve: () => made(recipes(name, 0), 0) }])),
})
const schema = new GraphQLSchema({ query: Query })

const context = { readAhead: () => null, signal: new AbortController().signal } as unknown as Context

const execute = (args: Parameters<typeof executeAny>[0]) =>
  executeAny(args) as ExecutionResult | Promise<ExecutionResult>

async function bothWays(query: string, variables: Record<string, unknown>) {
  const document = parse(query)
  const there = await execute({ schema, document, contextValue: context, variableValues: variables })
  const here = await new CompiledQueries(schema, 1).learn(document, null)?.run(context, variables)
  return { there: told(there), here: here && told(here), fails: there.errors !== undefined }
}

/** Rejections that nobody handles, for one test; of the executor's there may be some: it leaves what is left of a list when an item fails. */
function unhandled(): unknown[] {
  const seen: unknown[] = []
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', (reason) => void seen.push(reason))
  onTestFinished(() => {
    process.removeAllListeners('unhandledRejection')
    for (const listener of others) process.on('unhandledRejection', listener)
  })
  return seen
}

beforeAll(() => {
  recipes = choose(1, 0)
})

const queries = randomQuery({ schema, without: new Set(), depth: 3, values: {} })

test('what a program leaves when it gives up fails unheard', async () => {
  const seen = unhandled()
  let givenUp = 0
  await fc.assert(
    fc.asyncProperty(queries, fc.nat(), async ({ query, variables }, seed) => {
      recipes = choose(seed, 25)
      const document = parse(query)
      const [operation, ...others] = document.definitions as [OperationDefinitionNode, ...FragmentDefinitionNode[]]
      const fragments = new Map(others.map((fragment) => [fragment.name.value, fragment]))
      const { coerced = {} } = getVariableValues(schema, operation.variableDefinitions ?? [], variables)
      const program = compile({ schema, fragments, operation, conditions: coerced, mostFields: 1_000 })
      if ((await program?.(context, coerced)) === null) givenUp++
      await new Promise((resolve) => setImmediate(resolve))
      expect(seen).toEqual([])
    }),
    { numRuns: 400 },
  )
  expect(givenUp).toBeGreaterThan(100)
})

test.each([0, 3, 25])('random queries and values, of which %i in a hundred are bad', async (badPercent) => {
  unhandled()
  let failed = 0
  await fc.assert(
    fc.asyncProperty(queries, fc.nat(), async ({ query, variables }, seed) => {
      recipes = choose(seed, badPercent)
      const { there, here, fails } = await bothWays(query, variables)
      expect(here).toBe(there)
      if (fails) failed++
    }),
    { numRuns: 400 },
  )
  // What the executor leaves is heard by now.
  await new Promise((resolve) => setImmediate(resolve))
  expect(failed > 0).toBe(badPercent > 0)
})

test.each([
  ['a key that objects keep to themselves', '{ __proto__: text thing { __proto__: whole constructor: text } }'],
  [
    'keys that a promise or JSON would take for theirs',
    '{ then: text toJSON: text thing { then: whole toJSON: text } }',
  ],
  [
    'keys that are words of JavaScript, or of a program',
    '{ return: text class: id object: whole found: text thing { value: text run: whole constructor: id undefined: any hasOwnProperty: text } }',
  ],
  ['more fields than a program has', `{ ${Array.from({ length: 1_001 }, (_, index) => `a${index}: text`).join(' ')} }`],
  [
    'fields that merge',
    '{ thing { text } thing { ...F text whole } ...R } fragment F on Thing { id } fragment R on Query { thing { any } text }',
  ],
  [
    'what is skipped and included at once',
    '{ text @skip(if: false) @include(if: false) id @skip(if: true) @include(if: true) whole }',
  ],
  [
    'a selection of which nothing is left',
    '{ thing { text @skip(if: true) } thingListNeeded { id @include(if: false) } }',
  ],
])('%s', async (_, query) => {
  const { here, there } = await bothWays(query, {})
  expect(here).toBe(there)
})

test('each decision of the conditions has its own program, and there is an answer for any number of them', async () => {
  const names = ['a', 'b', 'c', 'd', 'e']
  const declared = names.map((name) => `$${name}: Boolean! = false`).join(' ')
  const query = `query (${declared}) { text ${names.map((name) => `${name}: text @include(if: $${name}) thing { ${name}: id @skip(if: $${name}) }`).join(' ')} }`
  const document = parse(query)
  const compiled = new CompiledQueries(schema, 1).learn(document, null)
  for (let decision = 0; decision < 2 ** names.length; decision++) {
    const variables = Object.fromEntries(names.map((name, bit) => [name, (decision & (2 ** bit)) !== 0]))
    const there = await execute({ schema, document, contextValue: context, variableValues: variables })
    expect(JSON.stringify(await compiled?.run(context, variables))).toBe(JSON.stringify(there))
  }
})

test('a document that is too long to be remembered is not compiled', async () => {
  const queries = new CompiledQueries(schema, 1)
  const learnt = (characters: number) => queries.learn(parse(`{ text }${' '.repeat(characters)}`), null)
  expect(learnt(100_000)).toBeDefined()
  expect(learnt(600_000)).toBeUndefined()
})

test('a program that gives up waits for nobody', async () => {
  recipes = (field) => (field === 'any' ? ['later', ['value', 1]] : ['failed later', ['value', null]])
  const { here, there } = await bothWays('{ any text textNeeded }', {})
  expect(here).toBe(there)
  recipes = choose(1, 0)
})
