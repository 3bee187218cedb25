// Whether this instance is alive, and whether it wants traffic. An outage of Privicore or Redis changes neither.
import type { Plugin } from 'graphql-yoga'

export type Readiness = 'starting' | 'ready' | 'draining'

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
