// Which rows of the catalogue a field stands for: read by docs/endpoints.md and by the test that every row is reachable. And which
// lists a field will ask for: the server starts them when the operation begins, not when the field's parent has arrived.
import type { AnyEndpoint, AnyRead } from '../privicore/endpoint.ts'

export interface RestExtension {
  readonly rest: readonly string[]
}

/** For the `extensions` of a field. */
export function rest(...endpoints: readonly AnyEndpoint[]): RestExtension {
  return { rest: endpoints.map((endpoint) => endpoint.id) }
}

/** For the `extensions` of a field that looks its value up in whole lists, which take no arguments. */
export function ahead(...lists: readonly AnyRead[]): { readonly ahead: readonly AnyRead[] } {
  return { ahead: lists }
}
