// The reads' benchmark from beginning to end: starts everything, checks every answer, measures, ends everything.
import { cpus, loadavg } from 'node:os'
import { anyRedis } from '../../test/support/redis.ts'
import { faultsOf } from './answers.ts'
import { COLD, type Contestant, FLOORS, gateway, install, PEERS, type Server, up } from './contestants.ts'
import { hasWrk } from './load.ts'
import { CORE, cores, pinned, pinSelf } from './machine.ts'
import {
  addedLatency,
  atSeventyPercent,
  compare,
  countCalls,
  fingerprint,
  memoryAfter,
  type Start,
  scale,
  startTime,
  type Table,
} from './measure.ts'
import type { Plan } from './plan.ts'
import { profiled, profileReport } from './profile.ts'
import type { Results } from './results.ts'
import { QUERY_NAMES, type QueryName } from './rows.ts'
import { Stub } from './stub-process.ts'

const WARM = gateway('warm', 'privicore-graphql, cache in the process', {})
const INFO = gateway('info', 'privicore-graphql, a log line for each operation', { CACHE: 'off', LOG_LEVEL: 'info' })
const overRedis = (url: string) =>
  gateway('redis', 'privicore-graphql, cache in Redis only', { REDIS_URL: url, CACHE_MEMORY_MB: '0' })

/** The nearest: enough for a quick look. */
const QUICK_PEERS = new Set(['mercurius', 'yoga-jit'])
const WARM_QUERIES = ['list', 'dashboard'] as const

const say = (text: string) => process.stderr.write(`${text}\n`)

