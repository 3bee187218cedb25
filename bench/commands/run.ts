// How following commands scales: `node bench/commands/run.ts [fan-out push idle open] [--minutes=1] [--subscriptions=5000]`. Figures are in docs/commands.md.
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { startRedis } from '../../test/support/redis.ts'
import { follow, type Instance, run, startInstance } from './instance.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { minutes: { type: 'string', default: '1' }, subscriptions: { type: 'string', default: '5000' } },
})

const SEND = 'mutation { requestDeviceIdentifier(input: { deviceName: "bench" }) { command { commandId } } }'
const COMMAND = 'subscription ($id: ID!) { command(commandId: $id) { commandId status } }'
const COMMANDS = 'subscription ($ids: [ID!]!) { commands(commandIds: $ids) { commandId status } }'

const say = (line: string) => process.stdout.write(`${line}\n`)
const percentile = (sorted: readonly number[], part: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN

async function withSandbox(work: (privicore: Sandbox) => Promise<void>): Promise<void> {
  const privicore = await startSandbox({ commandLatencyMs: 1, seed: 'demo' })
  try {
    await work(privicore)
  } finally {
    await privicore.close()
  }
}

async function send(url: string, token: string): Promise<string> {
  return (await run(url, token, SEND)).requestDeviceIdentifier.command.commandId
}

/** `count` results of `make`, so many at a time. */
async function many<T>(count: number, atOnce: number, make: (index: number) => Promise<T>): Promise<T[]> {
  const all: T[] = []
  let next = 0
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let index = next++; index < count; index = next++) all[index] = await make(index)
    }),
  )
  return all
}

/** 1,000 subscribers on one command over three instances: as many upstream polls as for one subscriber. */
const fanOut = () =>
  withSandbox(async (privicore) => {
    const redis = await startRedis()
    const env = {
      PRIVICORE_API_URL: privicore.url,
      REDIS_URL: redis.url,
      CACHE_SECRET: 'a secret of the benchmark, 32 characters',
      COMMAND_POLL_MAX_MS: '500',
    }
    const instances: Instance[] = []
    try {
      for (let count = 0; count < 3; count++) instances.push(await startInstance(env))
      await sleep(500)
      const token = privicore.tokens.alice
      const measure = async (subscribers: number) => {
        const hold = privicore.hold('device.request')
        const id = await send(instances[0]?.url ?? '', token)
        const streams = Array.from({ length: subscribers }, (_, index) =>
          follow(instances[index % 3]?.url ?? '', token, COMMAND, { id }),
        )
        await Promise.all(streams.map(({ begun }) => begun))
        await sleep(2_000)
        const before = privicore.count('utility.requestStatus')
        await sleep(10_000)
        const polls = privicore.count('utility.requestStatus') - before
        const releasedAt = performance.now()
        hold.release()
        const texts = await Promise.all(streams.map(({ ended }) => ended))
        const told = texts.filter((text) => text.split('"SUCCEEDED"').length === 2).length
        say(
          `  ${subscribers} subscribers: ${polls} polls in 10 s; all told after ${Math.round(performance.now() - releasedAt)} ms (poll included); told exactly once: ${told}`,
        )
      }
      say('fan-out: one command, three instances')
      await measure(1)
      await measure(1_000)
    } finally {
      for (const instance of instances) await instance.stop()
      await redis.close()
    }
  })

/** From the outcome on the push socket to the client's event, with 500 commands open. */
const push = () =>
  withSandbox(async (privicore) => {
    const instance = await startInstance({
      PRIVICORE_API_URL: privicore.url,
      PRIVICORE_WS_URL: privicore.wsUrl,
    })
    try {
      const token = privicore.tokens.alice
      privicore.hold('device.request')
      for (const transport of ['WebSocket', 'server-sent events'] as const) {
        const ids = await many(500, 16, () => send(instance.url, token))
        const settledAt = new Map<string, number>()
        const latencies: number[] = []
        let open = 0
        const hear = (id: string, status: string) => {
          if (status === 'PENDING') open++
          else latencies.push(performance.now() - (settledAt.get(id) ?? Number.NaN))
        }
        const leaving: (() => unknown)[] = []
        if (transport === 'WebSocket') {
          const client = createClient({
            url: instance.url.replace('http', 'ws'),
            webSocketImpl: WebSocket,
            connectionParams: { authorization: `Bearer ${token}` },
          })
          leaving.push(() => client.dispose())
          for (const id of ids) {
            client.subscribe<{ command: { status: string } }>(
              { query: COMMAND, variables: { id } },
              { next: ({ data }) => hear(id, data?.command.status ?? ''), error: () => {}, complete: () => {} },
            )
          }
        } else {
          for (const id of ids) {
            const stream = follow(instance.url, token, COMMAND, { id }, (text) => {
              for (const [, status = ''] of text.matchAll(/"status":"(\w+)"/g)) hear(id, status)
            })
            leaving.push(stream.leave)
          }
        }
        while (open < ids.length) await sleep(20)
        await sleep(500)
        for (const id of ids) {
          settledAt.set(id, performance.now())
          privicore.settle(id)
          await sleep(4)
        }
        while (latencies.length < ids.length) await sleep(20)
        latencies.sort((a, b) => a - b)
        say(
          `push over ${transport}: ack to event, 500 open: p50 ${percentile(latencies, 0.5).toFixed(1)} ms, p99 ${percentile(latencies, 0.99).toFixed(1)} ms, most ${percentile(latencies, 1).toFixed(1)} ms`,
        )
        for (const leave of leaving) await leave()
      }
    } finally {
      await instance.stop()
    }
  })

