// Knows what a sandbox can be started with, and everything a test may do to one.
import type { RecordedRequest } from './api.ts'
import type { Command, Outcome } from './commands.ts'
import type { Dialect } from './dialect.ts'
import type { Fault } from './faults.ts'
import type { Pool, PoolState, Vote } from './pools.ts'
import type { PushControls } from './push.ts'
import type { State } from './state.ts'
import type { Upload } from './streams.ts'

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
  /** A single-use auth token of the downstream host for the stored bytes of a data token. */
  offerDownload(dataToken: string): string
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
