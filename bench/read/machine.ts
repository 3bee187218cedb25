// Processes of the benchmark: on which core they run, what they cost, when they answer. Knows no contestant.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** Linux counts a process's time in ticks of this length. */
const TICKS_PER_SECOND = 100
/** Seconds that a core has worked for anybody, time stolen by the hypervisor included. */
export function busySeconds(core: string): number {
  const line = readFileSync('/proc/stat', 'utf8')
    .split('\n')
    .find((each) => each.startsWith(`cpu${core} `))
  const [user, nice, system, , , irq, softirq, steal] = (line ?? '').split(' ').slice(1).map(Number)
  return (
    [user, nice, system, irq, softirq, steal].reduce((sum: number, ticks) => sum + (ticks ?? 0), 0) / TICKS_PER_SECOND
  )
}

const STARTED_WITHIN_MS = 60_000
const ENDED_WITHIN_MS = 20_000

export const cores = availableParallelism()
const hasTaskset = succeeds('taskset', ['--version'])
export const pinned = hasTaskset && cores >= 2

/** One core for the server under test, the others for all that must not disturb it. */
export const CORE = {
  server: '0',
  stub: '1',
  load: cores > 2 ? '2' : '1',
  all: `0-${cores - 1}`,
  /** Two servers' cores, where there are four: the stub and the load keep theirs. */
  second: '0,3',
}

const CGROUPS = ['/sys/fs/cgroup/cpu', '/sys/fs/cgroup']
const CPU_PERIOD_US = 100_000
let groups = 0

/**
 * A control group of Linux, of either version: what is in it may take so much of a core, and no more.
 * @returns its folder; null where we may not make one
 */
export function cpuGroup(shareOfCore: number): string | null {
  const parent = CGROUPS.find((folder) => existsSync(folder))
  if (parent === undefined) return null
  const group = join(parent, `privicore-bench-${process.pid}-${groups++}`)
  const quota = Math.round(CPU_PERIOD_US * shareOfCore)
  try {
    mkdirSync(group)
    if (existsSync(join(group, 'cpu.max'))) writeFileSync(join(group, 'cpu.max'), `${quota} ${CPU_PERIOD_US}`)
    else {
      writeFileSync(join(group, 'cpu.cfs_period_us'), String(CPU_PERIOD_US))
      writeFileSync(join(group, 'cpu.cfs_quota_us'), String(quota))
    }
    return group
  } catch {
    if (existsSync(group)) rmdirSync(group)
    return null
  }
}

/** Linux lets a group go a moment after the last process in it has ended. @throws when one has not */
export async function removeGroup(group: string): Promise<void> {
  for (let left = 100; readFileSync(join(group, 'cgroup.procs'), 'utf8') !== '' && left > 0; left--) await sleep(20)
  rmdirSync(group)
}

export function succeeds(program: string, args: readonly string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** The bench itself, and the load generator that it starts, stay off the server's core. */
export function pinSelf(): void {
  if (pinned) execFileSync('taskset', ['-acp', CORE.load, String(process.pid)], { stdio: 'ignore' })
}

export interface Command {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
}

export class Running {
  readonly child: ChildProcess
  readonly log: string
  readonly #ended: Promise<unknown>

  constructor(child: ChildProcess, log: string) {
    this.child = child
    this.log = log
    this.#ended = once(child, 'exit')
  }

  get ended(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null
  }

  get pid(): number {
    if (this.child.pid === undefined) throw new Error('the process could not be started')
    return this.child.pid
  }

  /** Seconds of CPU, user and system, of the process and those it started, all threads. */
  cpuSeconds(): number {
    let ticks = 0
    for (const pid of family(this.pid)) {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      ticks += Number(fields[11]) + Number(fields[12])
    }
    return ticks / TICKS_PER_SECOND
  }

  /** MiB of memory in use. */
  rssMib(): number {
    let kib = 0
    for (const pid of family(this.pid)) {
      kib += Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)
    }
    return kib / 1024
  }

  /** Asks it and those it started to end, then makes them. */
  async stop(): Promise<void> {
    if (this.ended) return
    signal(this.pid, 'SIGTERM')
    const late = setTimeout(() => signal(this.pid, 'SIGKILL'), ENDED_WITHIN_MS)
    await this.#ended
    clearTimeout(late)
  }

  printed(): string {
    return readFileSync(this.log, 'utf8')
  }

  lastWords(): string {
    return this.printed().trim().split('\n').slice(-5).join('\n')
  }
}

/** A process and its children, e.g. the workers of a cluster. */
function family(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
  return [pid, ...children.flatMap(family)]
}

/** The whole group: `npm start` stands between the bench and the server. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(-pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

let logs = 0

/** Starts a process in a group of its own, on the named cores; what it prints goes to a file, as on a server. */
export function start(command: Command, core: string): Running {
  const log = join(tmpdir(), `privicore-bench-${process.pid}-${logs++}.log`)
  const file = openSync(log, 'w+')
  const [program, args] = pinned
    ? ['taskset', ['-c', core, command.program, ...command.args]]
    : [command.program, command.args]
  const child = spawn(program, args as string[], {
    cwd: command.cwd,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...command.env },
    stdio: ['ignore', file, file],
    detached: true,
  })
  closeSync(file)
  return new Running(child, log)
}

/** Waits until `probe` says true. @throws when the process ends, or takes too long */
export async function ready(running: Running, probe: () => Promise<boolean>, pauseMs = 20): Promise<void> {
  const until = performance.now() + STARTED_WITHIN_MS
  while (performance.now() < until) {
    if (running.ended) throw new Error(`it ended: ${running.lastWords()}`)
    if (await probe().catch(() => false)) return
    await sleep(pauseMs)
  }
  throw new Error(`it did not answer in time: ${running.lastWords()}`)
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}
