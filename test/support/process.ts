// A real process of the gateway, started as its users start it, and ended with the test.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { onTestFinished } from 'vitest'

export interface GatewayProcess {
  readonly child: ChildProcess
  /** Everything it has printed. */
  readonly output: () => string
  /** Resolves with the address once it listens; rejects when it ends before. */
  readonly ready: Promise<string>
  /** Resolves with the exit code. */
  readonly exit: Promise<number | null>
}

const root = resolve(import.meta.dirname, '../..')

/** @param command default: the gateway itself, without npm */
export function startProcess(
  env: Record<string, string> = {},
  command: readonly string[] = [process.execPath, 'src/start.js'],
): GatewayProcess {
  const [program = '', ...args] = command
  const child = spawn(program, args, {
    cwd: root,
    // Nothing of the test's own environment decides how it behaves; a group of its own, so that all of it can be ended.
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: '0', HOST: '127.0.0.1', ...env } as NodeJS.ProcessEnv,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  })
  let printed = ''
  const exit = once(child, 'exit').then(([code]) => code as number | null)
  const ready = new Promise<string>((resolveReady, reject) => {
    const see = (chunk: Buffer) => {
      printed += chunk.toString()
      const url = /"url":"(http:\/\/localhost:\d+)\/graphql"/.exec(printed)?.[1]
      if (url !== undefined) resolveReady(url.replace('localhost', '127.0.0.1'))
    }
    child.stdout?.on('data', see)
    child.stderr?.on('data', see)
    exit.then((code) => reject(new Error(`it ended with ${code} before it listened:\n${printed}`)))
  })
  ready.catch(() => {})
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
    process.kill(-child.pid, 'SIGKILL')
    await exit
  })
  return { child, output: () => printed, ready, exit }
}
