// node bench/blobs/run.ts [--quick]. Large payloads through the gateway: memory, throughput beside a bare pipe, and
// what slow uploads do to others. Prints what it measured, and fails where a promise is broken.
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { get, put } from './client.ts'
import { hashOf } from './payload.ts'

const quick = process.argv.includes('--quick')
const MIB = 1024 * 1024
const LARGE = (quick ? 256 : 2_048) * MIB
/** Of one throughput run; the median of several counts. */
const PACED = (quick ? 128 : 1_024) * MIB
const RUNS = quick ? 3 : 5
const SLOW_UPLOADS = 200
const SLOW_BYTES_PER_SECOND = 64 * 1024
/** Of queries, in each of as many rounds: the medians of the rounds count. */
const QUERY_SECONDS = quick ? 3 : 5
const ROUNDS = quick ? 3 : 7
const PROMISED = { rssGrowthMib: 64, throughput: 0.6, p99: 2 }

const here = import.meta.dirname
const root = resolve(here, '../..')
const children: ChildProcess[] = []

async function message<T>(child: ChildProcess): Promise<T> {
  const [value] = (await once(child, 'message')) as [T]
  return value
}

function start(file: string, args: string[] = []): ChildProcess {
  const child = fork(resolve(here, file), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  children.push(child)
  return child
}

async function startGateway(flags: string[], env: Record<string, string>): Promise<{ url: string; pid: number }> {
  const child = spawn(process.execPath, [...flags, 'src/start.js'], {
    cwd: root,
    env: { PATH: process.env.PATH, PORT: '0', HOST: '127.0.0.1', ...env } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  return new Promise((done, fail) => {
    let printed = ''
    child.once('exit', (code) => fail(new Error(`the gateway ended with ${code}:\n${printed}`)))
    child.stdout.on('data', (chunk: Buffer) => {
      if (printed.length < 10_000) printed += chunk.toString()
      const port = /"url":"http:\/\/localhost:(\d+)/.exec(printed)?.[1]
      if (port !== undefined) done({ url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0 })
    })
  })
}

/** Resident memory in MiB, as Linux counts it. */
const rss = (pid: number) => Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

/** The most that a process uses while something goes on, in MiB. */
async function peakRss<T>(pid: number, work: () => Promise<T>): Promise<{ value: T; peak: number }> {
  let peak = rss(pid)
  const timer = setInterval(() => {
    peak = Math.max(peak, rss(pid))
  }, 20)
  try {
    return { value: await work(), peak }
  } finally {
    clearInterval(timer)
    peak = Math.max(peak, rss(pid))
  }
}

const timed = async (work: () => Promise<unknown>) => {
  const since = performance.now()
  await work()
  return (performance.now() - since) / 1_000
}
const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
const percentile = (values: number[], p: number) =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))] ?? 0

const broken: string[] = []
const promise = (kept: boolean, what: string) => {
  console.log(`${kept ? 'kept  ' : 'BROKEN'} ${what}`)
  if (!kept) broken.push(what)
}

