// The sockets to one origin: as few as its answers need, more while requests wait for one and the processor does not. Knows no
// request; undici's clients of one socket each do the rest.
import { type EventLoopUtilization, performance } from 'node:perf_hooks'
import { Client, type Dispatcher } from 'undici'

/** Shorter than the 5 s that PHP and Node servers keep an idle connection, so that a command rarely meets a closing one. */
const KEEP_ALIVE_MS = 4_000
/** As many as keep a server busy that answers at once: more of them only cost both sides. */
const FEW = 64
/** How long some must always have waited before more sockets are opened: a burst passes by itself. */
const PATIENCE_MS = 50
/** Share of that time that this process worked: above it, more sockets would only wait for the processor. */
const BUSY = 0.8
/** Where no more than this share of the sockets is in use, half of them will do. */
const IDLE = 0.25
/** Turns that are over are cleared away when there are so many. */
const CLEARED = 1_000

/** What needs a socket for a while. Whoever was started gives it back with `free`, once. */
export interface Errand {
  /** It was given up while it waited. */
  readonly isOver: boolean
  start(socket: Dispatcher): void
  /** It will never be started. */
  refuse(reason: Error): void
}

export class Sockets {
  readonly #make: () => Client
  readonly #most: number
  readonly #all: Client[] = []
  /** Used last, used next: those that are not needed stay idle, and close. */
  readonly #free: Client[] = []
  #limit: number
  /** Null once its turn has come: what it leads to may go. */
  #waiting: (Errand | null)[] = []
  /** The first in `waiting` whose turn has not come. */
  #next = 0
  /** Runs while some are waiting. */
  #patience: NodeJS.Timeout | undefined
  #closed = false

  /** @param most sockets that are open at once; further errands wait */
  constructor(url: URL, most: number, connectTimeoutMs: number) {
    this.#most = most
    this.#limit = Math.min(FEW, most)
    this.#make = () =>
      new Client(url.origin, {
        pipelining: 1,
        // One request at a time; and HTTP/2 goes on reading memory that release.ts would have given back.
        allowH2: false,
        keepAliveTimeout: KEEP_ALIVE_MS,
        // Each exchange has a clock of its own that covers all of it.
        headersTimeout: 0,
        bodyTimeout: 0,
        connect: { timeout: connectTimeoutMs },
      })
  }

  /** Starts it now, or when its turn comes; refuses it once all is closed. */
  take(errand: Errand): void {
    if (this.#closed) {
      errand.refuse(closed())
      return
    }
    if (this.#inUse < this.#limit) {
      errand.start(this.#one())
      return
    }
    this.#waiting.push(errand)
    if (this.#patience === undefined) this.#watch()
  }

  /** The socket is done with what it was taken for. */
  free(socket: Dispatcher): void {
    this.#free.push(socket as Client)
    // Not from within undici, which tells of a failed socket before it has put it in order.
    if (!this.#isQuiet) queueMicrotask(() => this.#startWaiting())
    if (this.#inUse <= this.#limit * IDLE) this.#limit = Math.max(Math.min(FEW, this.#most), this.#limit / 2)
  }

  /** Ends every connection; what is under way fails, and so does what waits. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#patience)
    const waiting = this.#waiting
    this.#waiting = []
    this.#next = 0
    for (const errand of waiting) errand?.refuse(closed())
    await Promise.all(this.#all.map((client) => client.destroy()))
  }

  get #inUse(): number {
    return this.#all.length - this.#free.length
  }

  get #isQuiet(): boolean {
    return this.#next === this.#waiting.length
  }

  #one(): Client {
    const free = this.#free.pop()
    if (free !== undefined) return free
    const made = this.#make()
    this.#all.push(made)
    return made
  }

  #startWaiting(): void {
    while (!this.#isQuiet && this.#inUse < this.#limit) {
      const errand = this.#waiting[this.#next] as Errand
      this.#waiting[this.#next++] = null
      if (!errand.isOver) errand.start(this.#one())
    }
    if (this.#isQuiet || this.#next >= CLEARED) {
      this.#waiting.splice(0, this.#next)
      this.#next = 0
    }
    if (this.#isQuiet) {
      clearTimeout(this.#patience)
      this.#patience = undefined
    }
  }

  #watch(): void {
    const worked = performance.eventLoopUtilization()
    this.#patience = setTimeout(() => this.#grow(worked), PATIENCE_MS)
    this.#patience.unref()
  }

  /** More sockets, if it is the server that is waited for. */
  #grow(worked: EventLoopUtilization): void {
    this.#patience = undefined
    if (performance.eventLoopUtilization(worked).utilization < BUSY) {
      this.#limit = Math.min(this.#most, this.#limit * 2)
      this.#startWaiting()
    }
    if (!this.#isQuiet) this.#watch()
  }
}

function closed(): Error {
  return new Error('the connections to this origin have been closed')
}
