// `npm run bench`: measures the gateway beside the floors and the peers. docs/performance.md has the figures of a full run.
//
//   --quick            under two minutes: short rounds, the two nearest peers
//   --write            writes docs/performance.md and docs/performance.svg
//   --no-peers         floors and gateway only
//   --rounds=<n>, --seconds=<n>  for a look at everything
//   --profile=a,b      instead: where the gateway's CPU goes for these queries (list, nPlusOne, join, dashboard), cold
//   --profile-warm=a,b the same with the cache
//   --json=<file>      all figures, for comparing two runs
// BENCH_GATEWAY=<folder> measures another checkout.
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { benchReads, profileReads } from './read/bench.ts'
import { chart } from './read/chart.ts'
import { FULL, QUICK } from './read/plan.ts'
import { report } from './read/report.ts'
import { QUERY_NAMES, type QueryName } from './read/rows.ts'

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    peers: { type: 'boolean', default: true },
    profile: { type: 'string' },
    'profile-warm': { type: 'string' },
    json: { type: 'string' },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
  },
  allowNegative: true,
})

const queries = (list: string | undefined): QueryName[] => QUERY_NAMES.filter((name) => list?.split(',').includes(name))

if (values.profile !== undefined || values['profile-warm'] !== undefined) {
  process.stdout.write(await profileReads(queries(values.profile), queries(values['profile-warm'])))
} else {
  const plan = values.quick ? QUICK : FULL
  const results = await benchReads(
    {
      ...plan,
      rounds: Number(values.rounds ?? plan.rounds),
      slowRounds: Number(values.rounds ?? plan.slowRounds),
      seconds: Number(values.seconds ?? plan.seconds),
    },
    values.peers,
  )
  const text = report(results)
  process.stdout.write(text)
  if (values.json !== undefined) {
    const plain = (_: string, value: unknown) => (value instanceof Map ? Object.fromEntries(value) : value)
    writeFileSync(values.json, `${JSON.stringify(results, plain, 2)}\n`)
  }
  if (values.write) {
    const docs = resolve(import.meta.dirname, '../docs')
    const head =
      '# Performance\n\nWritten by `npm run bench -- --write`.\n\n![Requests a second beside the floors and the peers](performance.svg)\n\n'
    writeFileSync(`${docs}/performance.md`, head + text)
    writeFileSync(`${docs}/performance.svg`, chart(results))
  }
}
