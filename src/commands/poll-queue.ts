// When which poll is due, and how many at once: one timer for all, a bound, and no caller before another. Knows no command.

export interface PollQueueOptions {
  /** The most that run at once. */
  readonly concurrency: number
  /** The most that begin per second. */
  readonly perSecond: number
}

interface Entry {
  readonly id: string
  /** Whose it is: lanes take turns, so that one caller's thousand polls do not stand before another's one. */
  readonly lane: string
  readonly due: number
  readonly run: () => Promise<unknown>
  /** Taken out, or replaced by a later entry. */
  gone: boolean
}

/** A timer set for just before is not worth another: it would find nothing due. */
const TIMER_SLACK_MS = 1

export class PollQueue {
  readonly #options: PollQueueOptions
  readonly #entries = new Map<string, Entry>()
  /** Ordered by time; entries that are gone are passed over. */
  readonly #waiting = new Heap<Entry>((a, b) => a.due - b.due)
  /** Due now, by lane; lanes in the order of their turn. */
  readonly #due = new Map<string, Entry[]>()
  #running = 0
  #allowance: number
  #allowedAt = performance.now()
  #notBefore = 0
  #timer: NodeJS.Timeout | undefined
  #timerAt = Number.POSITIVE_INFINITY
  #closed = false

  constructor(options: PollQueueOptions) {
    this.#options = options
    this.#allowance = this.#burst
  }

  /** Runs `run` in `inMs` or, when others are before it, later. Takes the place of an earlier entry of that id. */
  add(id: string, lane: string, inMs: number, run: () => Promise<unknown>): void {
    this.remove(id)
    if (this.#closed) return
    const entry: Entry = { id, lane, due: performance.now() + Math.max(0, inMs), run, gone: false }
    this.#entries.set(id, entry)
    this.#waiting.push(entry)
    this.#pump()
  }

  remove(id: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    entry.gone = true
    this.#entries.delete(id)
    if (this.#entries.size === 0) this.#clear()
  }

  /** Nothing runs for a while: Privicore said so. */
  pause(ms: number): void {
    this.#notBefore = Math.max(this.#notBefore, performance.now() + ms)
  }

  /** How many are waiting for their time or their turn. */
  get size(): number {
    return this.#entries.size
  }

  close(): void {
    this.#closed = true
    this.#entries.clear()
    this.#clear()
  }

  #clear(): void {
    this.#waiting.clear()
    this.#due.clear()
    clearTimeout(this.#timer)
    this.#timerAt = Number.POSITIVE_INFINITY
  }

  /** A tenth of a second's worth may begin together. */
  get #burst(): number {
    return Math.max(1, this.#options.perSecond / 10)
  }

  #pump(): void {
    const now = performance.now()
    this.#collect(now)
    this.#allowance = Math.min(
      this.#burst,
      this.#allowance + ((now - this.#allowedAt) / 1_000) * this.#options.perSecond,
    )
    this.#allowedAt = now
    let next =
      this.#entries.size === 0 ? Number.POSITIVE_INFINITY : (this.#waiting.peek()?.due ?? Number.POSITIVE_INFINITY)
    while (this.#due.size > 0 && this.#running < this.#options.concurrency) {
      if (now < this.#notBefore) {
        next = Math.min(next, this.#notBefore)
        break
      }
      if (this.#allowance < 1) {
        next = Math.min(next, now + ((1 - this.#allowance) / this.#options.perSecond) * 1_000)
        break
      }
      const entry = this.#take()
      if (entry === null) break
      this.#allowance -= 1
      this.#start(entry)
    }
    this.#wake(next, now)
  }

  #collect(now: number): void {
    for (let entry = this.#waiting.peek(); entry !== undefined; entry = this.#waiting.peek()) {
      if (!entry.gone && entry.due > now) return
      this.#waiting.pop()
      if (entry.gone) continue
      const lane = this.#due.get(entry.lane)
      if (lane === undefined) this.#due.set(entry.lane, [entry])
      else lane.push(entry)
    }
  }

  /** The next of the lane whose turn it is; the lane goes to the end. */
  #take(): Entry | null {
    for (const [lane, entries] of this.#due) {
      this.#due.delete(lane)
      let entry = entries.shift()
      while (entry?.gone) entry = entries.shift()
      if (entry === undefined) continue
      if (entries.length > 0) this.#due.set(lane, entries)
      return entry
    }
    return null
  }

  #start(entry: Entry): void {
    this.#entries.delete(entry.id)
    this.#running++
    const done = () => {
      this.#running--
      if (!this.#closed) this.#pump()
    }
    entry.run().then(done, done)
  }

  #wake(at: number, now: number): void {
    if (at === this.#timerAt || (this.#timerAt > now && Math.abs(at - this.#timerAt) < TIMER_SLACK_MS)) return
    clearTimeout(this.#timer)
    this.#timerAt = at
    if (at === Number.POSITIVE_INFINITY) return
    // Never early: a timer counts in whole milliseconds.
    this.#timer = setTimeout(
      () => {
        this.#timerAt = Number.POSITIVE_INFINITY
        this.#pump()
      },
      Math.max(0, Math.ceil(at - now)),
    )
  }
}

/** A binary heap: the least first. */
class Heap<T> {
  readonly #items: T[] = []
  readonly #compare: (a: T, b: T) => number

  constructor(compare: (a: T, b: T) => number) {
    this.#compare = compare
  }

  peek(): T | undefined {
    return this.#items[0]
  }

  push(item: T): void {
    const items = this.#items
    let index = items.length
    items.push(item)
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (this.#compare(items[parent] as T, item) <= 0) break
      items[index] = items[parent] as T
      index = parent
    }
    items[index] = item
  }

  pop(): T | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (items.length === 0 || last === undefined) return first
    let index = 0
    for (;;) {
      let child = 2 * index + 1
      if (child >= items.length) break
      if (child + 1 < items.length && this.#compare(items[child + 1] as T, items[child] as T) < 0) child++
      if (this.#compare(last, items[child] as T) <= 0) break
      items[index] = items[child] as T
      index = child
    }
    items[index] = last
    return first
  }

  clear(): void {
    this.#items.length = 0
  }
}
