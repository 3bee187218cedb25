// What the gateway counts, in Prometheus' terms. Knows names, labels and units; whoever counts gets the part it needs.
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Seconds: from a cached answer to the longest wait. */
const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15]

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
    operations: new Counter({
      name: 'privicore_graphql_operations_total',
      help: 'GraphQL operations, by type and first error code (none when it had none).',
      labelNames: ['type', 'code'] as const,
      registers,
    }),
  }
}

export type Metrics = ReturnType<typeof createMetrics>
