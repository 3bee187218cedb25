// Which fields may be resolved a second time within an operation without anything being asked or done twice. Knows what fields
// declare of themselves (schema/rest.ts) and what may be remembered, and no field by name.
import type { GraphQLField } from 'graphql'
import { policyOf } from '../cache/policy.ts'
import type { AnyRead } from '../privicore/endpoint.ts'

/** source, args, context: whoever takes more wants to know where in the document it stands. */
const TAKES_CONTEXT = 3

/**
 * What may be served from memory may be read again: within an operation it is the same call. What is handed out once, what is asked
 * anew each time, and what is sent may not. Nor may a field that reaches for Privicore and does not say for which of its rows.
 */
export function isRepeatable({ resolve, extensions }: GraphQLField<unknown, unknown>): boolean {
  const rest = extensions.rest as readonly string[] | undefined
  const ahead = extensions.ahead as readonly AnyRead[] | undefined
  const parameters = resolve?.length ?? 0
  if (parameters > TAKES_CONTEXT) return false
  if (parameters === TAKES_CONTEXT && rest === undefined && ahead === undefined) return false
  return [...(rest ?? []), ...(ahead ?? []).map(({ id }) => id)].every((id) => 'area' in policyOf(id))
}
