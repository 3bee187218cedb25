// Knows how a sandbox is put together, and what a test may do to it. The one door to this folder.
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApi, type RecordedRequest } from './api.ts'
import { routesOf } from './areas.ts'
import { Blobs } from './blobs.ts'
import { type Command, Commands, type Outcome } from './commands.ts'
import { change, type Dialect, defaultDialect } from './dialect.ts'
import { type Fault, Faults } from './faults.ts'
import { openVote } from './gate.ts'
import { type Pool, type PoolState, Pools, type Vote } from './pools.ts'
import { Push, type PushControls } from './push.ts'
import { operationOf, Router } from './router.ts'
import { seedDemo, seededKey, seedProfiles } from './seed.ts'
import { State } from './state.ts'
import { Streams, type Upload } from './streams.ts'
import { Timers } from './timers.ts'
import type { World } from './world.ts'

export type { RecordedRequest } from './api.ts'
export { type Dialect, defaultDialect, variants } from './dialect.ts'
export type { Fault } from './faults.ts'

export interface SandboxOptions {
  /** 0, the default, takes a free one. */
  port?: number
  upstreamPort?: number
  downstreamPort?: number
  host?: string
  /** From the 202 to the outcome. */
  commandLatencyMs?: number | { min: number; max: number }
  /** How long after success follow-up calls still answer 404 and reads the old truth. */
  retrievalLagMs?: number
  tokenLifetimeMs?: number
  dialect?: Partial<Dialect>
  /** empty: alice and bob with their public keys, and nothing else. */
  seed?: 'demo' | 'empty'
  /** Fixed profile tokens, instead of random ones. */
  demoTokens?: Partial<{ alice: string; bob: string }>
  /** How every authenticator votes by itself, autoVoteDelayMs after a pool was opened. */
  autoVote?: Vote | 'none'
  autoVoteDelayMs?: number
  /** False: one line per request on stderr. */
  quiet?: boolean
}

export interface Sandbox {
  url: string
  wsUrl: string
  upstreamUrl: string
  downstreamUrl: string
  /** Live: a change to it changes behaviour at once. */
  dialect: Dialect
  set(dialect: Partial<Dialect>): void
  tokens: { alice: string; bob: string }
  requests: RecordedRequest[]
  count(endpointId?: string): number
  /** Forgets recorded requests, faults and ordered outcomes; keeps the data. */
  reset(): void
  fault(endpointId: string, fault: Fault, times?: number): void
  clearFaults(): void
  /** The next commands of that endpoint are rejected with this reason. */
  reject(endpointId: string, reason: string, times?: number): void
  /** Commands of that endpoint stay pending until released. */
  hold(endpointId: string): { release(): void }
  /** Settles a pending command now, whatever it waits for. */
  settle(commandId: string, outcome?: Outcome): void
  vote(poolId: string, deviceIdentifier: string, vote: Vote): PoolState
  /** Ends an open pool as its time limit would. */
  expirePool(poolId: string): void
  /** The pool that decides a gated command. */
  poolOf(commandId: string): Pool | undefined
  revoke(token: string): void
  expire(token: string): void
  /** A new session of a profile, by username or id. */
  issueToken(profile: string): string
  /** What the device itself does before it can be approved: registers a public key. */
  registerDeviceKey(deviceIdentifier: string): void
  push: PushControls
  state: State & { commands: Map<string, Command>; pools: Map<string, Pool>; uploads: Upload[] }
  /** Catalogue ids of all rows. */
  endpoints: readonly string[]
  close(): Promise<void>
}

const DEFAULT_LATENCY_MS = 150
const DEFAULT_TOKEN_LIFETIME_MS = 24 * 3_600_000
const DEFAULT_AUTO_VOTE_DELAY_MS = 3_000
const STREAM_HOSTS = ['dataToken.upstream', 'dataToken.download']

