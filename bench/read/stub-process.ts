// The stub as the bench holds it: started, steered, asked what it has counted.
import { join } from 'node:path'
import { CORE, freePort, type Running, ready, start } from './machine.ts'

export interface Counted {
  readonly calls: number
  /** Calls that it had no answer for: there must be none. */
  readonly unanswered: number
}

export class Stub {
  readonly url: string
  readonly running: Running

  private constructor(url: string, running: Running) {
    this.url = url
    this.running = running
  }

  static async start(core: string = CORE.stub): Promise<Stub> {
    const port = await freePort()
    const running = start(
      { program: process.execPath, args: [join(import.meta.dirname, 'stub.ts')], env: { PORT: String(port) } },
      core,
    )
    const stub = new Stub(`http://127.0.0.1:${port}`, running)
    await ready(running, async () => (await stub.counted()) !== null)
    return stub
  }

  /** What was asked since the last time. */
  async counted(): Promise<Counted> {
    return this.#steer('')
  }

  async set(to: { readonly delayMs?: number; readonly personal?: boolean }): Promise<void> {
    const query = new URLSearchParams()
    if (to.delayMs !== undefined) query.set('delay', String(to.delayMs))
    if (to.personal !== undefined) query.set('personal', to.personal ? '1' : '0')
    await this.#steer(query.toString())
  }

  stop(): Promise<void> {
    return this.running.stop()
  }

  async #steer(query: string): Promise<Counted> {
    const response = await fetch(`${this.url}/stub/?${query}`)
    return (await response.json()) as Counted
  }
}
