// Knows how a route is declared, which route a request belongs to, and who may call it.
import type { IncomingHttpHeaders } from 'node:http'
import { type Answer, Refusal } from './answers.ts'
import { decodeForm, type Fields } from './form.ts'
import { covers } from './scopes.ts'
import type { Application, Profile, Session } from './state.ts'
import { isObject, type Rules, validate } from './validation.ts'
import type { World } from './world.ts'

/** One request, decoded and validated. */
export class Call {
  readonly endpoint: string
  readonly method: string
  readonly params: Record<string, string>
  readonly fields: Fields

  constructor(endpoint: string, method: string, params: Record<string, string>, fields: Fields) {
    this.endpoint = endpoint
    this.method = method
    this.params = params
    this.fields = fields
  }

  param(name: string): string {
    return this.params[name] ?? ''
  }

  text(name: string): string {
    return String(this.fields[name] ?? '')
  }

  optionalText(name: string): string | undefined {
    return this.text(name) === '' ? undefined : this.text(name)
  }

  number(name: string): number {
    return Number(this.fields[name])
  }

  optionalNumber(name: string): number | undefined {
    return this.optionalText(name) === undefined ? undefined : this.number(name)
  }

  list(name: string): string[] {
    const value = this.fields[name]
    return Array.isArray(value) ? value.map(String) : []
  }

  object(name: string): Fields {
    const value = this.fields[name]
    return isObject(value) ? value : {}
  }

  /** The free fields of a row: what was sent beside the named ones. */
  others(named: string[]): Fields {
    return Object.fromEntries(Object.entries(this.fields).filter(([key]) => !named.includes(key)))
  }
}

export interface Caller {
  profile: Profile
  session: Session
}

interface Shape {
  /** ANY: the handler tells the methods apart. */
  method: 'GET' | 'POST' | 'ANY'
  path: string
  /** Encoding of a POST body; form unless the row says JSON. */
  encoding?: 'form' | 'json'
  fields?: Rules
}

export type Route =
  | (Shape & { auth: 'none'; answer: (call: Call) => Answer })
  | (Shape & {
      auth: 'token'
      /** Allowed before the profile has registered a public key. */
      keyless?: true
      answer: (call: Call, caller: Caller) => Answer
    })
  /** Basic base64(client_id:client_secret). */
  | (Shape & { auth: 'client'; answer: (call: Call, application: Application) => Answer })
  /** Basic with the raw access token; expired is good enough for a refresh. */
  | (Shape & { auth: 'access-token'; expiredToo?: true; answer: (call: Call, session: Session) => Answer })

export type Routes = Record<string, Route>

export interface Match {
  endpoint: string
  route: Route
  params: Record<string, string>
}

export class Router {
  readonly #routes: { endpoint: string; route: Route; segments: string[] }[]

  constructor(routes: Routes) {
    this.#routes = Object.entries(routes).map(([endpoint, route]) => ({
      endpoint,
      route,
      segments: route.path.split('/'),
    }))
  }

  /** Undefined: no such path. An empty list of methods would be a match. */
  match(method: string, path: string): Match | { allowed: string[] } | undefined {
    const segments = path.split('/')
    const allowed: string[] = []
    for (const { endpoint, route, segments: pattern } of this.#routes) {
      const params = paramsOf(pattern, segments)
      if (!params) continue
      if (route.method === 'ANY' || route.method === method) return { endpoint, route, params }
      allowed.push(route.method)
    }
    return allowed.length > 0 ? { allowed } : undefined
  }
}

function paramsOf(pattern: string[], segments: string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return
  const params: Record<string, string> = {}
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? ''
    if (!part.startsWith('{')) {
      if (part !== segment) return
      continue
    }
    const value = decodeSegment(segment)
    if (!value) return
    params[part.slice(1, -1)] = value
  }
  return params
}

function decodeSegment(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {}
}

export interface RawRequest {
  method: string
  query: string
  headers: IncomingHttpHeaders
  body: string
}

/** Authentication, then the public-key gate, then form validation, then the area's own answer. */
export function dispatch(world: World, { endpoint, route, params }: Match, request: RawRequest): Answer {
  const call = () => {
    const fields = fieldsOf(route, request)
    validate(fields, route.fields ?? {})
    return new Call(endpoint, request.method, params, fields)
  }
  switch (route.auth) {
    case 'none':
      return route.answer(call())
    case 'token': {
      const caller = callerOf(world, request.headers)
      if (!mayCall(caller.session, endpoint, route)) throw new Refusal(403, 'oauth.scope_missing')
      if (!route.keyless && !caller.profile.publicKey) throw new Refusal(403, 'public_key.not_registered')
      return route.answer(call(), caller)
    }
    case 'client': {
      const application = clientOf(world, request.headers)
      return route.answer(call(), application)
    }
    case 'access-token': {
      const session = world.state.sessions.get(basic(request.headers))
      const isGood = session?.grant && !session.revoked && (route.expiredToo || session.expiresAt > Date.now())
      if (!session || !isGood) throw new Refusal(401, 'invalid token')
      return route.answer(call(), session)
    }
  }
}

/** Fields as they are decoded by a server that trusts the row's encoding. */
export function fieldsOf(route: Route, request: RawRequest): Fields {
  if (request.method === 'GET') return decodeForm(request.query)
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase()
  if (route.encoding !== 'json') return type === 'application/x-www-form-urlencoded' ? decodeForm(request.body) : {}
  if (type !== 'application/json') throw new Refusal(415, 'unsupported media type')
  try {
    const value: unknown = JSON.parse(request.body)
    if (isObject(value)) return value
  } catch {}
  throw new Refusal(422, 'malformed JSON')
}

function callerOf(world: World, headers: IncomingHttpHeaders): Caller {
  const session = world.state.session(String(headers['x-dpt-authorization'] ?? ''))
  const profile = session && world.state.profiles.get(session.profileId)
  if (!profile) throw new Refusal(401, 'invalid token')
  return { profile, session }
}

function clientOf(world: World, headers: IncomingHttpHeaders): Application {
  const credentials = Buffer.from(basic(headers), 'base64').toString()
  const colon = credentials.indexOf(':')
  const application = world.state.application(credentials.slice(0, colon))
  if (colon < 1 || application?.clientSecret !== credentials.slice(colon + 1)) throw new Refusal(401, 'invalid token')
  return application
}

function basic(headers: IncomingHttpHeaders): string {
  return /^Basic (.+)$/i.exec(headers.authorization ?? '')?.[1] ?? ''
}

/** A profile's own token may do anything, an OAuth application's what its scopes allow. */
function mayCall({ grant }: Session, endpoint: string, route: Route): boolean {
  return !grant || covers(grant.scopes, operationOf(endpoint, route.path))
}

/** `data_token.list_data_tokens`: the name of a call in scopes and in the events of policies. */
export function operationOf(endpoint: string, path: string): string {
  const [area = '', ...rest] = path
    .slice(1)
    .split('/')
    .filter((part) => !part.startsWith('{'))
  const name = endpoint.startsWith('oauth.') ? 'oauth' : area
  return `${name}.${rest.join('_')}`.replaceAll('-', '_')
}
