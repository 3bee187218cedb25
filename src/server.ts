// The gateway as an HTTP handler: yoga and its plugins, in order. The list is the architecture.
import { randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import { useDeferStream } from '@graphql-yoga/plugin-defer-stream'
import { type DocumentNode, NoSchemaIntrospectionCustomRule } from 'graphql'
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga'
import { LRUCache } from 'lru-cache'
import { Answers } from './cache/answers.ts'
import { type Bus, LocalBus, RedisBus } from './cache/bus.ts'
import { connectRedis } from './cache/redis.ts'
import { Seal } from './cache/seal.ts'
import { Tickets } from './cache/tickets.ts'
import { createTiers } from './cache/tiers.ts'
import { Following } from './commands/following.ts'
import type { Config } from './config.ts'
import type { Services } from './context/scope.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import { type Attempt, Privicore } from './privicore/client.ts'
import { Streams } from './privicore/stream.ts'
import { schema } from './schema/schema.ts'
import { CompiledQueries } from './server/compiled-queries.ts'
import { corsFor, corsHeaders } from './server/cors.ts'
import { createCallers } from './server/credentials.ts'
import { DataRoute } from './server/data/route.ts'
import { createDirect } from './server/direct.ts'
import { createEventStreams } from './server/event-stream.ts'
import { createFastPath } from './server/fast-path.ts'
import { graphiqlOptions } from './server/graphiql.ts'
import { type Readiness, useHealth, useMetricsRoute } from './server/health.ts'
import { useLimits } from './server/limits.ts'
import type { Logger } from './server/log.ts'
import { useOperation } from './server/operation.ts'
import { Operations } from './server/operations.ts'
import { WebSockets } from './server/websocket.ts'

export interface GatewayOptions {
  readonly config: Config
  /** Where Privicore is: the configured URL, or the sandbox's. */
  readonly privicoreUrl: string
  /** Its push channel: the configured URL, or the sandbox's. Unset: polling only. */
  readonly pushUrl?: string | undefined
  /** Its stream hosts: the configured URLs, or the sandbox's. Unset: Privicore has to send whole URLs. */
  readonly upstreamUrl?: string | undefined
  readonly downstreamUrl?: string | undefined
  readonly log: Logger
  /** Filled into GraphiQL; only where the sandbox is embedded. */
  readonly demoToken?: string
  /** A document is compiled when it comes for this time. */
  readonly compileAfter?: number
}

export interface Gateway {
  /** Serves one request, as `fetch`. */
  readonly handler: YogaServerInstance<object, object>
  readiness: Readiness
  /** Serves everything on a server of node:http: transfers, requests, WebSockets. */
  readonly attach: (server: Server) => void
  /** Uploads and downloads under way. */
  readonly transfers: () => number
  /** Ends every subscription cleanly, and takes no new ones. */
  readonly drain: () => Promise<void>
  /** Frees everything. Drain the HTTP server first: this does not wait for requests in flight. */
  readonly close: () => Promise<void>
}

/** The most sockets to Privicore, for when it is slow: a few hundred answers under way at once. */
const UPSTREAM_CONNECTIONS = 512

/** Of the memory that the cache may take: what Privicore said. The rest is for whole answers made of it. */
const READS_SHARE = 2 / 3

/** All texts whose parsed form is kept, in characters: a parsed document takes some eighty bytes for each. */
const PARSED_CHARACTERS = 2 * 1024 * 1024

/** A document that comes a second time is likely to come again. */
const COMPILE_AFTER = 2

export function createGateway({
  config,
  privicoreUrl,
  pushUrl = config.privicore.wsUrl,
  upstreamUrl = config.privicore.upstreamUrl,
  downstreamUrl = config.privicore.downstreamUrl,
  log,
  demoToken,
  compileAfter = COMPILE_AFTER,
}: GatewayOptions): Gateway {
  const metrics = createMetrics()
  const observeUpstream = upstreamObserver(metrics)
  const privicore = new Privicore({
    baseUrl: privicoreUrl,
    timeoutMs: config.privicore.timeoutMs,
    connections: UPSTREAM_CONNECTIONS,
    overrides: config.privicore.endpoints,
    onAttempt: (attempt: Attempt) => {
      observeUpstream(attempt)
      if (log.isLevelEnabled('debug')) log.debug(attempt, 'upstream')
    },
  })
  // One for all: without CACHE_SECRET each would know a caller by another digest.
  const callers = createCallers(config.cacheSecret)
  const self = randomUUID()
  const redis = config.redisUrls ? connectRedis(config.redisUrls, { log, upGauge: metrics.redisUp }) : null
  const bus: Bus = redis === null ? new LocalBus(log) : new RedisBus(redis, self, log)
  const readsBytes = Math.ceil(config.cacheMemoryBytes * READS_SHARE)
  const tiers = config.cache
    ? createTiers({
        redis,
        bus,
        secret: config.cacheSecret,
        memoryBytes: readsBytes,
        watchMaxMs: config.commands.watchMaxMs,
        upstreamTimeoutMs: config.privicore.timeoutMs,
        log,
        metrics,
      })
    : null
  const cache = tiers?.cache ?? null
  const following = new Following({
    privicore,
    bus,
    fleet: redis && { redis, seal: new Seal(config.cacheSecret), self },
    pushUrl,
    knowsDownstream: downstreamUrl !== undefined,
    ...config.commands,
    // What a command changes is forgotten when it succeeds, whoever waits for it.
    watchUnattended: cache !== null,
    ...(cache && { beforeTold: (command) => cache.settled(command) }),
    log,
    metrics,
  })
  const { commands } = following
  const tickets = new Tickets({ seal: new Seal(config.cacheSecret), redis })
  const streams = new Streams({
    apiUrl: privicoreUrl,
    upstreamUrl,
    downstreamUrl,
    listed: config.privicore.streamHosts,
    overrides: config.privicore.endpoints,
  })
  const { publicUrl } = config
  const services: Services = { privicore, commands, following, cache, callers, tickets, streams, publicUrl }
  const operations = new Operations({
    services,
    callers,
    cacheDebug: config.cacheDebug,
    requestTimeoutMs: config.requestTimeoutMs,
    suggestions: !config.production,
    log,
    metrics,
  })
  const queries = new CompiledQueries(schema, compileAfter)
  const gateway = { readiness: 'starting' as Readiness }

  const handler = createYoga({
    schema,
    graphqlEndpoint: '/graphql',
    healthCheckEndpoint: '/health/live',
    landingPage: false,
    // Payloads are ciphertext of any size: none may pass through GraphQL as a file.
    multipart: false,
    batching: false,
    maxRequestBodySize: config.limits.bodyBytes,
    graphiql: config.graphiql ? graphiqlOptions(demoToken) : false,
    // Thirty megabytes of text: loaded when the first browser asks.
    renderGraphiQL: (page) =>
      import('@graphql-yoga/render-graphiql').then((graphiql) => graphiql.renderGraphiQL(page)) as never,
    cors: corsFor(config),
    logging: false,
    parserAndValidationCache: documentCaches(),
    // Errors get their face in useOperation, which knows the request's id.
    maskedErrors: false,
    plugins: [
      useHealth(() => gateway.readiness),
      useMetricsRoute(metrics),
      useLimits(config.limits, schema),
      !config.introspection && useNoIntrospection(),
      useDeferStream(),
      useOperation(operations, queries),
    ],
  })

  const direct = createDirect(handler, operations)
  const listener = createFastPath({
    queries,
    answers:
      cache && config.cacheMemoryBytes > 0
        ? new Answers(config.cacheMemoryBytes - readsBytes, (madeOf) => cache.serves(madeOf))
        : null,
    memos: tiers?.memos ?? null,
    callers,
    operations,
    bodyBytes: config.limits.bodyBytes,
    corsHeaders: (origin) => corsHeaders(config, origin),
    longWay: createEventStreams({
      direct,
      bodyBytes: config.limits.bodyBytes,
      corsHeaders: (origin) => corsHeaders(config, origin),
      log,
      longWay: handler,
    }),
  })

  const data = new DataRoute({
    tickets,
    streams,
    callers,
    uploadBytes: config.limits.uploadBytes,
    idleMs: config.transferIdleMs,
    corsHeaders: (origin) => corsHeaders(config, origin),
    log,
    metrics,
  })

  const sockets = new WebSockets({ config, direct, operations, log })
  const drain = async () => {
    // Sockets first: their clients are to come back, not to think that all is told.
    const closed = sockets.drain()
    following.drain()
    await closed
  }

  return Object.assign(gateway, {
    handler,
    attach: (server: Server) => {
      data.attach(server, listener)
      server.on('upgrade', sockets.upgrade)
    },
    transfers: () => data.open,
    drain,
    close: async () => {
      await drain()
      following.close()
      await handler.dispose()
      cache?.close()
      bus.close()
      redis?.close()
      await Promise.all([privicore.close(), streams.close()])
    },
  })
}

function useNoIntrospection(): Plugin {
  return {
    onValidate({ addValidationRule }) {
      addValidationRule(NoSchemaIntrospectionCustomRule)
    },
  }
}

/** Finding a labelled histogram costs more than observing: each is found once. */
function upstreamObserver({ upstreamSeconds }: Metrics): (attempt: Attempt) => void {
  const known = new Map<string, Map<Attempt['result'], { observe(seconds: number): void }>>()
  return ({ endpoint, result, durationMs }) => {
    let byResult = known.get(endpoint)
    if (byResult === undefined) {
      byResult = new Map()
      known.set(endpoint, byResult)
    }
    let histogram = byResult.get(result)
    if (histogram === undefined) {
      histogram = upstreamSeconds.labels({ endpoint, result: String(result) })
      byResult.set(result, histogram)
    }
    histogram.observe(durationMs / 1_000)
  }
}

/** Parsed documents are many times the size of their text: bounded by that, not by their number. */
function documentCaches() {
  const bounded = <Value extends object>() => {
    const cache = new LRUCache<string, Value>({
      maxSize: PARSED_CHARACTERS,
      sizeCalculation: (_, text) => text.length + 1,
    })
    return { get: (text: string) => cache.get(text), set: (text: string, value: Value) => void cache.set(text, value) }
  }
  return { documentCache: bounded<DocumentNode>(), errorCache: bounded<Error>() }
}
