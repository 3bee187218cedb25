// The environment, parsed once into one frozen value. Knows every variable, its default and its bounds; reads nothing else.
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { findEndpoint } from './privicore/catalogue.ts'
import { placeholders } from './privicore/encoding.ts'
import type { EndpointOverride } from './privicore/request.ts'
import { Secret } from './privicore/secret.ts'

/** Every problem of the environment at once, each by the name of its variable. */
export class ConfigError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(
      `The environment has ${problems.length === 1 ? 'a problem' : `${problems.length} problems`}:\n${problems.map((problem) => `  ${problem}`).join('\n')}`,
    )
    this.name = 'ConfigError'
    this.problems = problems
  }
}

const unset = (value: unknown) => (value === '' ? undefined : value)
const variable = <T extends z.ZodType>(type: T) => z.preprocess(unset, type)

const whole = (fallback: number, least: number, most: number, unit: string) =>
  variable(
    z
      .string()
      .optional()
      .transform((value, ctx) => {
        if (value === undefined) return fallback
        const number = /^\d+$/.test(value.trim()) ? Number(value) : Number.NaN
        if (number >= least && number <= most) return number
        ctx.addIssue(`must be a whole number of ${unit} from ${least} to ${most}`)
        return z.NEVER
      }),
  )

const url = (...protocols: readonly string[]) =>
  variable(
    z
      .string()
      .optional()
      .transform((value, ctx) => {
        if (value === undefined) return undefined
        const parsed = URL.canParse(value) ? new URL(value) : null
        if (
          parsed &&
          protocols.includes(parsed.protocol) &&
          parsed.hostname !== '' &&
          parsed.username === '' &&
          parsed.password === ''
        )
          return parsed
        ctx.addIssue(
          `must be an absolute ${protocols.map((protocol) => `${protocol}//`).join(' or ')} URL without credentials`,
        )
        return z.NEVER
      }),
  )

const ON = ['on', 'true', '1', 'yes']
const OFF = ['off', 'false', '0', 'no']
const onOff = (fallback: boolean | undefined) =>
  variable(
    z
      .string()
      .optional()
      .transform((value, ctx) => {
        if (value === undefined) return fallback
        if (ON.includes(value.toLowerCase())) return true
        if (OFF.includes(value.toLowerCase())) return false
        ctx.addIssue('must be on or off')
        return z.NEVER
      }),
  )

const list = variable(
  z
    .string()
    .optional()
    .transform((value) =>
      value
        ?.split(',')
        .map((item) => item.trim())
        .filter((item) => item !== ''),
    ),
)

/** A file of JSON named by a variable, checked by `schema`. */
const jsonFile = <T extends z.ZodType>(schema: T) =>
  variable(
    z
      .string()
      .optional()
      .transform((path, ctx) => {
        if (path === undefined) return undefined
        let content: unknown
        try {
          content = JSON.parse(readFileSync(path, 'utf8'))
        } catch (error) {
          ctx.addIssue(
            `names a file that cannot be read as JSON (${error instanceof SyntaxError ? 'it is not JSON' : 'it cannot be opened'})`,
          )
          return z.NEVER
        }
        const parsed = schema.safeParse(content)
        if (parsed.success) return parsed.data
        for (const issue of parsed.error.issues)
          ctx.addIssue(`in its file, ${issue.path.join('.') || 'the whole'}: ${issue.message}`)
        return z.NEVER
      }),
  )

