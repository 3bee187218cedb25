// One timed run against one server: load from wrk (or our own generator), CPU, memory and upstream calls beside it.
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { Server } from './contestants.ts'
import { closedLoop, httpRequest, openLoop, percentile } from './generator.ts'
import { busySeconds, CORE, succeeds } from './machine.ts'
import { answerBody, type QueryName, requestBody, tokenOf } from './rows.ts'
import type { Stub } from './stub-process.ts'

const CONNECTIONS = 50
/** At a fixed rate: enough that none is waited for while the server pauses for 20 ms, at 5,000 requests a second. */
const PACED_CONNECTIONS = 100
const USERS = 1_000
const VISIT_PAUSE_MS = 200

/** 1,000 users, who ask one after the other. */
export interface Crowd {
  readonly tokens: readonly string[]
  /** The same, one a line. */
  readonly file: string
}

/** `unique`: nobody asks twice. */
export type Callers = Crowd | 'unique'

export interface Run {
  readonly requestsPerSecond: number
  /** Of the server alone, user and system, all its threads. */
  readonly cpuMicros: number
  /** Upstream calls for one operation. */
  readonly calls: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Not answered, or with another status than 200. */
  readonly failed: number
  readonly rssMib: number
  /** Share of the server's core that others took meanwhile, the hypervisor's other guests included: high, and the run says little. */
  readonly disturbed: number
}

export const hasWrk = succeeds('sh', ['-c', 'command -v wrk'])
const script = join(import.meta.dirname, 'wrk.lua')
const run = promisify(execFile)

const folder = mkdtempSync(join(tmpdir(), 'privicore-bench-'))
process.on('exit', () => rmSync(folder, { recursive: true, force: true }))
let users = 0
/** Users whom nobody has seen yet. */
export function newCrowd(): Crowd {
  const tokens = Array.from({ length: USERS }, () => tokenOf(users++))
  const file = join(folder, `tokens-${users}`)
  writeFileSync(file, `${tokens.join('\n')}\n`)
  return { tokens, file }
}
export const REGULARS = newCrowd()

interface Loaded {
  readonly requests: number
  readonly seconds: number
  readonly bytes: number
  readonly failed: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** How a server is asked, and for how long. */
interface Load {
  readonly port: number
  readonly query: QueryName
  readonly seconds: number
  readonly callers: Callers
  /** As fast as it answers where there is none. */
  readonly perSecond?: number | undefined
}

async function wrk({ port, query, seconds, callers, perSecond }: Load): Promise<Loaded> {
  const sample = join(folder, `${query}-${port}`)
  writeFileSync(sample, httpRequest(port, 'TOKEN', requestBody(query)))
  const connections = perSecond === undefined ? CONNECTIONS : PACED_CONNECTIONS
  const flags = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', script]
  const who = callers === 'unique' ? [REGULARS.file, 'unique'] : [callers.file, 'turn']
  const { stdout } = await run('wrk', [
    ...flags,
    `http://127.0.0.1:${port}`,
    '--',
    sample,
    ...who,
    String(perSecond ?? 0),
  ])
  const result = /^RESULT (.*)$/m.exec(stdout)?.[1]
  if (result === undefined) throw new Error(`wrk said: ${stdout}`)
  return JSON.parse(result) as Loaded
}

let uniqueTokens = 10_000_000

async function ownLoad({ port, query, seconds, callers, perSecond }: Load): Promise<Loaded> {
  const body = requestBody(query)
  const requests =
    callers === 'unique' ? () => httpRequest(port, tokenOf(uniqueTokens++), body) : inTurn(port, query, callers)
  const load = { port, requests, seconds }
  const startedAt = performance.now()
  const { latencies, failed } =
    perSecond === undefined ? await closedLoop(load, CONNECTIONS) : await openLoop(load, perSecond)
  return {
    requests: latencies.length,
    seconds: (performance.now() - startedAt) / 1_000,
    bytes: latencies.length * answerBody(query).length,
    failed,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
  }
}

function inTurn(port: number, query: QueryName, { tokens }: Crowd): (turn: number) => Buffer {
  const body = requestBody(query)
  const prepared = tokens.map((token) => httpRequest(port, token, body))
  return (turn) => prepared[turn % prepared.length] as Buffer
}

export async function timed(
  server: Server,
  stub: Stub,
  query: QueryName,
  seconds: number,
  callers: Callers = REGULARS,
  perSecond?: number,
): Promise<Run> {
  await stub.counted()
  const before = server.running.cpuSeconds()
  const coreBefore = busySeconds(CORE.server)
  const loaded = await (hasWrk ? wrk : ownLoad)({ port: server.port, query, seconds, callers, perSecond })
  const cpuSeconds = server.running.cpuSeconds() - before
  const others = busySeconds(CORE.server) - coreBefore - cpuSeconds
  const rssMib = server.running.rssMib()
  const { calls, unanswered } = await stub.counted()
  if (loaded.requests === 0) throw new Error(`${server.contestant.title} answered nothing to ${query}`)
  if (unanswered > 0) throw new Error(`${server.contestant.title} sent ${unanswered} calls that the stub does not know`)
  // An error that comes with status 200 is shorter than the answer, which was compared before.
  const short = loaded.bytes / loaded.requests < answerBody(query).length * 0.95
  return {
    requestsPerSecond: loaded.requests / loaded.seconds,
    cpuMicros: (cpuSeconds / loaded.requests) * 1e6,
    calls: calls / loaded.requests,
    p50Ms: loaded.p50Ms,
    p99Ms: loaded.p99Ms,
    failed: short ? loaded.requests : loaded.failed,
    rssMib,
    disturbed: Math.max(0, others) / loaded.seconds,
  }
}

/**
 * Until the compiler has seen the query, and clients that leave before they are answered, as wrk's do at its end: with the first of
 * them V8 throws away much of what it had compiled until then.
 */
export async function warmUp(server: Server, query: QueryName, seconds: number, callers: Callers): Promise<void> {
  const load = { port: server.port, query, callers }
  const beforeTheyLeave = hasWrk ? 1 : 0
  if (hasWrk) await wrk({ ...load, seconds: beforeTheyLeave })
  if (seconds > beforeTheyLeave) await ownLoad({ ...load, seconds: seconds - beforeTheyLeave })
}

/** Every user asks once: what can be remembered is. */
export async function visit(server: Server, query: QueryName, crowd: Crowd): Promise<void> {
  const { port } = server
  await closedLoop({ port, requests: inTurn(port, query, crowd), most: USERS }, CONNECTIONS)
  // What was known of them already and is no longer fresh is being asked for anew.
  await sleep(VISIT_PAUSE_MS)
}
