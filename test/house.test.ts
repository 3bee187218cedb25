// The laws of the house that can be checked: who may import whom, names, descriptions, coverage of the catalogue, the contract.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import {
  buildSchema,
  findBreakingChanges,
  type GraphQLNamedType,
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  printSchema,
} from 'graphql'
import { expect, test } from 'vitest'
import { VARIABLES } from '../src/config.ts'
import { catalogue } from '../src/privicore/catalogue.ts'
import { schema } from '../src/schema/schema.ts'

const root = resolve(import.meta.dirname, '..')
const files = (folder: string): string[] =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))

interface Import {
  readonly file: string
  readonly line: number
  readonly from: string
  readonly typeOnly: boolean
}

const imports: Import[] = files('src').flatMap((file) => {
  const source = readFileSync(join(root, file), 'utf8')
  return [
    ...source.matchAll(
      /^(?:import|export)\s+(type\s)?[^'"]*?from\s+'([^']+)'|^import\s+'([^']+)'|import\('([^']+)'\)/gm,
    ),
  ].map((match) => {
    const from = (match[2] ?? match[3] ?? match[4]) as string
    return {
      file,
      line: source.slice(0, match.index).split('\n').length,
      from: from.startsWith('.') ? relative(root, resolve(root, file, '..', from)) : from,
      typeOnly: match[1] !== undefined,
    }
  })
})

test('the laws below look at every import', () => {
  expect(imports.length).toBeGreaterThan(100)
})

const show = (offences: readonly Import[]) => offences.map(({ file, line, from }) => `${file}:${line} imports ${from}`)

/** From the top down; a room may import its own and those below. config, metrics and secrets are values: any room may. */
const LAYERS = ['main', 'process', 'server', 'schema', 'resolvers', 'context', 'commands', 'cache', 'privicore']
const room = (path: string): string | undefined => /^src\/([a-z]+)/.exec(path)?.[1]
const FREE = new Set(['config', 'metrics'])

test('imports go downward: main → process → server → schema → resolvers → context → commands → cache → privicore', () => {
  const upward = imports.filter(({ file, from }) => {
    const importer = room(file)
    const imported = room(from)
    if (imported === undefined || importer === undefined || FREE.has(importer) || FREE.has(imported)) return false
    return LAYERS.indexOf(imported) < LAYERS.indexOf(importer)
  })
  expect(show(upward)).toEqual([])
})

test('no module imports itself through others', () => {
  const graph = new Map<string, string[]>()
  for (const { file, from, typeOnly } of imports)
    if (!typeOnly && from.startsWith('src/')) graph.set(file, [...(graph.get(file) ?? []), from])
  const done = new Set<string>()
  const cycles: string[] = []
  const walk = (file: string, path: readonly string[]) => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' → '))
    else if (!done.has(file)) {
      for (const next of graph.get(file) ?? []) walk(next, [...path, file])
      done.add(file)
    }
  }
  for (const file of graph.keys()) walk(file, [])
  expect(cycles).toEqual([])
})

test.each([
  ['@pothos/', ['schema']],
  ['graphql-yoga', ['server']],
  ['@graphql-yoga/', ['server']],
  ['undici', ['privicore']],
  ['ws', ['privicore', 'server']],
  ['ioredis', ['cache']],
  ['dataloader', ['cache']],
  ['prom-client', ['metrics']],
  ['zod', ['config']],
  ['pino', ['server']],
])('only its own room imports %s', (library, rooms) => {
  const strangers = imports.filter(({ file, from, typeOnly }) => {
    const hit = library.endsWith('/') ? from.startsWith(library) : from === library || from.startsWith(`${library}/`)
    return hit && !typeOnly && !rooms.includes(room(file) ?? '')
  })
  expect(show(strangers)).toEqual([])
})

const AREAS = [
  'utility',
  'profile',
  'oauth',
  'public-key',
  'data-token',
  'device',
  'storage',
  'verified-authenticator',
  'policy',
  'voting',
]
const areaOf = (path: string) => AREAS.find((area) => new RegExp(`^src/[a-z]+/${area}[./]`).test(path))

test('the wire of an area imports nothing of another, except types', () => {
  const siblings = imports.filter(
    ({ file, from, typeOnly }) =>
      !typeOnly &&
      /^src\/(privicore)\//.test(file) &&
      areaOf(file) &&
      areaOf(from) &&
      areaOf(file) !== areaOf(from) &&
      room(file) === room(from),
  )
  expect(show(siblings)).toEqual([])
})

test('the sandbox and the gateway know nothing of each other', () => {
  const foreign = files('sandbox').filter((file) =>
    /from '\.\.[/.]*\/src\//.test(readFileSync(join(root, file), 'utf8')),
  )
  expect(foreign).toEqual([])
  expect(show(imports.filter(({ file, from }) => from.startsWith('sandbox') && file !== 'src/main.ts'))).toEqual([])
})

