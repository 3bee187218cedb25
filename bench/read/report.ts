// The results as Markdown.
import { median } from './generator.ts'
import type { Run } from './load.ts'
import type { Table } from './measure.ts'
import type { Results } from './results.ts'
import { QUERIES, QUERY_NAMES, type QueryName } from './rows.ts'
import { ratio, run, targets } from './targets.ts'

const whole = (value: number | undefined) => (value === undefined ? '–' : Math.round(value).toLocaleString('en-US'))
const fixed = (value: number | undefined, digits = 2) => (value === undefined ? '–' : value.toFixed(digits))

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [
    `| ${head.join(' | ')} |`,
    `|${head.map(() => '---').join('|')}|`,
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ].join('\n')
}

/** Requests a second, and in brackets the share of a floor. */
function share(results: Table, query: QueryName, id: string, floor: string): string {
  const own = run(results, id, query)
  if (own === undefined) return '–'
  const failed = own.failed > 0 ? `, **${own.failed} failed**` : ''
  if (id === floor) return `${whole(own.requestsPerSecond)}${failed}`
  return `${whole(own.requestsPerSecond)} (${fixed(ratio(results, query, id, floor, 'requestsPerSecond'))})${failed}`
}

export function report(results: Results): string {
  const { machine, plan, cold, slow, warm } = results
  const raced = [...results.titles].filter(([id]) => cold.has(id))
  const row = (id: string, title: string) => (results.kinds.get(id) === 'gateway' ? `**${title}**` : title)
  const heads = QUERY_NAMES.map((query) => QUERIES[query].title)
  const figure = (of: Table, id: string, name: keyof Run) =>
    QUERY_NAMES.map((query) => whole(run(of, id, query)?.[name]))
  const met = targets(results)
  return `${[
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}; ${
      machine.pinned ? 'the server under test alone on one core, the stub and the load on another' : 'NOT PINNED'
    }; ${machine.load}. ${plan.name} run: medians of ${plan.rounds} interleaved rounds of ${plan.seconds} s (${plan.slowRounds} at ${plan.slowDelayMs} ms). Load average before: ${machine.loadAverage.toFixed(1)}; while a server was measured, others took ${disturbance(results)} of its core. Queries and rows: ${machine.fingerprint}.`,
    plan.name === 'quick' ? 'A quick look: too short to be published, or to tell 30 % apart.' : '',
    '## Targets',
    `${met.filter((each) => each.met === true).length} met, ${met.filter((each) => each.met === false).length} not met, ${met.filter((each) => each.met === null).length} not measured.`,
    table(
      ['case', 'wanted', 'measured', ''],
      met.map(({ name, wanted, measured, met: reached }) => [
        name,
        wanted,
        measured,
        reached === null ? '–' : reached ? 'met' : '**not met**',
      ]),
    ),
    '## Cold: every read goes upstream',
    'Requests a second, in brackets the share of the composing floor. At 0 ms two servers closer than 30 % are a tie.',
    table(
      ['', ...heads],
      raced.map(([id, title]) => [row(id, title), ...QUERY_NAMES.map((query) => share(cold, query, id, 'composing'))]),
    ),
    'CPU of the server in microseconds for one request, and its memory after the rounds in MiB.',
    table(
      ['', ...heads, 'RSS'],
      raced.map(([id, title]) => [
        row(id, title),
        ...figure(cold, id, 'cpuMicros'),
        whole(Math.max(...Object.values(cold.get(id) ?? {}).map((each) => each.rssMib))),
      ]),
    ),
    'Upstream calls for one operation of a caller who has not asked before.',
    table(
      ['', ...heads],
      raced.map(([id, title]) => [
        row(id, title),
        ...QUERY_NAMES.map((query) => whole(results.calls.get(id)?.[query])),
      ]),
    ),
    `## The same at ${plan.slowDelayMs} ms of upstream latency`,
    table(
      ['', ...heads],
      [...results.titles]
        .filter(([id]) => slow.has(id))
        .map(([id, title]) => [row(id, title), ...QUERY_NAMES.map((query) => share(slow, query, id, 'composing'))]),
    ),
    '## Warm: the reads are fresh in the cache',
    'Requests a second, in brackets the share of the bytes floor; CPU in microseconds; upstream calls for one operation.',
    table(
      ['', 'list', 'dashboard', 'CPU list', 'CPU dashboard', 'calls list', 'calls dashboard', 'RSS'],
      [...results.titles]
        .filter(([id]) => warm.has(id))
        .map(([id, title]) => [
          row(id, title),
          share(warm, 'list', id, 'bytes'),
          share(warm, 'dashboard', id, 'bytes'),
          whole(run(warm, id, 'list')?.cpuMicros),
          whole(run(warm, id, 'dashboard')?.cpuMicros),
          fixed(run(warm, id, 'list')?.calls),
          fixed(run(warm, id, 'dashboard')?.calls),
          whole(run(warm, id, 'dashboard')?.rssMib),
        ]),
    ),
    '## Else',
    lines(results),
    results.notes.length === 0 ? '' : `## Left out\n\n${results.notes.map((note) => `- ${note}`).join('\n')}`,
  ]
    .filter((part) => part !== '')
    .join('\n\n')}\n`
}

/** Median and worst, over everything that was measured cold. */
function disturbance(results: Results): string {
  const shares = [...results.cold.values()].flatMap((runs) => Object.values(runs).map((each) => each.disturbed))
  const percent = (value: number) => `${Math.round(value * 100)} %`
  return `${percent(median(shares))} (median; at worst ${percent(Math.max(...shares))})`
}

function lines(results: Results): string {
  const { plan, rates, added, memory, starts, scale, info, cold } = results
  const latencies = [...rates].flatMap(([id, of]) =>
    Object.entries(of).map(
      ([query, { perSecond, held, p50Ms, p99Ms, failed }]) =>
        `- At 70 % of its highest rate (${plan.rounds} × ${plan.pacedSeconds} s, after ${plan.settleSeconds} s of it), ${query}, ${id === 'cold' ? 'gateway' : 'composing floor'} (${whole(perSecond)}/s): p50 ${fixed(p50Ms)} ms, p99 ${fixed(p99Ms)} ms${held ? '' : ', and it was not held'}${failed > 0 ? `, ${failed} failed` : ''}.`,
    ),
  )
  const asked = run(info, 'info', 'list')
  const quiet = run(cold, 'cold', 'list')
  return [
    ...latencies,
    `- One request at a time: ${fixed(added.throughP50Ms)} ms through the gateway, ${fixed(added.directP50Ms)} ms by undici alone (p50).`,
    asked && quiet
      ? `- A log line for each operation (LOG_LEVEL=info): ${whole(asked.requestsPerSecond)}/s and ${whole(asked.cpuMicros)} µs for the list, ${whole(quiet.requestsPerSecond)}/s and ${whole(quiet.cpuMicros)} µs without.`
      : '',
    `- npm start, with the sandbox: ready after ${whole(median(starts.map((each) => each.readyMs)))} ms, first query answered after ${whole(median(starts.map((each) => each.answeredMs)))} ms.`,
    memory === null
      ? ''
      : `- RSS after ${plan.memorySeconds} s of the dashboard at full load: ${whole(memory.cold)} MiB cold, ${whole(memory.warm)} MiB with the cache, whose bound is CACHE_MEMORY_MB (here its default).`,
    scale === null
      ? '- Two processes: not measured. It needs four cores (two servers, the stub, the load), or to be root on Linux and bound what each may take.'
      : `- Two processes on one port, dashboard: ${whole(scale.two)}/s, one ${whole(scale.one)}/s${scale.shareOfCore < 1 ? `; each might take ${scale.shareOfCore} of a core, since stub and load need the rest of two` : ''}.`,
  ]
    .filter((line) => line !== '')
    .join('\n')
}
