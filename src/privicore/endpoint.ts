// The vocabulary of the catalogue: what one row of privicore.md says, as data. Knows no row and sends nothing.
import type { Decode } from './decode.ts'
import { placeholders, type Value, type Values } from './encoding.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** Where the arguments that are not in the path go. `bytes`: the body is a stream; see streams. */
export type Encoding = 'query' | 'form' | 'json' | 'bytes'

/**
 * `token`: the caller's profile token. `client`: Basic base64(client_id:client_secret). `access-token`: Basic with the raw access
 * token. `query`: the link itself carries it.
 */
export type Auth = 'none' | 'token' | 'client' | 'access-token' | 'query'

/** How sure privicore.md is of the row. */
export type Sureness = 'sure' | 'seen' | 'assumed'

interface Row {
  /** `area.verb`, as in privicore.md. */
  readonly id: string
  readonly method: Method
  /** May hold `{placeholders}`, filled from the arguments of that name. */
  readonly path: string
  readonly encoding: Encoding
  readonly auth: Auth
  readonly sureness: Sureness
  /** Every argument that the row takes, path placeholders included. */
  readonly args: readonly string[]
  /** Free extra fields of the argument `extra` go beside the named ones (which win). */
  readonly extra: boolean
  /** Arguments that are sent under a second name as well, because the sources disagree: second name → argument. */
  readonly twins: Readonly<Record<string, string>>
}

/** Answers what is asked. May be shared, cached and retried once, unless `once`. */
export interface Read<Id extends string, Args, Result> extends Row {
  readonly kind: 'read'
  readonly id: Id
  /** Privicore hands it out a single time, or every call makes a new one: never retried once sent, never shared. */
  readonly once: boolean
  readonly decode: Decode<Result>
  /** Type only. */
  readonly Args?: Args
}

/** Changes something, usually later. Sent once: never shared, never retried. `decode` reads what comes beside the command id. */
export interface Command<Id extends string, Args, Beside> extends Row {
  readonly kind: 'command'
  readonly id: Id
  /** What a bare string in a 200 is: the command's id (the rule), or what the row answers when it has completed at once. */
  readonly bareText: 'command-id' | 'answer'
  readonly decode: (body: unknown, header: (name: string) => string | null, commandId: string | null) => Beside
  /** Type only. */
  readonly Args?: Args
}

/** Raw bytes, streamed to or from a host of their own: single use, by a link that carries its own credential. */
export interface Transfer<Id extends string = string> extends Row {
  readonly kind: 'transfer'
  readonly id: Id
}

export type AnyRead = Read<string, unknown, unknown>
export type AnyCommand = Command<string, unknown, unknown>
export type AnyEndpoint = AnyRead | AnyCommand | Transfer

// The arguments' types come from the row itself: `['deviceIdentifier', 'name?']` and `/x/{commandId}` say what it takes.
type Name<Field extends string> = Field extends `${infer Bare}?` ? Bare : Field
type Needed<Field extends string> = Field extends `${string}?` ? never : Field
type Optional<Field extends string> = Field extends `${infer Bare}?` ? Bare : never
type InPath<Path extends string> = Path extends `${string}{${infer Param}}${infer Rest}` ? Param | InPath<Rest> : never
export type ArgsOf<Path extends string, Field extends string, Extra> = { readonly [K in InPath<Path>]: string } & {
  readonly [K in Needed<Field>]: Value
} & { readonly [K in Optional<Field>]?: Value } & (Extra extends true ? { readonly extra?: Values | null } : unknown)

type Called<Path extends string> =
  | { readonly get: Path; readonly post?: undefined }
  | { readonly post: Path; readonly get?: undefined }

type Carried<Field extends string> =
  | { readonly query?: readonly Field[]; readonly form?: undefined; readonly json?: undefined }
  | { readonly form: readonly Field[]; readonly query?: undefined; readonly json?: undefined }
  | { readonly json: readonly Field[]; readonly query?: undefined; readonly form?: undefined }

type Definition<Path extends string, Field extends string, Extra extends boolean> = Called<Path> &
  Carried<Field> & {
    readonly sureness: Sureness
    /** Default: the caller's token. */
    readonly auth?: Auth
    readonly extra?: Extra
    readonly twins?: Readonly<Record<string, NoInfer<Name<Field>>>>
  }

export function read<
  const Id extends string,
  const Path extends string,
  Result,
  const Field extends string = never,
  const Extra extends boolean = false,
>(
  id: Id,
  definition: Definition<Path, Field, Extra> & { readonly decode: Decode<Result>; readonly once?: boolean },
): Read<Id, ArgsOf<Path, Field, Extra>, Result> {
  return { kind: 'read', once: definition.once ?? false, decode: definition.decode, ...row(id, definition) }
}

export function command<
  const Id extends string,
  const Path extends string,
  const Field extends string = never,
  const Extra extends boolean = false,
  Beside = undefined,
>(
  id: Id,
  definition: Definition<Path, Field, Extra> & {
    readonly decode?: Command<Id, unknown, Beside>['decode']
    readonly bareText?: Command<Id, unknown, Beside>['bareText']
  },
): Command<Id, ArgsOf<Path, Field, Extra>, Beside> {
  return {
    kind: 'command',
    bareText: definition.bareText ?? 'command-id',
    decode: definition.decode ?? (() => undefined as Beside),
    ...row(id, definition),
  }
}

export function transfer<const Id extends string>(
  id: Id,
  definition: Called<string> & { readonly query: readonly string[]; readonly sureness: Sureness },
): Transfer<Id> {
  return { kind: 'transfer', ...row(id, { ...definition, auth: 'query' }), encoding: 'bytes' }
}

function row<Id extends string>(id: Id, definition: Definition<string, string, boolean>): Row & { readonly id: Id } {
  const path = definition.get ?? definition.post
  const carried = definition.query ?? definition.form ?? definition.json ?? []
  const inPath = placeholders(path)
  return {
    id,
    method: definition.get === undefined ? 'POST' : 'GET',
    path,
    encoding: definition.json ? 'json' : definition.get !== undefined || definition.query ? 'query' : 'form',
    auth: definition.auth ?? 'token',
    sureness: definition.sureness,
    args: [...inPath, ...carried.map((field) => field.replace(/\?$/, ''))],
    extra: definition.extra ?? false,
    twins: definition.twins ?? {},
  }
}
