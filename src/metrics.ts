// What the gateway counts, in Prometheus' terms. Knows names, labels and units; whoever counts gets the part it needs.
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Seconds: from a cached answer to the longest wait. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15]
/** Seconds: from a kilobyte to gigabytes over a slow line. */
const TRANSFER_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600]

export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  return {
    registry,
    upstreamSeconds: new Histogram({
      name: 'privicore_upstream_seconds',
      help: 'Attempts to call Privicore, by catalogue id and result (HTTP status, or why there was none).',
      labelNames: ['endpoint', 'result'] as const,
      buckets: SECONDS,
      registers,
    }),
    redisUp: new Gauge({
      name: 'privicore_redis_up',
      help: '1 while Redis answers this instance, 0 while it goes on alone. Always 0 where no REDIS_URL is set.',
      registers,
    }),
    cacheReads: new Counter({
      name: 'privicore_cache_reads_total',
      help: 'Reads that may be remembered, by area and where the answer came from: memory or shared (fresh), stale (being asked for anew), outage (stale, Privicore is down), miss (Privicore).',
      labelNames: ['area', 'source'] as const,
      registers,
    }),
    cacheRefused: new Counter({
      name: 'privicore_cache_refused_total',
      help: 'Values in Redis that were not sealed with this CACHE_SECRET or not for their place. More than none: look who writes there.',
      registers,
    }),
    commandsWatched: new Gauge({
      name: 'privicore_commands_watched',
      help: 'Commands whose outcome this instance waits for.',
      registers,
    }),
    commandPolls: new Counter({
      name: 'privicore_command_polls_total',
      help: 'Questions for the state of a command, by what they brought (failed: nothing).',
      labelNames: ['result'] as const,
      registers,
    }),
    commandsSettled: new Counter({
      name: 'privicore_commands_settled_total',
      help: 'Outcomes that this instance was the first of the fleet to know, by how it learnt them.',
      labelNames: ['by'] as const,
      registers,
    }),
    pushChannels: new Gauge({
      name: 'privicore_push_channels',
      help: 'Sockets to the push channel of Privicore, one per token in use.',
      registers,
    }),
    subscriptions: new Gauge({
      name: 'privicore_graphql_subscriptions',
      help: 'Subscriptions that are open on this instance.',
      registers,
    }),
    transferBytes: new Counter({
      name: 'privicore_transfer_bytes_total',
      help: 'Bytes of payloads that were streamed through, by direction: up (to Privicore) or down.',
      labelNames: ['direction'] as const,
      registers,
    }),
    transferSeconds: new Histogram({
      name: 'privicore_transfer_seconds',
      help: 'Transfers, by direction and result: done, refused (before a byte was handed on), aborted (later).',
      labelNames: ['direction', 'result'] as const,
      buckets: TRANSFER_SECONDS,
      registers,
    }),
    transfersOpen: new Gauge({
      name: 'privicore_transfers_open',
      help: 'Transfers under way on this instance.',
      registers,
    }),
    operations: new Counter({
      name: 'privicore_graphql_operations_total',
      help: 'GraphQL operations, by type and first error code (none when it had none).',
      labelNames: ['type', 'code'] as const,
      registers,
    }),
  }
}

export type Metrics = ReturnType<typeof createMetrics>
