// Random valid queries over a schema: aliases, merged fields, fragments on objects and interfaces, conditions, variables of every kind.
import fc, { type GeneratorValue } from 'fast-check'
import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isAbstractType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql'

export interface RandomQuery {
  readonly query: string
  readonly variables: Readonly<Record<string, unknown>>
}

export interface RandomQueryOptions {
  readonly schema: GraphQLSchema
  /** `Type.field`: not to be asked for. */
  readonly without: ReadonlySet<string>
  /** Values for arguments of a name, beside what makes no sense. */
  readonly values: Readonly<Record<string, readonly unknown[]>>
  readonly depth: number
}

export const randomQuery = (options: RandomQueryOptions) => fc.gen().map((draw) => new Writer(options, draw).write())

/** How many selections one document has: fragments in fragments would else go on for ever. */
const MOST_PARTS = 60

/** Every value as likely: the library's liking for the extremes would make every chance come true. */
const evenly = (max: number) => fc.noBias(fc.nat({ max }))

class Writer {
  readonly #options: RandomQueryOptions
  readonly #draw: GeneratorValue
  readonly #variables: Record<string, unknown> = {}
  readonly #declared: string[] = []
  readonly #fragments: { readonly on: string; readonly name: string; readonly text: string }[] = []
  #names = 0
  #parts = 0

  constructor(options: RandomQueryOptions, draw: GeneratorValue) {
    this.#options = options
    this.#draw = draw
  }

  write(): RandomQuery {
    const root = this.#options.schema.getQueryType() as GraphQLNamedType
    const selection = this.#selection(root, this.#options.depth, '')
    const declared = this.#declared.length === 0 ? '' : `(${this.#declared.join(', ')})`
    return {
      query: [`query Q${declared} ${selection}`, ...this.#fragments.map(({ text }) => text)].join('\n'),
      variables: this.#variables,
    }
  }

  #chance(percent: number): boolean {
    return this.#draw(evenly, 99) >= 100 - percent
  }

  #one<T>(of: readonly T[]): T {
    return of[this.#draw(evenly, of.length - 1)] as T
  }