const endpointOverride = z.strictObject({
  method: z.enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']).optional(),
  path: z
    .string()
    .regex(/^\/[^?#\s]*$/, 'must be a path that begins with /')
    .optional(),
})

/** One by one: what is wrong with one override hides nothing that is wrong with another. */
const endpointOverrides = z.record(z.string(), z.unknown()).transform((given, ctx) => {
  const overrides: Record<string, z.infer<typeof endpointOverride>> = {}
  for (const [id, value] of Object.entries(given)) {
    const endpoint = findEndpoint(id)
    if (endpoint === undefined) ctx.addIssue({ code: 'custom', path: [id], message: 'is not the id of an endpoint' })
    const parsed = endpointOverride.safeParse(value)
    for (const issue of parsed.error?.issues ?? [])
      ctx.addIssue({ code: 'custom', path: [id, ...issue.path], message: describe(issue) })
    if (!parsed.success || endpoint === undefined) continue
    const unknown = placeholders(parsed.data.path ?? '').filter((name) => !endpoint.args.includes(name))
    if (unknown.length > 0) {
      ctx.addIssue({
        code: 'custom',
        path: [id],
        message: `has no argument ${unknown.join(', ')}; it has ${endpoint.args.join(', ') || 'none'}`,
      })
    }
    overrides[id] = parsed.data
  }
  return overrides
})

const trustedDocuments = z.record(z.string().regex(/^(sha256:)?[0-9a-f]{64}$/, 'must be a sha256 in hex'), z.string())

const STREAM_HOST = /^(\[[0-9a-f:]+\]|[a-z0-9.-]+)(:\d{1,5})?$/i

/** What a browser sends as Origin: without a path, in lower case, without the port that goes without saying. */
function isOrigin(text: string): boolean {
  if (/^https?:/.test(text)) return !text.includes('*') && URL.canParse(text) && new URL(text).origin === text
  return /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9._-]+(:\d{1,5})?$/.test(text)
}

const redisUrl = variable(
  z
    .string()
    .optional()
    .transform((value, ctx) => {
      if (value === undefined) return undefined
      const nodes = value.split(',').map((node) => node.trim())
      if (nodes.every((node) => URL.canParse(node) && ['redis:', 'rediss:'].includes(new URL(node).protocol))) {
        // It may hold a password.
        return nodes.map((node) => new Secret(node))
      }
      ctx.addIssue('must be a redis:// or rediss:// URL, or a comma list of them for a cluster')
      return z.NEVER
    }),
)

const secret = variable(
  z
    .string()
    .min(32, 'must be at least 32 characters, e.g. from `openssl rand -hex 32`')
    .optional()
    .transform((value) => (value === undefined ? undefined : new Secret(value))),
)

const environment = z.object({
  NODE_ENV: variable(z.string().optional()),
  PORT: whole(4000, 0, 65_535, 'ports'),
  HOST: variable(z.string().default('0.0.0.0')),
  PUBLIC_URL: url('http:', 'https:'),
  PRIVICORE_API_URL: url('http:', 'https:'),
  PRIVICORE_WS_URL: url('ws:', 'wss:'),
  PRIVICORE_UPSTREAM_URL: url('http:', 'https:'),
  PRIVICORE_DOWNSTREAM_URL: url('http:', 'https:'),
  PRIVICORE_STREAM_HOSTS: list.refine(
    (hosts) => hosts?.every((host) => STREAM_HOST.test(host)) ?? true,
    'must be a comma list of host or host:port',
  ),
  PRIVICORE_ENDPOINTS: jsonFile(endpointOverrides),
  PRIVICORE_TIMEOUT_MS: whole(3_000, 1, 600_000, 'milliseconds'),
  REQUEST_TIMEOUT_MS: whole(15_000, 1, 3_600_000, 'milliseconds'),
  TRANSFER_IDLE_MS: whole(60_000, 1, 3_600_000, 'milliseconds'),
  COMMAND_POLL_MIN_MS: whole(250, 1, 600_000, 'milliseconds'),
  COMMAND_POLL_MAX_MS: whole(5_000, 1, 3_600_000, 'milliseconds'),
  COMMAND_WATCH_MAX_MS: whole(900_000, 1, 86_400_000, 'milliseconds'),
  COMMAND_POLLS_PER_SECOND: whole(500, 1, 100_000, 'polls'),
  REDIS_URL: redisUrl,
  CACHE: onOff(true),
  CACHE_SECRET: secret,
  CACHE_MEMORY_MB: whole(96, 0, 65_536, 'MiB'),
  CACHE_DEBUG: onOff(undefined),
  CORS_ORIGINS: list.refine(
    (origins) => origins?.every((origin) => origin === '*' || isOrigin(origin)) ?? true,
    'must be a comma list of origins, scheme://host or scheme://host:port without a path, or *',
  ),
  GRAPHIQL: onOff(undefined),
  INTROSPECTION: onOff(undefined),
  TRUSTED_DOCUMENTS: jsonFile(trustedDocuments),
  MAX_DEPTH: whole(12, 1, 1_000, 'levels'),
  MAX_COMPLEXITY: whole(2_000, 1, 1_000_000_000, 'points'),
  MAX_ALIASES: whole(30, 0, 100_000, 'aliases'),
  MAX_TOKENS: whole(2_000, 1, 1_000_000, 'tokens'),
  MAX_BODY_BYTES: whole(1024 * 1024, 1, 1024 ** 3, 'bytes'),
  MAX_UPLOAD_BYTES: whole(5 * 1024 ** 3, 1, Number.MAX_SAFE_INTEGER, 'bytes'),
  LOG_LEVEL: variable(z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info')),
})

/** Names of all variables that the gateway reads; .env.example lists the same. */
export const VARIABLES: readonly string[] = [
  ...Object.keys(environment.shape).filter((name) => name !== 'NODE_ENV'),
  'OTEL_EXPORTER_OTLP_ENDPOINT',
]

/** @throws ConfigError with all problems at once; values are not repeated in it, since they may be secrets */
export function loadConfig(env: Readonly<Record<string, string | undefined>>) {
  const parsed = environment.safeParse(env)
  const problems = parsed.success
    ? []
    : parsed.error.issues.map((issue) => `${issue.path.join('.')} ${describe(issue)}`)
  const production = env.NODE_ENV === 'production'
  if (production && !env.PRIVICORE_API_URL)
    problems.push('PRIVICORE_API_URL must be set in production: the sandbox is for development')
  if (production && env.REDIS_URL && !env.CACHE_SECRET)
    problems.push('CACHE_SECRET must be set in production with REDIS_URL: the instances share it')
  // Nobody should believe that a gateway is closed which is not.
  if (production && env.TRUSTED_DOCUMENTS)
    problems.push('TRUSTED_DOCUMENTS is not supported yet: the gateway would run any document; unset it')
  // By themselves: another variable's problem must not hide this one.
  const { COMMAND_POLL_MIN_MS: least, COMMAND_POLL_MAX_MS: most } = environment.shape
  const [pollMin, pollMax] = [least.safeParse(env.COMMAND_POLL_MIN_MS), most.safeParse(env.COMMAND_POLL_MAX_MS)]
  if (pollMin.success && pollMax.success && pollMin.data > pollMax.data) {
    problems.push('COMMAND_POLL_MIN_MS must not be above COMMAND_POLL_MAX_MS')
  }
  if (!parsed.success || problems.length > 0) throw new ConfigError(problems)
  const values = parsed.data
  return Object.freeze({
    production,
    port: values.PORT,
    host: values.HOST,
    /** Where clients reach the gateway, for links that it makes. Unset: where they have sent their request. */
    publicUrl: values.PUBLIC_URL?.href,
    privicore: Object.freeze({
      /** Unset: the embedded sandbox. */
      apiUrl: values.PRIVICORE_API_URL?.href,
      wsUrl: values.PRIVICORE_WS_URL?.href,
      upstreamUrl: values.PRIVICORE_UPSTREAM_URL?.href,
      downstreamUrl: values.PRIVICORE_DOWNSTREAM_URL?.href,
      /** `host` or `host:port`; unset: the hosts of the URLs above. */
      streamHosts: values.PRIVICORE_STREAM_HOSTS,
      endpoints: new Map<string, EndpointOverride>(Object.entries(values.PRIVICORE_ENDPOINTS ?? {})),
      timeoutMs: values.PRIVICORE_TIMEOUT_MS,
    }),
    requestTimeoutMs: values.REQUEST_TIMEOUT_MS,
    /** The longest time that a transfer may pass no byte. */
    transferIdleMs: values.TRANSFER_IDLE_MS,
    commands: Object.freeze({
      pollMinMs: values.COMMAND_POLL_MIN_MS,
      pollMaxMs: values.COMMAND_POLL_MAX_MS,
      watchMaxMs: values.COMMAND_WATCH_MAX_MS,
      /** Of this instance: however many commands are open, Privicore gets no more questions than this. */
      pollsPerSecond: values.COMMAND_POLLS_PER_SECOND,
    }),
    /** One URL, or the nodes of a cluster; unset: one instance, in memory. */
    redisUrls: values.REDIS_URL,
    cache: values.CACHE as boolean,
    cacheSecret: values.CACHE_SECRET,
    /** Most that the tier in this process keeps, about; 0: it keeps nothing, and every read asks Redis. */
    cacheMemoryBytes: values.CACHE_MEMORY_MB * 1024 * 1024,
    /** Whether a client may learn, by the header x-cache-debug: 1, what came out of the cache. */
    cacheDebug: values.CACHE_DEBUG ?? !production,
    /** Unset: none in production, any on localhost otherwise. */
    corsOrigins: values.CORS_ORIGINS,
    graphiql: values.GRAPHIQL ?? !production,
    introspection: values.INTROSPECTION ?? !production,
    trustedDocuments: values.TRUSTED_DOCUMENTS,
    limits: Object.freeze({
      depth: values.MAX_DEPTH,
      complexity: values.MAX_COMPLEXITY,
      aliases: values.MAX_ALIASES,
      tokens: values.MAX_TOKENS,
      bodyBytes: values.MAX_BODY_BYTES,
      uploadBytes: values.MAX_UPLOAD_BYTES,
    }),
    logLevel: values.LOG_LEVEL,
  })
}

export type Config = ReturnType<typeof loadConfig>

/** zod's messages about enumerations list what is allowed and never repeat the value. */
function describe(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_value' ? `must be one of ${issue.values.join(', ')}` : issue.message
}
