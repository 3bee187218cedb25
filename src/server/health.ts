// What operators ask an instance: is it alive, does it want traffic, what has it counted.
import type { Plugin } from 'graphql-yoga'
import type { Metrics } from '../metrics.ts'

export type Readiness = 'starting' | 'ready' | 'draining'

/** An outage of Privicore or Redis changes neither: other instances would fare no better. */
export function useHealth(readiness: () => Readiness): Plugin {
  return {
    onRequest({ url, fetchAPI, endResponse }) {
      if (!url.pathname.startsWith('/health/')) return
      const answer = (status: number, state: string) =>
        endResponse(fetchAPI.Response.json({ status: state }, { status, headers: { 'cache-control': 'no-store' } }))
      if (url.pathname === '/health/live') answer(200, 'alive')
      else if (url.pathname === '/health/ready') answer(readiness() === 'ready' ? 200 : 503, readiness())
    },
  }
}

/** Prometheus' text format. */
export function useMetricsRoute({ registry }: Metrics): Plugin {
  return {
    async onRequest({ url, fetchAPI, endResponse }) {
      if (url.pathname !== '/metrics') return
      const headers = { 'content-type': registry.contentType, 'cache-control': 'no-store' }
      endResponse(new fetchAPI.Response(await registry.metrics(), { headers }))
    },
  }
}
