// Knows how to talk to a sandbox as plainly as curl does. Must not know the gateway: the two are tested apart.
import { setTimeout as pause } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/sandbox.ts'

export interface Reply {
  status: number
  // An answer is whatever the dialect makes of it; each test says what it expects
  body: any
  text: string
  headers: Headers
  /** The command id in the header. */
  id: string
}

/** A sandbox of its own for the test that asks, and alice's client. */
export async function start(options: SandboxOptions = {}) {
  const sandbox = await startSandbox({ commandLatencyMs: 2, ...options })
  onTestFinished(() => sandbox.close())
  return { sandbox, ...client(sandbox, sandbox.tokens.alice), bob: client(sandbox, sandbox.tokens.bob) }
}

export function client(sandbox: Sandbox, token: string | null) {
  const send = async (path: string, init: RequestInit): Promise<Reply> => {
    const headers = new Headers(init.headers)
    if (token !== null) headers.set('X-DPT-AUTHORIZATION', token)
    const response = await fetch(sandbox.url + path, { ...init, headers })
    const text = await response.text()
    const id = response.headers.get('x-dpt-cab-id') ?? ''
    return { status: response.status, text, body: parse(text), headers: response.headers, id }
  }
  const form = (path: string, fields: Record<string, string> | string[][] = {}, headers: HeadersInit = {}) =>
    send(path, { method: 'POST', headers, body: new URLSearchParams(fields) })
  return {
    send,
    form,
    get: (path: string, headers: HeadersInit = {}) => send(path, { headers }),
    json: (path: string, body: unknown) =>
      send(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }),
    /** The outcome of an accepted command: "succeeded", or the reason of its rejection. */
    outcome: async (accepted: Reply | Promise<Reply>) => settled(sandbox, (await accepted).id),
  }
}

export async function settled(sandbox: Sandbox, commandId: string): Promise<string> {
  const command = sandbox.state.commands.get(commandId)
  if (!command) throw new Error(`not accepted: ${commandId}`)
  for (let tries = 0; tries < 500; tries++) {
    if (command.settledAt !== null) return command.reason ?? 'succeeded'
    await pause(2)
  }
  throw new Error(`still pending: ${command.endpoint}`)
}

export const basic = (credentials: string) => ({ Authorization: `Basic ${credentials}` })

export const base64 = (text: string) => Buffer.from(text).toString('base64')

/** The identifier of a seeded device, by the end of its name. */
export function deviceNamed(sandbox: Sandbox, name: string, profile = 'alice'): string {
  const devices = [...sandbox.state.profile(profile).devices.values()]
  const found = devices.find((device) => device.name.endsWith(name))
  if (!found) throw new Error(`no device ${name}`)
  return found.deviceIdentifier
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