/** 5,000 idle subscriptions on one instance, over either transport at the same time: memory, and whether it grows. */
const idle = () =>
  withSandbox(async (privicore) => {
    privicore.hold('device.request')
    await Promise.all([
      idleOver('server-sent events', privicore, openStream),
      idleOver('WebSocket', privicore, openSocket),
    ])
  })

/** Resolves with the way to leave, once the first event has come. */
type Open = (url: string, token: string, commandId: string) => Promise<() => unknown>

const openStream: Open = async (url, token, id) => {
  const stream = follow(url, token, COMMAND, { id })
  await stream.begun
  return stream.leave
}

/** A connection for each, as browsers have it. */
const openSocket: Open = async (url, token, id) => {
  const client = createClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { authorization: `Bearer ${token}` },
  })
  await new Promise<void>((begun, failed) => {
    client.subscribe({ query: COMMAND, variables: { id } }, { next: () => begun(), error: failed, complete: () => {} })
  })
  return () => client.dispose()
}

const SAMPLE_MS = 10_000

async function idleOver(transport: string, privicore: Sandbox, open: Open): Promise<void> {
  const count = Number(values.subscriptions)
  const token = privicore.tokens.alice
  const instance = await startInstance({ PRIVICORE_API_URL: privicore.url })
  try {
    const ids = await many(100, 16, () => send(instance.url, token))
    const empty = instance.rss()
    const leaving = await many(count, 64, (index) => open(instance.url, token, ids[index % ids.length] ?? ''))
    const opened = instance.rss()
    const samples = [opened]
    for (let step = 0; step < Number(values.minutes) * 6; step++) {
      await sleep(SAMPLE_MS)
      samples.push(instance.rss())
    }
    const last = samples.at(-1) ?? opened
    const every = Math.max(1, Math.ceil(samples.length / 12))
    const mib = (value: number) => Math.round(value)
    const each = (((last - empty) / count) * 1_024).toFixed(1)
    const growth = `${last < opened ? '' : '+'}${mib(last - opened)}`
    say(
      `idle over ${transport}: ${mib(empty)} MiB empty (100 commands open), ${mib(opened)} with ${count} subscriptions, ${mib(last)} after ${values.minutes} min (${growth}), most ${mib(Math.max(...samples))}: ${each} KiB each`,
    )
    say(
      `  over the time: ${samples
        .filter((_, index) => index % every === 0)
        .map(mib)
        .join(' ')} MiB`,
    )
    for (const leave of leaving) await leave()
  } finally {
    await instance.stop()
  }
}

/** 10,000 open commands: the bound of polls holds, and every outcome is delivered. */
const open = () =>
  withSandbox(async (privicore) => {
    const bound = 500
    const instance = await startInstance({
      PRIVICORE_API_URL: privicore.url,
      COMMAND_POLLS_PER_SECOND: String(bound),
    })
    try {
      const token = privicore.tokens.alice
      const hold = privicore.hold('device.request')
      const ids = await many(10_000, 32, () => send(instance.url, token))
      const streams = Array.from({ length: 400 }, (_, index) =>
        follow(instance.url, token, COMMANDS, { ids: ids.slice(index * 25, index * 25 + 25) }),
      )
      await Promise.all(streams.map(({ begun }) => begun))
      const perSecond: number[] = []
      let before = privicore.count('utility.requestStatus')
      for (let second = 0; second < 15; second++) {
        await sleep(1_000)
        const now = privicore.count('utility.requestStatus')
        perSecond.push(now - before)
        before = now
      }
      const releasedAt = performance.now()
      hold.release()
      const texts = await Promise.all(streams.map(({ ended }) => ended))
      const told = texts.reduce((sum, text) => sum + text.split('"SUCCEEDED"').length - 1, 0)
      say(
        `open: 10,000 commands, at most ${bound} polls/s: ${Math.min(...perSecond)} to ${Math.max(...perSecond)} a second; ${told} outcomes delivered within ${((performance.now() - releasedAt) / 1_000).toFixed(1)} s of the release`,
      )
    } finally {
      await instance.stop()
    }
  })

const parts: Record<string, () => Promise<void>> = { 'fan-out': fanOut, push, idle, open }
for (const name of positionals.length > 0 ? positionals : Object.keys(parts)) {
  const part = parts[name]
  if (part === undefined) throw new Error(`no such part: ${name}; there are ${Object.keys(parts).join(', ')}`)
  await part()
}
