// A call as HTTP: one row of the catalogue with its arguments and credentials becomes method, path, headers and body. Sends nothing.
import { encodeForm, fillPath, type Value, type Values } from './encoding.ts'
import type { AnyEndpoint, Method } from './endpoint.ts'
import { PrivicoreError } from './errors.ts'
import type { WireRequest } from './http.ts'
import type { Secret } from './secret.ts'

export interface EndpointOverride {
  readonly method?: Method | undefined
  readonly path?: string | undefined
}

/** Where one server differs from the catalogue. */
export interface Spelling {
  /** Put before every row's path. */
  readonly prefix: string
  /** By catalogue id. */
  readonly overrides: ReadonlyMap<string, EndpointOverride> | undefined
}

export interface Credentials {
  /** The caller's token; needed by rows of auth `token`. */
  readonly token?: Secret | null
  /** The value after `Basic `; needed by rows of auth `client` and `access-token`. */
  readonly basic?: Secret
}

/** A header value that may be sent: anything else could not have come from Privicore. */
const HEADER_VALUE = /^[\x21-\x7e]+$/

/**
 * @param method where it must be another than the row's
 * @throws PrivicoreError for what cannot be sent (no token, an id that cannot be one)
 */
export function compose(
  endpoint: AnyEndpoint,
  args: Values,
  options: Credentials & { readonly method?: Method },
  { prefix, overrides }: Spelling,
): WireRequest {
  const override = overrides?.get(endpoint.id)
  const method = options.method ?? override?.method ?? endpoint.method
  const template = override?.path ?? endpoint.path
  const path = prefix + fillPath(template, args)
  const headers: Record<string, string> = { accept: 'application/json' }
  authorize(endpoint, options, headers)
  const { query, body } = carry(endpoint, method, carried(endpoint, template, args), headers)
  return { method, path: query === '' ? path : `${path}?${query}`, headers, body }
}

function authorize(endpoint: AnyEndpoint, options: Credentials, headers: Record<string, string>): void {
  switch (endpoint.auth) {
    case 'none':
    case 'query':
      return
    case 'token':
      headers['x-dpt-authorization'] = credential(endpoint, options.token)
      return
    case 'client':
    case 'access-token':
      headers.authorization = `Basic ${credential(endpoint, options.basic)}`
  }
}

function credential(endpoint: AnyEndpoint, secret: Secret | null | undefined): string {
  const value = secret?.reveal() ?? ''
  if (HEADER_VALUE.test(value)) return value
  throw new PrivicoreError('UNAUTHENTICATED', `${endpoint.id}: needs credentials that can be sent`, {
    endpoint: endpoint.id,
  })
}

function carry(
  endpoint: AnyEndpoint,
  method: Method,
  values: Values,
  headers: Record<string, string>,
): { query: string; body: string | null } {
  if (endpoint.encoding === 'query' || method === 'GET') {
    const query = endpoint.args.length === 0 && !endpoint.extra ? '' : encodeForm(values)
    if (method === 'GET' || endpoint.encoding !== 'query') return { query, body: null }
    // Only /request-status is ever asked by POST like this (privicore.md §1.2).
    headers['content-type'] = 'application/json'
    return { query, body: '{}' }
  }
  if (endpoint.encoding === 'json') {
    headers['content-type'] = 'application/json'
    return { query: '', body: JSON.stringify(values) }
  }
  headers['content-type'] = 'application/x-www-form-urlencoded'
  return { query: '', body: encodeForm(values) }
}

/** The arguments that do not go into the path, under the names and in the order of the row. */
function carried(endpoint: AnyEndpoint, path: string, args: Values): Values {
  const values: Record<string, Value> = {}
  if (endpoint.extra) Object.assign(values, args.extra)
  for (const name of endpoint.args) {
    if (args[name] !== undefined && !path.includes(`{${name}}`)) values[name] = args[name]
  }
  for (const [twin, name] of Object.entries(endpoint.twins)) if (args[name] !== undefined) values[twin] = args[name]
  return values
}
