// Whether Privicore answers.
import type { Context } from '../context/context.ts'
import { PrivicoreError } from '../privicore/errors.ts'
import { utility } from '../privicore/utility.ts'

export interface UpstreamHealth {
  readonly reachable: boolean
  /** What Privicore said, as it said it. */
  readonly status: string | null
  /** Milliseconds that the question took; null when it got no answer. */
  readonly latencyMs: number | null
}

/** Never fails for Privicore's sake. */
export async function checkHealth(ctx: Context): Promise<UpstreamHealth> {
  const startedAt = performance.now()
  const latencyMs = () => Math.round((performance.now() - startedAt) * 10) / 10
  try {
    const status = await ctx.read(utility.health, {})
    return { reachable: true, status, latencyMs: latencyMs() }
  } catch (error) {
    if (!(error instanceof PrivicoreError)) throw error
    // Any 2xx is health, whatever its body; any other status is an answer all the same.
    const accepted = error.status !== undefined && error.status >= 200 && error.status < 300
    return { reachable: accepted, status: null, latencyMs: error.status === undefined ? null : latencyMs() }
  }
}
