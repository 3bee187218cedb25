// Which fields of an object a selection asks for, once the conditions in it are decided: CollectFields of the specification. Runs
// nothing.
import {
  type DirectiveNode,
  type FieldNode,
  type GraphQLDirective,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getDirectiveValues,
  isAbstractType,
  Kind,
  type NamedTypeNode,
  type SelectionSetNode,
} from 'graphql'
import type { Fragments } from './query-plan.ts'

export type Variables = Readonly<Record<string, unknown>>

/** What a selection is read against. */
export interface Selecting {
  readonly schema: GraphQLSchema
  readonly fragments: Fragments
  /** Those that decide @skip and @include are here, each true or false. */
  readonly conditions: Variables
}

/** By the key in the answer, in its order: every node that asks for it. */
export type CollectedFields = ReadonlyMap<string, readonly FieldNode[]>

/** @param selectionSets of the fields that were merged into one, or of the operation */
export function collectFields(
  { schema, fragments, conditions }: Selecting,
  type: GraphQLObjectType,
  selectionSets: readonly SelectionSetNode[],
): CollectedFields {
  const fields = new Map<string, FieldNode[]>()
  const spread = new Set<string>()
  const collect = ({ selections }: SelectionSetNode): void => {
    for (const selection of selections) {
      if (isLeftOut(selection, conditions)) continue
      if (selection.kind === Kind.FIELD) {
        const key = (selection.alias ?? selection.name).value
        const nodes = fields.get(key)
        if (nodes === undefined) fields.set(key, [selection])
        else nodes.push(selection)
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        if (applies(schema, selection.typeCondition, type)) collect(selection.selectionSet)
      } else if (!spread.has(selection.name.value)) {
        spread.add(selection.name.value)
        const fragment = fragments.get(selection.name.value)
        if (fragment !== undefined && applies(schema, fragment.typeCondition, type)) collect(fragment.selectionSet)
      }
    }
  }
  for (const selectionSet of selectionSets) collect(selectionSet)
  return fields
}

function isLeftOut(node: { readonly directives?: readonly DirectiveNode[] }, conditions: Variables): boolean {
  if (node.directives === undefined || node.directives.length === 0) return false
  const decided = (directive: GraphQLDirective) => getDirectiveValues(directive, node, conditions)?.if
  return decided(GraphQLSkipDirective) === true || decided(GraphQLIncludeDirective) === false
}

function applies(schema: GraphQLSchema, condition: NamedTypeNode | undefined, type: GraphQLObjectType): boolean {
  if (condition === undefined || condition.name.value === type.name) return true
  const named = schema.getType(condition.name.value)
  return isAbstractType(named) && schema.isSubType(named, type)
}
