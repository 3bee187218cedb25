// How long everything is measured. `quick` is a look; only `full` is worth publishing.

import { QUERY_NAMES, type QueryName } from './rows.ts'

export interface Plan {
  readonly name: 'quick' | 'full'
  /** Interleaved: every contestant once, then every contestant again. */
  readonly rounds: number
  readonly slowRounds: number
  readonly seconds: number
  /** Before the first round, for each query, until the compiler has seen it. */
  readonly warmUpSeconds: number
  readonly slowDelayMs: number
  /** Queries that the peers are asked at that latency too. */
  readonly slowPeers: readonly QueryName[]
  /** Peers that are not there are installed. */
  readonly mayInstall: boolean
  /** 0: not measured. */
  readonly memorySeconds: number
  /**
   * At 70 % of the highest rate, and with two processes, before it counts; 0: neither is measured. Clients that leave at the end of
   * a run make V8 throw compiled code away, and compiling it anew shares the server's one core for some 20 s.
   */
  readonly settleSeconds: number
  /**
   * Each round at 70 %: so long that the hundred or two that wait while connections are made, and while V8 marks the whole heap, are
   * not the hundredth.
   */
  readonly pacedSeconds: number
  readonly sequentialRequests: number
  readonly starts: number
}

export const FULL: Plan = {
  name: 'full',
  rounds: 5,
  slowRounds: 3,
  seconds: 4,
  warmUpSeconds: 4,
  slowDelayMs: 20,
  slowPeers: QUERY_NAMES,
  mayInstall: true,
  memorySeconds: 60,
  settleSeconds: 25,
  pacedSeconds: 20,
  sequentialRequests: 2_000,
  starts: 5,
}

export const QUICK: Plan = {
  ...FULL,
  name: 'quick',
  rounds: 1,
  slowRounds: 1,
  seconds: 1,
  warmUpSeconds: 1,
  mayInstall: false,
  slowPeers: ['join'],
  memorySeconds: 0,
  settleSeconds: 0,
  sequentialRequests: 500,
  starts: 1,
}
