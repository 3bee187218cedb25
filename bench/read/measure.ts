// The measurements, one function each. Knows the contestants and the plan; says nothing.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { Pool } from 'undici'
import { ask, type Contestant, canAnswer, root, type Server, up } from './contestants.ts'
import { median } from './generator.ts'
import { type Callers, newCrowd, REGULARS, type Run, timed, visit, warmUp } from './load.ts'
import { CORE, cores, cpuGroup, freePort, pinned, ready, removeGroup, start } from './machine.ts'
import type { Plan } from './plan.ts'
import { QUERIES, QUERY_NAMES, type QueryName, requestBody, tokenOf } from './rows.ts'
import type { Stub } from './stub-process.ts'

/** No timed run uses these users. */
const FIRST_OF_COUNT = 600_000

/** Medians, by contestant and query. */
export type Table = Map<string, Partial<Record<QueryName, Run>>>

/** Rounds of all contestants in turn: what slows the machine down for a while slows them all down. */
export async function compare(
  servers: readonly Server[],
  stub: Stub,
  queries: readonly QueryName[],
  options: {
    readonly rounds: number
    readonly seconds: number
    readonly warmUpSeconds: number
    readonly callers?: Callers
    /** What is asked for is in the cache before each run: each round has users of its own, so that nothing grows old meanwhile. */
    readonly remembered?: boolean
  },
): Promise<Table> {
  const table: Table = new Map(servers.map(({ contestant }) => [contestant.id, {}]))
  for (const query of queries) {
    const racing = servers.filter(({ contestant }) => canAnswer(contestant, query))
    const runs = new Map<string, Run[]>(racing.map(({ contestant }) => [contestant.id, []]))
    if (options.warmUpSeconds > 0) {
      for (const server of racing) await warmUp(server, query, options.warmUpSeconds, options.callers ?? REGULARS)
    }
    for (let round = 0; round < options.rounds; round++) {
      const visitors = options.remembered ? newCrowd() : null
      for (const server of racing) {
        if (visitors !== null) await visit(server, query, visitors)
        const callers = visitors ?? options.callers
        runs.get(server.contestant.id)?.push(await timed(server, stub, query, options.seconds, callers))
      }
    }
    for (const [id, measured] of runs) (table.get(id) as Record<string, Run>)[query] = medianOf(measured)
  }
  return table
}

function medianOf(runs: readonly Run[]): Run {
  const of = (figure: keyof Run) => median(runs.map((run) => run[figure]))
  return {
    requestsPerSecond: of('requestsPerSecond'),
    cpuMicros: of('cpuMicros'),
    calls: of('calls'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    failed: runs.reduce((sum, run) => sum + run.failed, 0),
    rssMib: of('rssMib'),
    disturbed: of('disturbed'),
  }
}

/** Upstream calls for one operation of a caller who has not asked before, by contestant and query. */
export type Calls = Map<string, Partial<Record<QueryName, number>>>

export async function countCalls(servers: readonly Server[], stub: Stub): Promise<Calls> {
  const counts: Calls = new Map()
  let user = FIRST_OF_COUNT
  for (const server of servers) {
    const own: Partial<Record<QueryName, number>> = {}
    for (const query of QUERY_NAMES) {
      if (!canAnswer(server.contestant, query)) continue
      await stub.counted()
      await ask(server, query, tokenOf(user++))
      own[query] = (await stub.counted()).calls
    }
    counts.set(server.contestant.id, own)
  }
  return counts
}

export interface Latency {
  /** As it was. */
  readonly perSecond: number
  /** Whether it was as it should be: if not, load and server could not keep up, and the rest says little. */
  readonly held: boolean
  readonly p50Ms: number
  readonly p99Ms: number
  readonly failed: number
}

/** A rate that was asked for counts as held from here. */
const HELD = 0.97

/**
 * At 70 % of the highest rate, evenly spaced to the millisecond: the medians of all rounds. A server of its own, alone on its core:
 * what idles beside it is heard in the slowest hundredth.
 */
export async function atSeventyPercent(
  contestant: Contestant,
  stub: Stub,
  queries: readonly QueryName[],
  plan: Plan,
): Promise<Partial<Record<QueryName, Latency>>> {
  const server = await up(contestant, stub.url, CORE.server)
  const latencies: Partial<Record<QueryName, Latency>> = {}
  try {
    for (const query of queries) {
      await warmUp(server, query, plan.warmUpSeconds, REGULARS)
      const perSecond = (await timed(server, stub, query, plan.seconds)).requestsPerSecond * 0.7
      const paced = (seconds: number) => timed(server, stub, query, seconds, REGULARS, perSecond)
      await paced(plan.settleSeconds)
      const runs: Run[] = []
      for (let round = 0; round < plan.rounds; round++) runs.push(await paced(plan.pacedSeconds))
      const { requestsPerSecond, p50Ms, p99Ms, failed } = medianOf(runs)
      const held = requestsPerSecond >= perSecond * HELD
      latencies[query] = { perSecond: requestsPerSecond, held, p50Ms, p99Ms, failed }
    }
  } finally {
    await server.running.stop()
  }
  return latencies
}

export interface Added {
  readonly directP50Ms: number
  readonly throughP50Ms: number
}

/** One request at a time, through the gateway and straight to the stub in turn, by the same client. */
export async function addedLatency(server: Server, stub: Stub, requests: number): Promise<Added> {
  const gateway = new Pool(new URL(server.url).origin)
  const upstream = new Pool(stub.url)
  const token = REGULARS.tokens[0] as string
  const body = requestBody('list')
  const through = async () => {
    const answer = await gateway.request({
      method: 'POST',
      path: '/graphql',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body,
    })
    await answer.body.json()
  }
  const direct = async () => {
    const answer = await upstream.request({
      method: 'GET',
      path: '/device/retrieve-profile-devices',
      headers: { 'x-dpt-authorization': token },
    })
    await answer.body.json()
  }
  const clock = async (task: () => Promise<void>) => {
    const startedAt = performance.now()
    await task()
    return performance.now() - startedAt
  }
  const throughMs: number[] = []
  const directMs: number[] = []
  const warmUp = Math.floor(requests / 4)
  for (let turn = 0; turn < requests + warmUp; turn++) {
    const both = [await clock(through), await clock(direct)] as const
    if (turn < warmUp) continue
    throughMs.push(both[0])
    directMs.push(both[1])
  }
  await Promise.all([gateway.close(), upstream.close()])
  return { directP50Ms: median(directMs), throughP50Ms: median(throughMs) }
}

export interface Start {
  readonly readyMs: number
  /** From starting `npm start` to the answer of a first query. */
  readonly answeredMs: number
}

/** `npm start` as a newcomer types it: with the sandbox, on all cores. */
export async function startTime(): Promise<Start> {
  const port = await freePort()
  const startedAt = performance.now()
  const command = { program: 'npm', args: ['start'], cwd: root, env: { PORT: String(port), HOST: '127.0.0.1' } }
  const running = start(command, CORE.all)
  try {
    await ready(running, async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok, 5)
    const readyMs = performance.now() - startedAt
    let token: string | undefined
    await ready(
      running,
      async () => {
        token = /"token":"([^"]+)"/.exec(running.printed())?.[1]
        return token !== undefined
      },
      2,
    )
    const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: requestBody('list'),
    })
    const text = await response.text()
    if (!text.startsWith('{"data":{"devices":[')) throw new Error(`the first query was answered ${text.slice(0, 200)}`)
    return { readyMs, answeredMs: performance.now() - startedAt }
  } finally {
    await running.stop()
  }
}

