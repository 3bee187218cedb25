// Who is measured: the floors, the gateway in its configurations, the peers. How each is installed and started.
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { startArguments } from '../start.ts'
import { type Command, freePort, type Running, ready, start } from './machine.ts'
import { type QueryName, requestBody, tokenOf } from './rows.ts'

/** Of the gateway that is measured: BENCH_GATEWAY names another checkout, to compare two. */
export const root = resolve(process.env.BENCH_GATEWAY ?? resolve(import.meta.dirname, '../..'))
const here = import.meta.dirname
const peersFolder = resolve(import.meta.dirname, '../peers')

export type Kind = 'floor' | 'gateway' | 'peer'

export interface Contestant {
  readonly id: string
  readonly title: string
  readonly kind: Kind
  readonly command: (port: number, stubUrl: string) => Command
  /** Bytes and not only their meaning must be right. */
  readonly exact: boolean
  /** Values of enums come as Privicore spells them. */
  readonly ownEnums?: boolean
  /** It answers from bytes made beforehand: nothing goes upstream, nobody's data can be mixed up. */
  readonly offline?: boolean
  /** Queries that it can answer; all when absent. */
  readonly queries?: readonly QueryName[]
  /** To be told beside its figures. */
  readonly note?: string
}

/** A contestant that is up and answers. */
export interface Server {
  readonly contestant: Contestant
  readonly running: Running
  readonly port: number
  readonly url: string
}

const node = (file: string, env: Record<string, string>): Command => ({
  program: process.execPath,
  args: [file],
  env: { NODE_ENV: 'production', ...env },
})

const floor = (id: string, title: string, file: string, env: Record<string, string> = {}): Contestant => ({
  id,
  title,
  kind: 'floor',
  exact: true,
  offline: file === 'bytes-floor.ts',
  command: (port, stubUrl) => node(join(here, file), { PORT: String(port), STUB_URL: stubUrl, ...env }),
})

export const FLOORS: readonly Contestant[] = [
  floor('bytes', 'bytes floor: node:http, computed beforehand', 'bytes-floor.ts'),
  floor('composing', 'composing floor: node:http + undici, by hand', 'composing-floor.ts', { LOOK_UP: 'id' }),
  floor('composing-list', 'the same, look-ups out of one list', 'composing-floor.ts', { LOOK_UP: 'list' }),
]

/** As users start it, with what production sets. */
export function gateway(id: string, title: string, env: Record<string, string>, flags: string[] = []): Contestant {
  return {
    id,
    title,
    kind: 'gateway',
    exact: true,
    command: (port, stubUrl) => ({
      program: process.execPath,
      args: [...flags, ...startArguments(root)],
      cwd: root,
      env: {
        NODE_ENV: 'production',
        LOG_LEVEL: 'warn',
        HOST: '127.0.0.1',
        PORT: String(port),
        PRIVICORE_API_URL: stubUrl,
        CACHE_SECRET: randomBytes(32).toString('hex'),
        ...env,
      },
    }),
  }
}

export const COLD = gateway('cold', 'privicore-graphql', { CACHE: 'off' })

const peer = (id: string, title: string, more: Partial<Contestant> = {}): Contestant => ({
  id,
  title,
  kind: 'peer',
  exact: false,
  command: (port, stubUrl) => ({
    ...node(join(peersFolder, id, 'server.js'), {
      PORT: String(port),
      STUB_URL: stubUrl,
      ...(process.env.GLIBC && { GLIBC: process.env.GLIBC }),
    }),
    cwd: join(peersFolder, id),
  }),
  ...more,
})

export const PEERS: readonly Contestant[] = [
  peer('mercurius', 'Mercurius 16, loaders, JIT'),
  peer('yoga-jit', 'graphql-yoga 5 with undici and graphql-jit'),
  peer('grafast', 'Grafast 1'),
  peer('tailcall', 'Tailcall 1.6 (Rust), no batching', {
    queries: ['list', 'nPlusOne'],
    ownEnums: true,
    note: 'joins a list only with its batching, which hands users each other’s data; answers enum values as Privicore spells them',
  }),
  peer('yoga-docs', 'graphql-yoga 5 by its docs'),
  peer('apollo', 'Apollo Server 5 + datasource-rest'),
  peer('hive', 'Hive Gateway 2 + Mesh OpenAPI'),
]

export const canAnswer = (contestant: Contestant, query: QueryName) => contestant.queries?.includes(query) ?? true

/**
 * Whether the peer is there, installing it where it may: it is no part of the project's own installation.
 * @returns why not; null when it is
 */
export function install(contestant: Contestant, mayInstall: boolean): string | null {
  if (contestant.kind !== 'peer') return null
  const folder = join(peersFolder, contestant.id)
  const wanted = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).dependencies as Record<string, string>
  const installed = Object.entries(wanted).every(([name, version]) => {
    const manifest = join(folder, 'node_modules', name, 'package.json')
    return existsSync(manifest) && JSON.parse(readFileSync(manifest, 'utf8')).version === version
  })
  if (installed) return null
  if (!mayInstall) return 'not installed: a run without --quick installs it'
  process.stderr.write(`installing ${contestant.title} …\n`)
  try {
    const npm = ['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts', '--loglevel=error']
    execFileSync('npm', npm, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
    return null
  } catch (error) {
    return `could not be installed: ${String((error as { stderr?: Buffer }).stderr ?? error).split('\n')[0]}`
  }
}

/** Up, and it answers the cheapest query. @throws Error with its last words */
export async function up(contestant: Contestant, stubUrl: string, core: string): Promise<Server> {
  const port = await freePort()
  const running = start(contestant.command(port, stubUrl), core)
  const server = { contestant, running, port, url: `http://127.0.0.1:${port}/graphql` }
  try {
    await ready(running, async () => (await ask(server, 'list', tokenOf(0))).status === 200)
  } catch (error) {
    await running.stop()
    throw error
  }
  return server
}

export async function ask(
  server: Pick<Server, 'url'>,
  query: QueryName,
  token: string,
): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(server.url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json',
      authorization: `Bearer ${token}`,
    },
    body: requestBody(query),
    signal: AbortSignal.timeout(10_000),
  })
  return { status: response.status, text: await response.text() }
}
