// One gateway process to measure, and the few ways in which this benchmark talks to it.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, type ClientRequest, request } from 'node:http'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../test/support/redis.ts'
import { startArguments } from '../start.ts'

export interface Instance {
  /** Of /graphql. */
  readonly url: string
  /** Resident set, MiB. */
  rss(): number
  stop(): Promise<void>
}

const root = process.env.BENCH_GATEWAY ?? resolve(import.meta.dirname, '../..')

export async function startInstance(env: Record<string, string>): Promise<Instance> {
  const port = await freePort()
  const child = spawn(process.execPath, startArguments(root), {
    cwd: root,
    env: {
      PATH: process.env.PATH,
      HOST: '127.0.0.1',
      PORT: String(port),
      NODE_ENV: 'production',
      ...(process.env.NODE_OPTIONS && { NODE_OPTIONS: process.env.NODE_OPTIONS }),
      LOG_LEVEL: 'warn',
      ...env,
    } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  await listening(child, `http://127.0.0.1:${port}/health/ready`)
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    rss: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]) / 1024,
    stop: async () => {
      if (child.exitCode !== null) return
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function listening(child: ChildProcess, url: string): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`the gateway ended with ${child.exitCode}`)
    const isUp = await fetch(url).then(
      (response) => response.ok,
      () => false,
    )
    if (isUp) return
    await sleep(50)
  }
}

const kept = new Agent({ keepAlive: true, maxSockets: 64 })
const streaming = new Agent({ keepAlive: false })

function post(url: string, token: string, body: object, headers: Record<string, string>, agent: Agent): ClientRequest {
  const text = JSON.stringify(body)
  const sent = request(url, {
    method: 'POST',
    agent,
    headers: {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      authorization: `Bearer ${token}`,
      ...headers,
    },
  })
  sent.end(text)
  return sent
}

export async function run(url: string, token: string, query: string, variables: object = {}): Promise<any> {
  const sent = post(url, token, { query, variables }, { accept: 'application/json' }, kept)
  const [response] = await once(sent, 'response')
  let text = ''
  for await (const chunk of response) text += chunk
  const { data, errors } = JSON.parse(text)
  if (errors) throw new Error(JSON.stringify(errors))
  return data
}

export interface Stream {
  /** Resolves with all that came when the server has ended it. */
  readonly ended: Promise<string>
  /** Resolves with the first event. */
  readonly begun: Promise<void>
  leave(): void
}

/** Server-sent events, with as little as possible around them: thousands of these are clients, not the thing measured. */
export function follow(
  url: string,
  token: string,
  query: string,
  variables: object,
  onEvent?: (text: string) => void,
): Stream {
  const sent = post(url, token, { query, variables }, { accept: 'text/event-stream' }, streaming)
  let text = ''
  let begin = () => {}
  const begun = new Promise<void>((resolve) => {
    begin = resolve
  })
  const ended = new Promise<string>((resolve, reject) => {
    sent.on('error', reject)
    sent.on('response', (response) => {
      response.on('data', (chunk: Buffer) => {
        const part = chunk.toString()
        text += part
        if (!part.includes('data:')) return
        onEvent?.(part)
        begin()
      })
      response.on('end', () => resolve(text))
      response.on('error', reject)
    })
  })
  ended.catch(() => {})
  return { ended, begun, leave: () => sent.destroy() }
}
