// What a query will ask for, known before it runs. Knows the lists that fields name as `ahead`, and nothing of how it is run.
import {
  type FragmentDefinitionNode,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql'
import type { AnyRead } from '../privicore/endpoint.ts'

export interface QueryPlan {
  /** Reads without arguments that it will surely ask for, however deep: all are started at once. */
  readonly reads: readonly AnyRead[]
  /** Whether every one of its root fields begins with one of these: then nothing is lost by waiting for all of them. */
  readonly complete: boolean
}

export type Fragments = ReadonlyMap<string, FragmentDefinitionNode>

export function planOf(schema: GraphQLSchema, fragments: Fragments, operation: OperationDefinitionNode): QueryPlan {
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
      } else if (!seen.has(selection.name.value)) {
        // Fragments that spread one another would else be walked once for every way there.
        seen.add(selection.name.value)
        const fragment = fragments.get(selection.name.value)
        if (fragment?.typeCondition.name.value === typeName) look(fragment.selectionSet, typeName)
      }
    }
  }
  look(operation.selectionSet, root)
  return { reads: [...found], complete: complete && found.size > 0 }
}