const sandbox = await startSandbox({
  commandLatencyMs: 1,
  dialect: { stream: 'token', outputType: '1', downloadBody: 'token' },
})
try {
  const hosts = start('hosts.ts')
  const ports = await message<{ upstream: number; downstream: number }>(hosts)
  const ask = async (request: object) => {
    hosts.send(request)
    return (await message<{ received: { bytes: number; sha256: string | null }[] }>(hosts)).received
  }
  const upstream = `http://127.0.0.1:${ports.upstream}`
  const downstream = `http://127.0.0.1:${ports.downstream}`
  const env = {
    PRIVICORE_API_URL: sandbox.url,
    PRIVICORE_WS_URL: sandbox.wsUrl,
    PRIVICORE_UPSTREAM_URL: upstream,
    PRIVICORE_DOWNSTREAM_URL: downstream,
    COMMAND_POLL_MIN_MS: '5',
    LOG_LEVEL: 'info',
  }
  let gateway = await startGateway(['--max-old-space-size=128'], env)
  const pipePort = (await message<{ port: number }>(start('pipe.ts', [upstream, downstream]))).port
  const pipe = `http://127.0.0.1:${pipePort}/`
  const auth = { authorization: `Bearer ${sandbox.tokens.alice}` }

  const run = async (query: string, variables: object = {}) => {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...auth },
      body: JSON.stringify({ query, variables }),
    })
    const { data, errors } = (await response.json()) as { data: any; errors?: unknown }
    if (errors) throw new Error(JSON.stringify(errors))
    return data
  }
  const uploadUrl = async (): Promise<string> =>
    (await run('mutation { reserveTokenSpace(input: { context: "bench" }) { temporaryDataToken { uploadUrl } } }'))
      .reserveTokenSpace.temporaryDataToken.uploadUrl
  const stored = await run(
    'mutation { storeData(input: { data: "AAAA", context: "bench", fileName: "a", extension: "b" }) { dataToken { token } } }',
  )
  const { token } = stored.storeData.dataToken
  const downloadUrl = async (): Promise<string> =>
    (await run('mutation ($token: ID!) { requestData(input: { token: $token }) { data { downloadUrl } } }', { token }))
      .requestData.data.downloadUrl

  // Warm: code compiled, heap grown to what it needs anyway.
  await ask({ hashes: false, downloadBytes: 64 * MIB })
  await put(await uploadUrl(), auth, 64 * MIB)
  await get(await downloadUrl(), auth, false)

  console.log(`\nMemory: ${LARGE / MIB} MiB up, then down; gateway with --max-old-space-size=128`)
  await ask({ hashes: true, downloadBytes: LARGE })
  const expected = hashOf(LARGE)
  const before = rss(gateway.pid)
  const up = await peakRss(gateway.pid, async () => put(await uploadUrl(), auth, LARGE))
  const [arrived] = await ask({ hashes: false })
  const answer = JSON.parse(up.value.text) as { bytes: number; sha256: string }
  const down = await peakRss(gateway.pid, async () => get(await downloadUrl(), auth, true))
  console.log(
    `  RSS before ${before.toFixed(0)} MiB, peak up ${up.peak.toFixed(0)} MiB, peak down ${down.peak.toFixed(0)} MiB`,
  )
  const growth = Math.max(up.peak, down.peak) - before
  promise(growth < PROMISED.rssGrowthMib, `RSS grew by ${growth.toFixed(1)} MiB (less than ${PROMISED.rssGrowthMib})`)
  promise(
    [answer.sha256, arrived?.sha256, down.value.sha256].every((hash) => hash === expected) && answer.bytes === LARGE,
    'sha256 equal: sent, answered, arrived, and downloaded',
  )

  console.log(`\nThroughput: ${PACED / MIB} MiB a run, ${RUNS} runs each, in turns; MiB/s, median`)
  await ask({ downloadBytes: PACED })
  const seconds = { pipeUp: [] as number[], up: [] as number[], pipeDown: [] as number[], down: [] as number[] }
  for (let run = 0; run < RUNS; run++) {
    seconds.pipeUp.push(await timed(() => put(pipe, {}, PACED)))
    const to = await uploadUrl()
    seconds.up.push(await timed(() => put(to, auth, PACED)))
    seconds.pipeDown.push(await timed(() => get(pipe, {}, false)))
    const from = await downloadUrl()
    seconds.down.push(await timed(() => get(from, auth, false)))
  }
  const rate = (values: number[]) => PACED / MIB / median(values)
  for (const [name, ours, theirs] of [
    ['up', seconds.up, seconds.pipeUp],
    ['down', seconds.down, seconds.pipeDown],
  ] as const) {
    const ratio = rate(ours) / rate(theirs)
    promise(
      ratio >= PROMISED.throughput,
      `${name}: ${rate(ours).toFixed(0)} beside ${rate(theirs).toFixed(0)} of the bare pipe: ${ratio.toFixed(2)} (at least ${PROMISED.throughput})`,
    )
  }

  console.log(
    `\nNeighbours: ${SLOW_UPLOADS} uploads of ${SLOW_BYTES_PER_SECOND / 1024} KiB/s while somebody queries devices`,
  )
  const latencies = async () => {
    const found: number[] = []
    const until = performance.now() + QUERY_SECONDS * 1_000
    while (performance.now() < until) {
      found.push(1_000 * (await timed(() => run('{ devices { name status } }'))))
      await sleep(2)
    }
    return found
  }
  /** Latencies while many send slowly to these links. */
  const besideUploadsTo = async (links: readonly string[]) => {
    const slow = start('slow.ts')
    slow.send({ links, headers: auth, bytesPerSecond: SLOW_BYTES_PER_SECOND })
    await sleep(1_500)
    const found = await latencies()
    slow.send('stop')
    const statuses = await message<(number | string)[]>(slow)
    slow.kill()
    if (statuses.length !== SLOW_UPLOADS || statuses.some((status) => status !== 200))
      throw new Error(`slow uploads failed: ${[...new Set(statuses)].join(', ')}`)
    return found
  }
  // As operators start it: a heap of 128 MiB beside a young generation of full size makes V8 collect without end, whatever is sent.
  gateway = await startGateway([], env)
  const rounds = { alone: [] as number[][], past: [] as number[][], beside: [] as number[][] }
  await latencies()
  await besideUploadsTo(await Promise.all(Array.from({ length: SLOW_UPLOADS }, uploadUrl)))
  for (let round = 0; round < ROUNDS; round++) {
    rounds.alone.push(await latencies())
    // The same uploads past the gateway: what sender, pipe and host cost the machine, whoever is in between.
    rounds.past.push(await besideUploadsTo(Array<string>(SLOW_UPLOADS).fill(pipe)))
    rounds.beside.push(await besideUploadsTo(await Promise.all(Array.from({ length: SLOW_UPLOADS }, uploadUrl))))
  }
  const of = (found: number[][], p: number) => median(found.map((values) => percentile(values, p)))
  const show = (found: number[][]) => {
    const each = found.map((values) => percentile(values, 0.99).toFixed(2)).join(' ')
    return `p50 ${of(found, 0.5).toFixed(2)} ms, p99 ${of(found, 0.99).toFixed(2)} ms (${each})`
  }
  console.log(`  ${ROUNDS} rounds of ${QUERY_SECONDS} s, in turns; medians, and the p99 of each round`)
  console.log(`  alone: ${show(rounds.alone)}`)
  console.log(`  while the same uploads go past the gateway, through the bare pipe: ${show(rounds.past)}`)
  console.log(`  while they go through the gateway: ${show(rounds.beside)}`)
  const growth99 = (found: number[][]) => of(found, 0.99) / of(rounds.alone, 0.99)
  promise(
    growth99(rounds.beside) <= PROMISED.p99,
    `p99 beside them is ${growth99(rounds.beside).toFixed(2)} of alone (at most ${PROMISED.p99}); past the gateway ${growth99(rounds.past).toFixed(2)}`,
  )
} finally {
  for (const child of children) child.kill()
  await sandbox.close()
}
process.exitCode = broken.length === 0 ? 0 : 1