export async function benchReads(plan: Plan, withPeers: boolean): Promise<Results> {
  const loadAverage = loadavg()[0] ?? 0
  pinSelf()
  const notes: string[] = []
  const servers = new Map<string, Server>()
  const stub = await Stub.start()
  let redis: Awaited<ReturnType<typeof anyRedis>> | undefined
  const enter = async (contestant: Contestant) => {
    const missing = install(contestant, plan.mayInstall)
    if (missing !== null) return void notes.push(`${contestant.title}: ${missing}`)
    try {
      const server = await up(contestant, stub.url, CORE.server)
      const faults = await faultsOf(server, stub)
      if (faults.length === 0) {
        servers.set(contestant.id, server)
        if (contestant.note) notes.push(`${contestant.title}: ${contestant.note}`)
        return
      }
      await server.running.stop()
      if (contestant.kind !== 'peer') throw new Error(faults.join('\n'))
      notes.push(`${contestant.title}: ${faults.join('; ')}`)
    } catch (error) {
      if (contestant.kind !== 'peer') throw new Error(`${contestant.title}: ${error}`)
      // Where it lies on this machine is nobody's business.
      const [said] = String(error)
        .replaceAll(/\/\S+\//g, '')
        .split('\n')
      notes.push(`${contestant.title}: does not run here (${said})`)
    }
  }
  try {
    const peers = withPeers ? PEERS.filter(({ id }) => plan.name === 'full' || QUICK_PEERS.has(id)) : []
    const others: Contestant[] = [WARM, INFO]
    try {
      redis = await anyRedis()
      others.push(overRedis(redis.url))
    } catch (error) {
      notes.push(`Warm over Redis: ${error instanceof Error ? error.message : error}`)
    }
    const racing = [...FLOORS, COLD, ...peers]
    for (const contestant of [...racing, ...others]) {
      say(`starting ${contestant.title}, checking its answers …`)
      await enter(contestant)
    }
    const have = (ids: readonly string[]) => ids.flatMap((id) => servers.get(id) ?? [])
    const [cold, warm] = [servers.get('cold') as Server, servers.get('warm') as Server]

    const all = have(racing.map(({ id }) => id))
    const calls = await countCalls(all, stub)
    say('cold …')
    const coldTable = await compare(all, stub, QUERY_NAMES, plan)

    say(`at ${plan.slowDelayMs} ms …`)
    await stub.set({ delayMs: plan.slowDelayMs })
    const upstream = all.filter(({ contestant }) => !contestant.offline)
    const slowTable: Table = new Map()
    for (const query of QUERY_NAMES) {
      // The join says most of how a server spends its waiting: it is the one of a quick look.
      const those = upstream.filter(({ contestant }) => plan.slowPeers.includes(query) || contestant.kind !== 'peer')
      const options = { ...plan, rounds: plan.slowRounds, warmUpSeconds: 0 }
      for (const [id, runs] of await compare(those, stub, [query], options)) {
        slowTable.set(id, { ...slowTable.get(id), ...runs })
      }
    }
    await stub.set({ delayMs: 0 })

    say('warm …')
    const warmTable = await compare(have(['bytes', 'warm', 'redis']), stub, WARM_QUERIES, {
      ...plan,
      remembered: true,
    })

    say('a new token on every request …')
    const unique = await compare([cold], stub, WARM_QUERIES, { ...plan, warmUpSeconds: 0, callers: 'unique' })
    const turn = await compare([cold], stub, WARM_QUERIES, { ...plan, warmUpSeconds: 0 })

    say('one request at a time …')
    const added = await addedLatency(cold, stub, plan.sequentialRequests)
    const info = await compare(have(['info']), stub, ['list'], plan)

    let memory: Results['memory'] = null
    if (plan.memorySeconds > 0) {
      say('memory …')
      memory = {
        cold: await memoryAfter(cold, stub, plan.memorySeconds),
        warm: await memoryAfter(warm, stub, plan.memorySeconds),
      }
    }
    await Promise.all([...servers.values()].map(({ running }) => running.stop()))

    say('starting, as a newcomer does …')
    const starts: Start[] = []
    for (let turn = 0; turn < plan.starts; turn++) starts.push(await startTime())

    const steady = plan.settleSeconds > 0
    const rates: Results['rates'] = new Map()
    if (steady) {
      say('at 70 % of the highest rate …')
      // The floor shows how much of it is the machine's.
      const floor = FLOORS.find(({ id }) => id === 'composing') as Contestant
      for (const contestant of [floor, COLD]) {
        rates.set(contestant.id, await atSeventyPercent(contestant, stub, WARM_QUERIES, plan))
      }
      say('two processes …')
    }
    const scaled = steady ? await scale(COLD, stub, plan) : null

    const named = [...racing, ...others].filter(({ id }) => servers.has(id))
    return {
      plan,
      machine: {
        node: process.versions.node,
        cpu: cpus()[0]?.model ?? 'unknown CPU',
        cores,
        pinned,
        load: hasWrk
          ? 'wrk, 50 connections (100 at a fixed rate), 1,000 user tokens in turn'
          : 'own load generator (no wrk on the PATH)',
        fingerprint: fingerprint(),
        loadAverage,
      },
      titles: new Map(named.map(({ id, title }) => [id, title])),
      kinds: new Map(named.map(({ id, kind }) => [id, kind])),
      notes,
      calls,
      cold: coldTable,
      slow: slowTable,
      warm: warmTable,
      unique,
      turn,
      info,
      rates,
      added,
      memory,
      starts,
      scale: scaled,
    }
  } finally {
    await Promise.all([...servers.values()].map(({ running }) => running.stop()))
    await stub.stop()
    await redis?.close()
  }
}

const PROFILE_SECONDS = 6

/** Where the CPU goes: `cold` with every read sent upstream, `warm` with the cache. */
export async function profileReads(cold: readonly QueryName[], warm: readonly QueryName[]): Promise<string> {
  pinSelf()
  const stub = await Stub.start()
  try {
    const reports: string[] = []
    for (const query of cold)
      reports.push(`cold, ${profileReport(await profiled(COLD, stub, query, PROFILE_SECONDS, false))}`)
    for (const query of warm)
      reports.push(`warm, ${profileReport(await profiled(WARM, stub, query, PROFILE_SECONDS, true))}`)
    return reports.join('\n')
  } finally {
    await stub.stop()
  }
}
