// What the gateway must reach, beside what it has reached.
import { median } from './generator.ts'
import type { Run } from './load.ts'
import type { Table } from './measure.ts'
import type { Results } from './results.ts'
import { QUERIES, QUERY_NAMES, type QueryName } from './rows.ts'

export interface Target {
  readonly name: string
  readonly wanted: string
  readonly measured: string
  /** null: not measured in this run. */
  readonly met: boolean | null
}

/** Shares of the composing floor's requests a second. */
const COLD: Record<QueryName, number> = { list: 0.85, nPlusOne: 0.8, join: 0.8, dashboard: 0.75 }
const COLD_CPU: Record<QueryName, number> = { list: 1.25, nPlusOne: 1.3, join: 1.3, dashboard: 1.35 }
const SLOW = 0.85
/** Shares of the bytes floor's. */
const WARM = 0.55
const WARM_OVER_REDIS = 0.25
const UNIQUE = 0.9
const P99_TO_P50 = 3
const RSS_MIB = 220
const ADDED_MS = 0.5
const START_MS = 1_500
const SCALE = 1.8

export const run = (table: Table, id: string, query: QueryName): Run | undefined => table.get(id)?.[query]

export function ratio(table: Table, query: QueryName, id: string, floor: string, figure: keyof Run): number {
  return (run(table, id, query)?.[figure] ?? Number.NaN) / (run(table, floor, query)?.[figure] ?? Number.NaN)
}

const fixed = (value: number) => (Number.isNaN(value) ? '–' : value.toFixed(2))

function atLeast(name: string, value: number, wanted: number): Target {
  return { name, wanted: `≥ ${wanted}`, measured: fixed(value), met: Number.isNaN(value) ? null : value >= wanted }
}

function atMost(name: string, value: number, wanted: number, unit = ''): Target {
  return {
    name,
    wanted: `≤ ${wanted}${unit}`,
    measured: Number.isNaN(value) ? fixed(value) : `${fixed(value)}${unit}`,
    met: Number.isNaN(value) ? null : value <= wanted,
  }
}

function aheadOfPeers(results: Results, query: QueryName): Target {
  const peers = [...results.kinds].filter(([id, kind]) => kind === 'peer' && run(results.cold, id, query))
  const rates = peers.map(([id]) => [id, run(results.cold, id, query)?.requestsPerSecond ?? 0] as const)
  const best = rates.sort(([, a], [, b]) => b - a)[0]
  const own = run(results.cold, 'cold', query)?.requestsPerSecond ?? Number.NaN
  const name = `cold, ${QUERIES[query].title}: ahead of every peer`
  if (best === undefined) return { name, wanted: '> 1', measured: 'no peer was measured', met: null }
  const measured = `${fixed(own / best[1])} × ${results.titles.get(best[0])}`
  return { name, wanted: '> 1', measured, met: own > best[1] }
}

function calls(results: Results, query: QueryName): Target {
  const measured = results.calls.get('cold')?.[query] ?? Number.NaN
  return {
    ...atMost(`upstream calls, ${QUERIES[query].title}`, measured, QUERIES[query].endpoints),
    measured: String(measured),
  }
}

export function targets(results: Results): Target[] {
  const { cold, slow, warm, memory, starts, added, scale, rates } = results
  const title = (query: QueryName) => QUERIES[query].title
  const rate = (table: Table, id: string, query: QueryName) => run(table, id, query)?.requestsPerSecond ?? Number.NaN
  return [
    ...QUERY_NAMES.map((query) =>
      atLeast(
        `cold, ${title(query)}: share of the composing floor`,
        ratio(cold, query, 'cold', 'composing', 'requestsPerSecond'),
        COLD[query],
      ),
    ),
    ...QUERY_NAMES.map((query) =>
      atMost(
        `cold, ${title(query)}: CPU beside the composing floor's`,
        ratio(cold, query, 'cold', 'composing', 'cpuMicros'),
        COLD_CPU[query],
        ' ×',
      ),
    ),
    ...QUERY_NAMES.map((query) => aheadOfPeers(results, query)),
    ...QUERY_NAMES.map((query) =>
      atLeast(
        `at ${results.plan.slowDelayMs} ms, ${title(query)}: share of the composing floor`,
        ratio(slow, query, 'cold', 'composing', 'requestsPerSecond'),
        SLOW,
      ),
    ),
    ...(['list', 'dashboard'] as const).map((query) =>
      atLeast(
        `warm, ${title(query)}: share of the bytes floor`,
        ratio(warm, query, 'warm', 'bytes', 'requestsPerSecond'),
        WARM,
      ),
    ),
    ...(['list', 'dashboard'] as const).map((query) =>
      atLeast(
        `warm over Redis, ${title(query)}: share of the bytes floor`,
        ratio(warm, query, 'redis', 'bytes', 'requestsPerSecond'),
        WARM_OVER_REDIS,
      ),
    ),
    ...(['list', 'dashboard'] as const).map((query) =>
      atLeast(
        `a new token on every request, ${title(query)}: share of cold`,
        rate(results.unique, 'cold', query) / rate(results.turn, 'cold', query),
        UNIQUE,
      ),
    ),
    ...(['list', 'dashboard'] as const).map((query) => {
      const measured = rates.get('cold')?.[query]
      return atMost(
        `p99 beside p50 at 70 % of the highest rate, ${title(query)}`,
        !measured?.held ? Number.NaN : measured.p99Ms / measured.p50Ms,
        P99_TO_P50,
        ' ×',
      )
    }),
    ...QUERY_NAMES.map((query) => calls(results, query)),
    atMost('RSS after a minute at full load, cold', memory?.cold ?? Number.NaN, RSS_MIB, ' MiB'),
    atMost('added to a direct undici call, p50, no load', added.throughP50Ms - added.directP50Ms, ADDED_MS, ' ms'),
    atMost('npm start to the first answer', median(starts.map(({ answeredMs }) => answeredMs)), START_MS, ' ms'),
    scale === null
      ? {
          name: 'two processes',
          wanted: `≥ ${SCALE} ×`,
          measured: 'a full run; four cores, or control groups',
          met: null,
        }
      : atLeast('two processes', scale.two / scale.one, SCALE),
  ]
}
