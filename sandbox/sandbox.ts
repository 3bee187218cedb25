// Knows how a sandbox is put together, and what a test may do to it. The one door to this folder.
import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApi, type RecordedRequest } from './api.ts'
import { routesOf } from './areas.ts'
import { Blobs } from './blobs.ts'
import { Commands } from './commands.ts'
import type { Sandbox, SandboxOptions } from './controls.ts'
import { change, defaultDialect } from './dialect.ts'
import { Faults } from './faults.ts'
import { openVote } from './gate.ts'
import { Pools } from './pools.ts'
import { Push } from './push.ts'
import { operationOf, Router } from './router.ts'
import { seedDemo, seededKey, seedProfiles } from './seed.ts'
import { State } from './state.ts'
import { Streams } from './streams.ts'
import { Timers } from './timers.ts'
import type { World } from './world.ts'

export type { RecordedRequest } from './api.ts'
export type { Sandbox, SandboxOptions } from './controls.ts'
export { type Dialect, defaultDialect, variants } from './dialect.ts'
export type { Fault } from './faults.ts'

const DEFAULT_LATENCY_MS = 150
const DEFAULT_TOKEN_LIFETIME_MS = 24 * 3_600_000
const DEFAULT_AUTO_VOTE_DELAY_MS = 3_000
/** A sandbox that runs for days forgets its older requests; no test sends that many. */
const MAX_REQUESTS = 100_000
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
    if (requests.length > MAX_REQUESTS) requests.splice(0, requests.length - MAX_REQUESTS / 2)
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
    offerDownload: (dataToken) => {
      const { stored } = state.dataToken(dataToken)
      if (!stored) throw new Error(`nothing is stored under ${dataToken}`)
      return streams.offer(stored)
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