/** MiB after so many seconds of the heaviest query. */
export async function memoryAfter(server: Server, stub: Stub, seconds: number): Promise<number> {
  return (await timed(server, stub, 'dashboard', seconds)).rssMib
}

export interface Scale {
  readonly one: number
  readonly two: number
  /** What each process might take of a core. */
  readonly shareOfCore: number
}

/** A server for each core that a run with two processes needs: two servers, the stub, the load. */
const CORES_FOR_SCALE = 4
/** Where there are fewer: two of these, the stub and the load fit into two cores. */
const SHARE_OF_CORE = 0.4

/**
 * One and two processes that share a port; where each cannot have a core of its own, each has less of one.
 * @returns null where neither can be had
 */
export async function scale(contestant: Contestant, stub: Stub, plan: Plan): Promise<Scale | null> {
  if (!pinned) return null
  const shareOfCore = cores >= CORES_FOR_SCALE ? 1 : SHARE_OF_CORE
  const groups = shareOfCore < 1 ? [cpuGroup(shareOfCore), cpuGroup(shareOfCore)] : []
  try {
    if (groups.includes(null)) return null
    const rate = (processes: number, core: string) =>
      rateOf(clustered(contestant, processes, groups as string[]), shareOfCore < 1 ? CORE.all : core, stub, plan)
    return { one: await rate(1, CORE.server), two: await rate(2, CORE.second), shareOfCore }
  } finally {
    for (const group of groups) if (group !== null) await removeGroup(group)
  }
}

function clustered(contestant: Contestant, processes: number, groups: readonly string[]): Contestant {
  return {
    ...contestant,
    command: (port, stubUrl) => {
      const alone = contestant.command(port, stubUrl)
      return {
        ...alone,
        args: [join(import.meta.dirname, 'cluster.ts'), ...alone.args],
        env: { ...alone.env, PROCESSES: String(processes), CPU_GROUPS: groups.join(':') },
      }
    },
  }
}

/** Of the dashboard, cold. */
async function rateOf(contestant: Contestant, core: string, stub: Stub, plan: Plan): Promise<number> {
  const server = await up(contestant, stub.url, core)
  try {
    // On part of a core the compiler needs as long as it does beside a load.
    await warmUp(server, 'dashboard', plan.settleSeconds, REGULARS)
    const runs: number[] = []
    for (let round = 0; round < plan.rounds; round++) {
      runs.push((await timed(server, stub, 'dashboard', plan.seconds)).requestsPerSecond)
    }
    return median(runs)
  } finally {
    await server.running.stop()
  }
}

/** Names the queries' texts: figures of two runs are comparable where it is the same. */
export function fingerprint(): string {
  const texts = Object.values(QUERIES).map(({ document, data }) => document + JSON.stringify(data))
  return createHash('sha256').update(texts.join('\n')).digest('hex').slice(0, 12)
}