test('files are in kebab-case, none is a drawer for odds and ends, and each opens with a line on what it knows', () => {
  const all = [...files('src'), ...files('sandbox')]
  expect(all.filter((file) => !/^[a-z0-9/-]+\.ts$/.test(file))).toEqual([])
  expect(all.filter((file) => /\b(utils?|helpers?|common|shared|misc|types)\b/.test(file))).toEqual([])
  expect(all.filter((file) => !/^(#!.*\n)?\/\/ ./.test(readFileSync(join(root, file), 'utf8')))).toEqual([])
})

const ownTypes = (of: GraphQLSchema): GraphQLNamedType[] =>
  Object.values(of.getTypeMap()).filter(
    (type) => !type.name.startsWith('__') && !/^(String|Int|Float|Boolean|ID)$/.test(type.name),
  )

test('every type, field, argument, input field and enum value has a description', () => {
  const bare: string[] = []
  const need = (description: string | null | undefined, name: string) => {
    if (!description?.trim()) bare.push(name)
  }
  for (const type of ownTypes(schema)) {
    need(type.description, type.name)
    if (isObjectType(type) || isInterfaceType(type)) {
      for (const field of Object.values(type.getFields())) {
        need(field.description, `${type.name}.${field.name}`)
        for (const argument of field.args) need(argument.description, `${type.name}.${field.name}(${argument.name}:)`)
      }
    }
    if (isInputObjectType(type))
      for (const field of Object.values(type.getFields())) need(field.description, `${type.name}.${field.name}`)
    if (isEnumType(type)) for (const value of type.getValues()) need(value.description, `${type.name}.${value.name}`)
  }
  expect(bare).toEqual([])
})

test('every root field that needs a token of a profile says which scope an application needs for it', () => {
  const silent = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
    Object.values(type?.getFields() ?? {}).filter(({ description, extensions }) => {
      const ids = (extensions.rest as readonly string[] | undefined) ?? []
      const needsToken = ids.some((id) => catalogue.find((row) => row.id === id)?.auth === 'token')
      return needsToken && !/\bscopes? /i.test(description ?? '')
    }),
  )
  expect(silent.map(({ name }) => name)).toEqual([])
})

/** Rows that no field stands for, each with its reason. */
const UNREACHED: Readonly<Record<string, string>> = {}

test('every row of the catalogue is reachable from a field', () => {
  const reached = new Set<string>()
  for (const type of ownTypes(schema)) {
    if (!isObjectType(type)) continue
    for (const field of Object.values(type.getFields()))
      for (const id of (field.extensions.rest as readonly string[] | undefined) ?? []) reached.add(id)
  }
  expect(catalogue.map(({ id }) => id).filter((id) => !reached.has(id) && !(id in UNREACHED))).toEqual([])
  expect([...reached, ...Object.keys(UNREACHED)].filter((id) => !catalogue.some((row) => row.id === id))).toEqual([])
})

const contractPath = join(root, 'test/contract/schema.graphql')
const contract = buildSchema(readFileSync(contractPath, 'utf8'))

test('the schema keeps every name, type, nullability and default of the public contract', () => {
  const breaking = findBreakingChanges(contract, schema).map(({ description }) => description)
  expect(breaking).toEqual([])
})

test('what the contract makes nullable stays nullable, to the letter', () => {
  const differences = ownTypes(contract).flatMap((type) => {
    const own = schema.getType(type.name)
    if (!isObjectType(type) && !isInterfaceType(type) && !isInputObjectType(type)) return []
    if (!isObjectType(own) && !isInterfaceType(own) && !isInputObjectType(own)) return [`${type.name} is missing`]
    return Object.values(type.getFields()).flatMap((field) => {
      const type_ = own.getFields()[field.name]?.type.toString()
      return type_ === field.type.toString() ? [] : [`${type.name}.${field.name}: ${field.type}, here ${type_}`]
    })
  })
  expect(differences).toEqual([])
})

test('the copy of the contract is the contract', () => {
  const original = resolve(root, '../shared/contract/schema.graphql')
  // Only some machines have it beside the repository.
  if (existsSync(original)) expect(readFileSync(contractPath, 'utf8')).toBe(readFileSync(original, 'utf8'))
})

test('schema.graphql is current', () => {
  const written = readFileSync(join(root, 'schema.graphql'), 'utf8')
  expect(written.trim(), 'run `npm run codegen`').toBe(printSchema(schema).trim())
})

test('.env.example lists every variable, and no other', () => {
  const example = readFileSync(join(root, '.env.example'), 'utf8')
  const listed = [...example.matchAll(/^#?\s*([A-Z][A-Z0-9_]+)=/gm)].map((match) => match[1])
  expect(listed.toSorted()).toEqual(VARIABLES.toSorted())
})

test('the image starts the gateway as npm start does', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const image = readFileSync(join(root, 'Dockerfile'), 'utf8')
  expect(image).toContain(`\nCMD ${JSON.stringify(scripts.start.split(' ')).replaceAll(',', ', ')}\n`)
  // Code that was compiled with other flags would be compiled anew.
  expect(image).toContain(` timeout --preserve-status 10 ${scripts.start}\n`)
})
