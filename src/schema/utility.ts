// Health, as clients see it.
import { utility } from '../privicore/utility.ts'
import { checkHealth, type UpstreamHealth } from '../resolvers/utility.ts'
import { builder } from './builder.ts'
import { rest } from './rest.ts'

const HealthStatus = builder.enumType('HealthStatus', {
  description: 'Whether requests can be served.',
  values: {
    OK: { description: 'The gateway and Privicore answer.' },
    DEGRADED: { description: 'The gateway answers, Privicore does not.' },
  } as const,
})

const UpstreamHealthType = builder.objectRef<UpstreamHealth>('UpstreamHealth').implement({
  description: 'How Privicore does, asked just now.',
  fields: (t) => ({
    reachable: t.exposeBoolean('reachable', {
      nullable: false,
      description: 'Whether Privicore called itself healthy.',
    }),
    status: t.exposeString('status', { nullable: true, description: 'What Privicore said, as it said it.' }),
    latencyMs: t.exposeFloat('latencyMs', {
      nullable: true,
      description: 'Milliseconds until it answered; null when it did not.',
    }),
  }),
})

const Health = builder.objectRef<UpstreamHealth>('Health').implement({
  description: 'How the gateway does. Needs no token.',
  fields: (t) => ({
    status: t.field({
      type: HealthStatus,
      nullable: false,
      description: 'OK only when Privicore answers too.',
      resolve: (upstream) => (upstream.reachable ? 'OK' : 'DEGRADED'),
    }),
    upstream: t.field({
      type: UpstreamHealthType,
      nullable: false,
      description: 'How Privicore does.',
      resolve: (upstream) => upstream,
    }),
  }),
})

builder.queryField('health', (t) =>
  t.field({
    type: Health,
    nullable: false,
    description: 'Asks Privicore how it is. Answers even when Privicore does not.',
    extensions: { ...rest(utility.health) },
    resolve: (_, __, ctx) => checkHealth(ctx),
  }),
)
