// A load generator of our own, on bare sockets: for warming up, and for everything where there is no wrk.
import { connect, type Socket } from 'node:net'

export interface Asked {
  /** Milliseconds from sending to the last byte. */
  readonly ms: number
  readonly ok: boolean
}

const END_OF_HEAD = Buffer.from('\r\n\r\n')
const END_OF_CHUNKS = Buffer.from('\r\n0\r\n\r\n')

/** One connection, one request at a time. */
export class Connection {
  readonly #socket: Socket
  #received: Buffer[] = []
  #size = 0
  /** Bytes of the whole answer; 0 until the head has come, Infinity for chunks. */
  #expected = 0
  #ok = false
  #sentAt = 0
  #done: ((asked: Asked) => void) | null = null

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.setNoDelay(true)
    this.#socket.on('data', (chunk) => this.#onData(chunk))
    this.#socket.on('error', () => this.#finish(false))
    this.#socket.on('close', () => this.#finish(false))
  }

  ask(request: Buffer, done: (asked: Asked) => void): void {
    this.#received = []
    this.#size = 0
    this.#expected = 0
    this.#done = done
    this.#sentAt = performance.now()
    if (this.#socket.destroyed) this.#finish(false)
    else this.#socket.write(request)
  }

  close(): void {
    this.#done = null
    this.#socket.destroy()
  }

  #onData(chunk: Buffer): void {
    this.#received.push(chunk)
    this.#size += chunk.length
    if (this.#expected === 0) {
      const known = this.#whole()
      const end = known.indexOf(END_OF_HEAD)
      if (end === -1) return
      const head = known.toString('latin1', 0, end).toLowerCase()
      this.#ok = head.startsWith('http/1.1 200')
      const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1]
      this.#expected = length === undefined ? Number.POSITIVE_INFINITY : end + END_OF_HEAD.length + Number(length)
    }
    if (this.#size < this.#expected) {
      if (Number.isFinite(this.#expected)) return
      const whole = this.#whole()
      if (!whole.subarray(-END_OF_CHUNKS.length).equals(END_OF_CHUNKS)) return
    }
    this.#finish(this.#ok)
  }

  #whole(): Buffer {
    if (this.#received.length > 1) this.#received = [Buffer.concat(this.#received)]
    return this.#received[0] as Buffer
  }

  #finish(ok: boolean): void {
    const done = this.#done
    this.#done = null
    done?.({ ms: performance.now() - this.#sentAt, ok })
  }
}

export function httpRequest(port: number, token: string, body: string): Buffer {
  return Buffer.from(
    `POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\naccept: application/graphql-response+json\r\nauthorization: Bearer ${token}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
}

export interface Load {
  readonly port: number
  readonly requests: (turn: number) => Buffer
  readonly seconds: number
}

/** Ends with time or with so many requests. */
export type BoundedLoad = Omit<Load, 'seconds'> & ({ readonly seconds: number } | { readonly most: number })

/** Sends each request when the one before it on its connection has been answered. */
export async function closedLoop(
  load: BoundedLoad,
  connections: number,
): Promise<{ latencies: number[]; failed: number }> {
  const latencies: number[] = []
  let failed = 0
  let turn = 0
  const until = 'seconds' in load ? performance.now() + load.seconds * 1_000 : Number.POSITIVE_INFINITY
  const most = 'most' in load ? load.most : Number.POSITIVE_INFINITY
  await Promise.all(
    Array.from({ length: connections }, () => {
      let connection = new Connection(load.port)
      return new Promise<void>((finish) => {
        const next = () =>
          connection.ask(load.requests(turn++), ({ ms, ok }) => {
            if (ok) latencies.push(ms)
            else {
              failed++
              connection.close()
              connection = new Connection(load.port)
            }
            if (performance.now() < until && turn < most) setImmediate(next)
            else {
              connection.close()
              finish()
            }
          })
        next()
      })
    }),
  )
  return { latencies, failed }
}

const TICK_MS = 1
/** So many answers outstanding mean that the server cannot keep up: more would only measure the queue. */
const MOST_CONNECTIONS = 1_000

/** Sends so many requests a second, whether or not the earlier ones have been answered. */
export async function openLoop(load: Load, perSecond: number): Promise<{ latencies: number[]; failed: number }> {
  const latencies: number[] = []
  let failed = 0
  let sent = 0
  let open = 0
  const idle: Connection[] = []
  const startedAt = performance.now()
  await new Promise<void>((finish) => {
    const timer = setInterval(() => {
      const elapsed = performance.now() - startedAt
      const due = Math.floor((Math.min(elapsed, load.seconds * 1_000) / 1_000) * perSecond)
      for (; sent < due; sent++) {
        let connection = idle.pop()
        if (connection === undefined) {
          if (open >= MOST_CONNECTIONS) {
            failed++
            continue
          }
          connection = new Connection(load.port)
        }
        const used = connection
        open++
        used.ask(load.requests(sent), ({ ms, ok }) => {
          open--
          if (ok) {
            latencies.push(ms)
            idle.push(used)
          } else failed++
        })
      }
      if (elapsed > load.seconds * 1_000 && (open === 0 || elapsed > load.seconds * 1_000 + 5_000)) {
        clearInterval(timer)
        finish()
      }
    }, TICK_MS)
  })
  for (const connection of idle) connection.close()
  return { latencies, failed: failed + open }
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

export const median = (values: readonly number[]) => percentile(values, 0.5)
