// How much one document may ask for: tokens, depth, aliases, complexity. All are refused before any resolver runs.
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isListType,
  isNonNullType,
  Kind,
  Lexer,
  type SelectionSetNode,
  Source,
  TokenKind,
} from 'graphql'
import type { Plugin } from 'graphql-yoga'

export interface DocumentLimits {
  readonly depth: number
  readonly complexity: number
  readonly aliases: number
  readonly tokens: number
}

/** Introspection is deep by nature, and costs nothing upstream; GraphiQL's own query is 13 deep. */
const INTROSPECTION_DEPTH = 20
/** How many objects a list is taken to hold when nothing in the query says so. */
const USUAL_LIST_SIZE = 20
/** How many objects a page is taken to hold when only a variable says so: the most that is allowed. */
const LARGEST_PAGE = 200
/** How many fields a document may come to, each as often as its fragments are spread: what walks it takes time for each. */
const MOST_FIELDS = 10_000
/** Comments are no tokens: without a bound of its own a document could be as long as a body. */
const MOST_CHARACTERS = 128 * 1024

const tooMuch = (message: string) =>
  new GraphQLError(message, { extensions: { code: 'LIMIT_EXCEEDED', http: { status: 400, spec: true } } })

/** Counts tokens before anything is parsed. @throws GraphQLError LIMIT_EXCEEDED */
export function limitTokens(source: Source, most: number): void {
  const lexer = new Lexer(source)
  for (let count = 0; lexer.advance().kind !== TokenKind.EOF; count++) {
    if (count >= most) throw tooMuch(`The document has more than ${most} tokens. Split it into several.`)
  }
}

interface Size {
  readonly depth: number
  readonly introspectionDepth: number
  readonly aliases: number
  readonly complexity: number
  readonly fields: number
}

const NOTHING: Size = { depth: 0, introspectionDepth: 0, aliases: 0, complexity: 0, fields: 0 }

function measure(schema: GraphQLSchema, document: DocumentNode, limits: DocumentLimits): GraphQLError[] {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  }
  const measured = new Map<string, Size>()
  const ofFragment = (name: string): Size => {
    const known = measured.get(name)
    if (known !== undefined) return known
    // A fragment that spreads itself is refused by another rule; here it only must not go round for ever.
    measured.set(name, NOTHING)
    const fragment = fragments.get(name)
    const size = fragment ? ofSelection(fragment.selectionSet, fragment.typeCondition.name.value) : NOTHING
    measured.set(name, size)
    return size
  }

  const ofSelection = (selectionSet: SelectionSetNode, typeName: string): Size => {
    let { depth, introspectionDepth, aliases, complexity, fields } = NOTHING
    for (const selection of selectionSet.selections) {
      const size =
        selection.kind === Kind.FIELD
          ? ofField(selection, typeName)
          : selection.kind === Kind.FRAGMENT_SPREAD
            ? ofFragment(selection.name.value)
            : ofSelection(selection.selectionSet, selection.typeCondition?.name.value ?? typeName)
      depth = Math.max(depth, size.depth)
      introspectionDepth = Math.max(introspectionDepth, size.introspectionDepth)
      aliases += size.aliases
      complexity += size.complexity
      fields += size.fields
    }
    return { depth, introspectionDepth, aliases, complexity, fields }
  }

  const ofField = (field: FieldNode, typeName: string): Size => {
    const name = field.name.value
    const aliases = field.alias === undefined ? 0 : 1
    const type = fieldType(schema, typeName, name)
    const inner =
      field.selectionSet === undefined
        ? NOTHING
        : ofSelection(field.selectionSet, type === null ? '' : getNamedType(type).name)
    if (name.startsWith('__')) {
      const introspectionDepth = 1 + Math.max(inner.depth, inner.introspectionDepth)
      return { depth: 0, introspectionDepth, aliases: aliases + inner.aliases, complexity: 0, fields: 1 + inner.fields }
    }
    // Plain values come with their object; an object costs one, as often as it occurs.
    const own = type !== null && isCompositeType(getNamedType(type)) ? 1 + inner.complexity : 0
    return {
      depth: 1 + inner.depth,
      introspectionDepth: inner.introspectionDepth,
      aliases: aliases + inner.aliases,
      complexity: own * occurrences(field, type),
      fields: 1 + inner.fields,
    }
  }

  return document.definitions.flatMap((definition) => {
    if (definition.kind !== Kind.OPERATION_DEFINITION) return []
    const root = schema.getRootType(definition.operation)
    return root ? complaints(ofSelection(definition.selectionSet, root.name), limits) : []
  })
}

function fieldType(schema: GraphQLSchema, typeName: string, fieldName: string): GraphQLOutputType | null {
  const type = schema.getType(typeName)
  return (
    (type !== undefined && 'getFields' in type
      ? (type.getFields()[fieldName]?.type as GraphQLOutputType | undefined)
      : undefined) ?? null
  )
}

/** A page is as long as its `first` or `last` says, and its lists inside count once: the page has multiplied them already. */
function occurrences(field: FieldNode, type: GraphQLOutputType | null): number {
  for (const argument of field.arguments ?? []) {
    if (argument.name.value !== 'first' && argument.name.value !== 'last') continue
    if (argument.value.kind === Kind.INT) return Math.min(Math.max(Number(argument.value.value), 1), LARGEST_PAGE)
    if (argument.value.kind === Kind.VARIABLE) return LARGEST_PAGE
  }
  const bare = type !== null && isNonNullType(type) ? type.ofType : type
  const pageItself = field.name.value === 'edges' || field.name.value === 'nodes'
  return isListType(bare) && !pageItself ? USUAL_LIST_SIZE : 1
}

function complaints(size: Size, limits: DocumentLimits): GraphQLError[] {
  const found: GraphQLError[] = []
  if (size.depth > limits.depth)
    found.push(tooMuch(`The operation is ${size.depth} levels deep; at most ${limits.depth} are allowed.`))
  if (size.introspectionDepth > Math.max(INTROSPECTION_DEPTH, limits.depth)) {
    found.push(
      tooMuch(
        `The introspection is ${size.introspectionDepth} levels deep; at most ${INTROSPECTION_DEPTH} are allowed.`,
      ),
    )
  }
  if (size.aliases > limits.aliases)
    found.push(tooMuch(`The operation has ${size.aliases} aliases; at most ${limits.aliases} are allowed.`))
  if (size.fields > MOST_FIELDS)
    found.push(tooMuch(`The operation comes to more than ${MOST_FIELDS} fields. Spread fewer fragments.`))
  if (size.complexity > limits.complexity) {
    found.push(
      tooMuch(
        `The operation may touch ${size.complexity} objects; at most ${limits.complexity} are allowed. Ask for shorter pages or fewer lists.`,
      ),
    )
  }
  return found
}

/**
 * Yoga's way to the limits above: part of parsing, so that nothing walks a document that is over them, and so that what was measured is
 * remembered with what was parsed.
 */
export function useLimits(limits: DocumentLimits, schema: GraphQLSchema): Plugin {
  return {
    onParse({ parseFn, setParseFn }) {
      setParseFn((text, options) => {
        const source = text instanceof Source ? text : new Source(text)
        if (source.body.length > MOST_CHARACTERS) {
          throw tooMuch(`The document is longer than ${MOST_CHARACTERS} characters. Send what is long as variables.`)
        }
        limitTokens(source, limits.tokens)
        const document = parseFn(source, options)
        const [first] = measure(schema, document, limits)
        if (first !== undefined) throw first
        return document
      })
    },
  }
}
