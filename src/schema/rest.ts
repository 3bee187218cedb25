// Which rows of the catalogue a field stands for: read by docs/endpoints.md and by the test that every row is reachable.
import type { AnyEndpoint } from '../privicore/endpoint.ts'

export interface RestExtension {
  readonly rest: readonly string[]
}

/** For the `extensions` of a field. */
export function rest(...endpoints: readonly AnyEndpoint[]): RestExtension {
  return { rest: endpoints.map((endpoint) => endpoint.id) }
}