export async function startSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const dialect = defaultDialect()
  change(dialect, options.dialect ?? {})
  const timers = new Timers()
  const blobs = new Blobs()
  const faults = new Faults()
  const requests: RecordedRequest[] = []
  const state = new State(seededKey('the engine'))
  const push = new Push(state, dialect)
  const { autoVote = 'none', autoVoteDelayMs = DEFAULT_AUTO_VOTE_DELAY_MS } = options
  const pools = new Pools(timers, { vote: autoVote, delayMs: autoVoteDelayMs })
  const operations = new Map<string, string>()
  const lagMs = () => options.retrievalLagMs ?? 0
  const commands: Commands = new Commands(state, dialect, timers, {
    latencyMs: () => latency(options.commandLatencyMs ?? DEFAULT_LATENCY_MS),
    lagMs,
    openVote: (command) => openVote(state, pools, commands, command, operations.get(command.endpoint)),
    changed: (command) => push.settled(command),
  })
  const record = (request: RecordedRequest) => {
    requests.push(request)
  }
  const world: World = {
    dialect,
    state,
    commands,
    pools,
    push,
    blobs,
    timers,
    tokenLifetimeMs: options.tokenLifetimeMs ?? DEFAULT_TOKEN_LIFETIME_MS,
    lagMs,
    upstreamUrl: () => sandbox.upstreamUrl,
    downstreamUrl: () => sandbox.downstreamUrl,
    offer: (blob) => streams.offer(blob),
  }
  const streams = new Streams(world, faults, record)
  const routes = routesOf(world)
  for (const [endpoint, { path }] of Object.entries(routes)) operations.set(endpoint, operationOf(endpoint, path))
  const endpoints = [...Object.keys(routes), ...STREAM_HOSTS]

  seedProfiles(state)
  if (options.seed !== 'empty') seedDemo(state, blobs)
  const issueToken = (name: string, token?: string) =>
    state.openSession(state.profile(name).profileId, world.tokenLifetimeMs, token).token

  const api = createApi(world, new Router(routes), faults, record)
  push.attach(api)
  const servers = [api, streams.upstream(), streams.downstream()] as const
  const ports = [options.port, options.upstreamPort, options.downstreamPort]
  if (options.quiet === false) for (const server of servers) logRequests(server)
  const urls = await listen(servers, ports, options.host ?? '127.0.0.1')

  const known = (endpointId: string) => {
    if (endpointId === '*' || endpoints.includes(endpointId)) return endpointId
    throw new Error(`no such endpoint: ${endpointId}`)
  }
  const commandOf = (id: string) => {
    const command = commands.byId.get(id)
    if (!command) throw new Error(`no such command: ${id}`)
    return command
  }
  const sessionOf = (token: string) => {
    const session = state.sessions.get(token)
    if (!session) throw new Error('no such token')
    return session
  }

  const sandbox: Sandbox = {
    url: urls[0] ?? '',
    wsUrl: (urls[0] ?? '').replace('http', 'ws'),
    upstreamUrl: urls[1] ?? '',
    downstreamUrl: urls[2] ?? '',
    dialect,
    set: (wanted) => change(dialect, wanted),
    tokens: {
      alice: issueToken('alice', options.demoTokens?.alice),
      bob: issueToken('bob', options.demoTokens?.bob),
    },
    requests,
    count: (endpointId = '*') => {
      const wanted = known(endpointId)
      return requests.filter(({ endpoint }) => wanted === '*' || endpoint === wanted).length
    },
    reset: () => {
      requests.length = 0
      faults.clear()
      commands.clearOrders()
    },
    fault: (endpointId, fault, times = Number.POSITIVE_INFINITY) => faults.add(known(endpointId), fault, times),
    clearFaults: () => faults.clear(),
    reject: (endpointId, reason, times = 1) => commands.reject(known(endpointId), reason, times),
    hold: (endpointId) => commands.hold(known(endpointId)),
    settle: (commandId, outcome) => commands.settle(commandOf(commandId), outcome),
    vote: (poolId, deviceIdentifier, vote) => pools.vote(poolId, deviceIdentifier, vote),
    expirePool: (poolId) => pools.expire(poolId),
    poolOf: (commandId) => pools.byId.get(commandOf(commandId).poolId ?? ''),
    revoke: (token) => {
      sessionOf(token).revoked = true
    },
    expire: (token) => {
      sessionOf(token).expiresAt = Date.now()
    },
    issueToken: (name) => issueToken(name),
    registerDeviceKey: (deviceIdentifier) => {
      state.device(deviceIdentifier).publicKey = seededKey(deviceIdentifier)
    },
    push: push.controls,
    state: Object.assign(state, { commands: commands.byId, pools: pools.byId, uploads: streams.uploads }),
    endpoints,
    close: async () => {
      timers.clear()
      push.close()
      await Promise.all(servers.map(closeServer))
      await blobs.close()
    },
  }
  return sandbox
}

function latency(setting: number | { min: number; max: number }): number {
  return typeof setting === 'number' ? setting : setting.min + Math.random() * (setting.max - setting.min)
}

async function listen(servers: readonly Server[], ports: (number | undefined)[], host: string): Promise<string[]> {
  try {
    return await Promise.all(servers.map((server, index) => listenOne(server, ports[index] ?? 0, host)))
  } catch (error) {
    for (const server of servers) server.close()
    throw error
  }
}

async function listenOne(server: Server, port: number, host: string): Promise<string> {
  server.listen(port, host)
  await once(server, 'listening')
  const isEverywhere = host === '0.0.0.0' || host === '::'
  return `http://${isEverywhere ? '127.0.0.1' : host}:${(server.address() as AddressInfo).port}`
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

function logRequests(server: Server): void {
  server.on('request', (request, response) => {
    const since = performance.now()
    const path = (request.url ?? '').split('?')[0]
    response.on('close', () => {
      process.stderr.write(
        `${request.method} ${path} ${response.statusCode} ${Math.round(performance.now() - since)} ms\n`,
      )
    })
  })
}
