// An answer as two ways of running one query must agree on it.
import type { ExecutionResult } from 'graphql'

type Path = readonly (string | number)[]

/**
 * To the letter, but for what is chance: in which order failures that come later are told, and which of several failures that make
 * one place null together are told at all.
 */
export function told({ data, errors = [] }: Pick<ExecutionResult, 'data' | 'errors'>): string {
  const failures = errors.map((error) => {
    const { path = [] } = error
    const place = nulledAbove(data, path)
    const text = JSON.stringify(error).replace(/"requestId":"[^"]+"/, '"requestId":"r"')
    return place === null ? text : `null: ${place.join('.')}`
  })
  return JSON.stringify({ data, errors: [...new Set(failures)].toSorted() }, null, 1)
}

/** The place above `path` that a failure there, among others, has made null; null where it has not. */
function nulledAbove(data: unknown, path: Path): Path | null {
  let value = data
  for (let depth = 0; depth < path.length; depth++) {
    if (value === null || value === undefined) return path.slice(0, depth)
    value = (value as Record<string | number, unknown>)[path[depth] as string]
  }
  return null
}
