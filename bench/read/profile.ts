// Where the gateway's CPU goes under load: its own --cpu-prof, by group and by function.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Contestant, root, up } from './contestants.ts'
import { REGULARS, timed, visit, warmUp } from './load.ts'
import { CORE } from './machine.ts'
import type { QueryName } from './rows.ts'
import type { Stub } from './stub-process.ts'

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

/** The first that fits, by the address of the function's file or its name. */
const GROUPS: readonly (readonly [string, RegExp])[] = [
  ['garbage collection', /^\(garbage collector\)$/],
  ['V8 and system calls', /^\((program|root)\)$/],
  ['sockets: native writes', /^(write\w*String|writev|writeBuffer|shutdown)$/],
  ['undici', /undici|^wasm|wasm:/],
  ['yoga and its layers', /graphql-yoga|@envelop|@whatwg-node|@graphql-yoga|@graphql-tools/],
  ['compiled execution', /src\/server\/(query-program|compiled-queries|collect-fields)/],
  ['graphql-js, Pothos', /node_modules\/(graphql|@pothos|graphql-scalars)\//],
  ['DataLoader', /node_modules\/dataloader/],
  ['metrics', /prom-client|src\/metrics/],
  ['LRU caches', /lru-cache/],
  ['log', /node_modules\/(pino|sonic-boom|thread-stream)/],
  ['Redis client', /ioredis|redis-parser/],
  ['crypto', /node:(internal\/)?crypto|^randomUUID$/],
  ['node: timers', /node:(internal\/)?timers/],
  ['node: microtasks, async hooks', /^runMicrotasks$|node:internal\/(process\/task_queues|async)|AsyncContext/],
  ['node: HTTP', /node:_http|node:internal\/http/],
  ['node: streams, sockets', /^node:(internal\/stream|net|events|internal\/js_stream)/],
  ['node: else', /^node:/],
  // Built-ins have no frame of their own: JSON.parse counts for the reader of bodies, JSON.stringify for the writer of answers.
  ['gateway: wire (JSON.parse of bodies included)', /src\/privicore\//],
  ['gateway: cache', /src\/cache\//],
  ['gateway: schema, resolvers, context', /src\/(schema|resolvers|context)/],
  ['gateway: server (JSON.stringify of answers included)', /src\/(server|main)/],
]

const WARM_UP_SECONDS = 2

export interface Profile {
  readonly query: QueryName
  readonly groups: readonly (readonly [string, number])[]
  readonly functions: readonly (readonly [string, number])[]
}

/** @param remembered whether all that is asked for is in the cache */
export async function profiled(
  contestant: Contestant,
  stub: Stub,
  query: QueryName,
  seconds: number,
  remembered: boolean,
): Promise<Profile> {
  const folder = mkdtempSync(join(tmpdir(), 'privicore-profile-'))
  const observed: Contestant = {
    ...contestant,
    command: (port, stubUrl) => {
      const plain = contestant.command(port, stubUrl)
      const flags = ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=500']
      return { ...plain, args: [...flags, ...plain.args] }
    },
  }
  const server = await up(observed, stub.url, CORE.server)
  try {
    await warmUp(server, query, WARM_UP_SECONDS, REGULARS)
    if (remembered) await visit(server, query, REGULARS)
    await timed(server, stub, query, seconds)
  } finally {
    await server.running.stop()
  }
  const file = readdirSync(folder).find((name) => name.endsWith('.cpuprofile'))
  if (file === undefined) throw new Error(`the gateway wrote no profile: ${server.running.lastWords()}`)
  const profile = JSON.parse(readFileSync(join(folder, file), 'utf8')) as CpuProfile
  rmSync(folder, { recursive: true })
  return { query, ...summed(profile, seconds) }
}

function summed(profile: CpuProfile, seconds: number): Pick<Profile, 'groups' | 'functions'> {
  const micros = new Map<number, number>()
  // What comes before is starting and warming up.
  let counted = 0
  for (let index = profile.samples.length - 1; index >= 0 && counted < seconds * 1e6; index--) {
    const id = profile.samples[index] as number
    const delta = profile.timeDeltas[index] ?? 0
    counted += delta
    micros.set(id, (micros.get(id) ?? 0) + delta)
  }
  const groups = new Map<string, number>()
  const functions = new Map<string, number>()
  let total = 0
  for (const { id, callFrame } of profile.nodes) {
    const spent = micros.get(id) ?? 0
    const { functionName, url, lineNumber } = callFrame
    if (functionName === '(idle)') continue
    total += spent
    const group = GROUPS.find(([, fits]) => fits.test(functionName) || fits.test(url))?.[0] ?? 'else'
    groups.set(group, (groups.get(group) ?? 0) + spent)
    const place =
      url === '' ? '' : ` ${url.replace(`file://${root}/`, '').replace(/^.*node_modules\//, '')}:${lineNumber + 1}`
    const name = `${functionName || '(anonymous)'}${place}`
    functions.set(name, (functions.get(name) ?? 0) + spent)
  }
  const shares = (of: Map<string, number>) =>
    [...of].map(([name, spent]) => [name, spent / total] as const).sort(([, a], [, b]) => b - a)
  return { groups: shares(groups), functions: shares(functions).slice(0, 40) }
}

export function profileReport({ query, groups, functions }: Profile): string {
  const percent = (share: number) => `${(share * 100).toFixed(1)} %`.padStart(7)
  return [
    `${query}: self time of the gateway's main thread`,
    ...groups.map(([name, share]) => `${percent(share)}  ${name}`),
    '',
    ...functions.map(([name, share]) => `${percent(share)}  ${name}`),
    '',
  ].join('\n')
}
