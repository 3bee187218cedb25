// A real Redis for tests: the one of REDIS_URL, or a server of this machine on a free loopback port, with nothing on disk.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findProgram } from './programs.ts'

export interface RedisServer {
  readonly url: string
  readonly port: number
  /** Ends it at once, as a crash would: what it held is gone. */
  kill(): Promise<void>
  /** Starts it again on its port, empty. */
  restart(): Promise<void>
  /** Alive, and answering nothing. */
  pause(): void
  resume(): void
  close(): Promise<void>
}

const STARTED_WITHIN_MS = 5_000

/** The path of a server that can be started here; undefined when there is none. */
export const findRedisServer = (): string | undefined => findProgram(['redis-server', 'valkey-server'])

/**
 * A server of the test's own, for tests that kill, pause or inspect it.
 * @param settings more lines of redis.conf, as arguments
 */
export async function startRedis(settings: readonly string[] = []): Promise<RedisServer> {
  const binary = findRedisServer()
  if (binary === undefined)
    throw new Error('no redis-server or valkey-server on the PATH: install one, e.g. apt install redis-server')
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'privicore-redis-'))
  let child: ChildProcess | null = null

  const start = async () => {
    child = spawn(
      binary,
      ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder, ...settings],
      { stdio: 'ignore' },
    )
    await listening(port, child)
  }
  const kill = async () => {
    const ending = child
    child = null
    if (ending === null || ending.exitCode !== null) return
    const ended = once(ending, 'exit')
    ending.kill('SIGKILL')
    await ended
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    kill,
    restart: start,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    close: async () => {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/**
 * A Sentinel that watches over a master and fails over fast. Give it to the gateway as `url`.
 * @param name of the master, as Sentinels call it
 */
export async function startSentinel(
  master: RedisServer,
  name = 'data',
): Promise<{ url: string; close(): Promise<void> }> {
  const binary = findRedisServer()
  if (binary === undefined) throw new Error('no redis-server or valkey-server on the PATH')
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'privicore-sentinel-'))
  const settings = [
    `port ${port}`,
    'bind 127.0.0.1',
    `dir ${folder}`,
    `sentinel monitor ${name} 127.0.0.1 ${master.port} 1`,
    `sentinel down-after-milliseconds ${name} 300`,
    `sentinel failover-timeout ${name} 3000`,
  ]
  // It writes what it learns back into its file.
  const file = join(folder, 'sentinel.conf')
  writeFileSync(file, `${settings.join('\n')}\n`)
  const child = spawn(binary, [file, '--sentinel'], { stdio: 'ignore' })
  await listening(port, child)
  return {
    url: `redis://127.0.0.1:${port}?sentinel=${name}`,
    close: async () => {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Any Redis will do: REDIS_URL's where it is set. Keys of tests are random, so that several may share one. */
export async function anyRedis(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const given = process.env.REDIS_URL
  return given === undefined || given === '' ? startRedis() : { url: given, close: async () => undefined }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

async function listening(port: number, child: ChildProcess): Promise<void> {
  const until = performance.now() + STARTED_WITHIN_MS
  while (performance.now() < until) {
    if (child.exitCode !== null) throw new Error(`the Redis server ended with exit code ${child.exitCode}`)
    const socket = connect(port, '127.0.0.1')
    const up = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
      sleep(500, false),
    ])
    socket.destroy()
    if (up) return
    await sleep(20)
  }
  throw new Error('the Redis server did not start in time')
}