  #name(prefix: string): string {
    return `${prefix}${this.#names++}`
  }

  /** @param mark begins the aliases under an abstract type: what merges there must be of one type */
  #selection(type: GraphQLNamedType, depth: number, mark: string): string {
    const parts = Array.from({ length: 1 + this.#draw(evenly, 4) }, () => this.#part(type, depth, mark))
    return `{ ${parts.join(' ')} }`
  }

  #part(type: GraphQLNamedType, depth: number, mark: string): string {
    const { schema } = this.#options
    if (++this.#parts > MOST_PARTS || this.#chance(8)) return `__typename${this.#condition()}`
    if (isAbstractType(type) && this.#chance(80)) {
      const possible = this.#one(schema.getPossibleTypes(type))
      return `... on ${possible.name}${this.#condition()} ${this.#selection(possible, depth, `${mark}${possible.name}_`)}`
    }
    if (this.#chance(12)) return `...${this.#condition()} ${this.#selection(type, depth, mark)}`
    if (isObjectType(type) && this.#chance(10)) {
      const on = this.#one([type, ...type.getInterfaces()])
      return `... on ${on.name}${this.#condition()} ${this.#selection(on, depth, mark)}`
    }
    if (mark === '' && this.#chance(10)) return this.#spread(type, depth)
    const fields = isObjectType(type) || isAbstractType(type) ? this.#fieldsOf(type, depth) : []
    return fields.length === 0 ? '__typename' : this.#field(type, this.#one(fields), depth, mark)
  }

  #fieldsOf(type: GraphQLNamedType, depth: number): GraphQLField<unknown, unknown>[] {
    const fields = 'getFields' in type ? Object.values(type.getFields()) : []
    return (fields as GraphQLField<unknown, unknown>[]).filter(
      (field) =>
        !this.#options.without.has(`${type.name}.${field.name}`) &&
        (depth > 0 || !('getFields' in getNamedType(field.type))),
    )
  }

  #field(type: GraphQLNamedType, field: GraphQLField<unknown, unknown>, depth: number, mark: string): string {
    const args = field.args.flatMap((argument) => this.#argument(argument))
    // Fields merge where they have one key: those with arguments have a key of their own each.
    const alias =
      args.length > 0 || field.args.length > 0
        ? `${this.#name('a')}: `
        : mark !== '' || this.#chance(15)
          ? `${mark}${this.#chance(50) && mark === '' ? `${type.name}_` : ''}${field.name}_: `
          : ''
    const inner = getNamedType(field.type)
    const selection =
      'getFields' in inner ? ` ${this.#selection(inner, depth - 1, isAbstractType(inner) ? `${mark}N` : mark)}` : ''
    return `${alias}${field.name}${args.length === 0 ? '' : `(${args.join(', ')})`}${this.#condition()}${selection}`
  }

  #spread(type: GraphQLNamedType, depth: number): string {
    const known = this.#fragments.filter(({ on }) => on === type.name)
    if (known.length > 0 && this.#chance(60)) return `...${this.#one(known).name}${this.#condition()}`
    const name = this.#name('F')
    const text = `fragment ${name} on ${type.name} ${this.#selection(type, Math.min(depth, 1), '')}`
    this.#fragments.push({ on: type.name, name, text })
    return `...${name}${this.#condition()}`
  }

  #condition(): string {
    if (!this.#chance(8)) return ''
    const directive = this.#one(['skip', 'include'])
    if (this.#chance(30)) return ` @${directive}(if: ${this.#chance(50)})`
    return ` @${directive}(if: ${this.#variable('Boolean!', this.#chance(50), this.#chance(50) ? 'true' : null)})`
  }

  #argument({ name, type, defaultValue }: GraphQLArgument): string[] {
    const isNeeded = isNonNullType(type) && defaultValue === undefined
    if (!isNeeded && this.#chance(50)) return []
    const value = this.#value(name, type)
    if (this.#chance(50)) return [`${name}: ${literal(value, type)}`]
    const usual = !isNeeded && this.#chance(30) ? literal(this.#value(name, type) ?? null, type) : null
    const isNullable = !isNonNullType(type)
    const given = isNullable && this.#chance(15) ? null : value
    return [`${name}: ${this.#variable(String(type), given, usual, isNullable && this.#chance(15))}`]
  }

  #variable(type: string, value: unknown, usual: string | null, isAbsent = usual !== null && this.#chance(50)): string {
    const name = this.#name('v')
    this.#declared.push(`$${name}: ${type}${usual === null ? '' : ` = ${usual}`}`)
    if (!isAbsent) this.#variables[name] = value
    return `$${name}`
  }

  #value(name: string, type: GraphQLInputType): unknown {
    if (isNonNullType(type)) return this.#value(name, type.ofType)
    if (isListType(type)) return Array.from({ length: this.#draw(evenly, 3) }, () => this.#value(name, type.ofType))
    if (isEnumType(type)) return this.#one(type.getValues()).name
    if (isInputObjectType(type)) {
      const some = Object.values(type.getFields()).filter(() => this.#chance(30))
      return Object.fromEntries(some.map((field) => [field.name, this.#value(field.name, field.type)]))
    }
    return this.#one(this.#options.values[name] ?? ['none'])
  }
}

function literal(value: unknown, type: GraphQLInputType): string {
  if (value === null) return 'null'
  if (isNonNullType(type)) return literal(value, type.ofType)
  if (isListType(type)) return `[${(value as unknown[]).map((item) => literal(item, type.ofType)).join(', ')}]`
  if (isEnumType(type)) return String(value)
  if (!isInputObjectType(type)) return JSON.stringify(value)
  const fields = type.getFields()
  const given = Object.entries(value as object)
  return `{ ${given.map(([name, inner]) => `${name}: ${literal(inner, fields[name]?.type as GraphQLInputType)}`).join(', ')} }`
}
