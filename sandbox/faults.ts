// Knows which requests go wrong, and how: faults ordered by a test for an endpoint.

export type Fault =
  /** Handles the request at once, answers later. */
  | { kind: 'latency'; ms: number }
  /** Handles the request at once, answers when the promise is settled. */
  | { kind: 'wait'; until: Promise<unknown> }
  /** Answers this without handling the request. */
  | { kind: 'status'; status: number; body?: string; headers?: Record<string, string> }
  /** Reads the request, neither handles nor answers it. */
  | { kind: 'hang' }
  /** Resets the connection after having read the request, before handling it. */
  | { kind: 'reset-before' }
  /** Handles the request (state changes), then resets before answering. */
  | { kind: 'reset-after' }
  /** Handles the request, sends half of the answer's body, then resets. */
  | { kind: 'reset-mid-body' }
  /** Handles the request, answers its status and headers with JSON that stops short. */
  | { kind: 'malformed-json' }
  /** Answers like a proxy in front of a dead server. */
  | { kind: 'html-502' }
  /** Does not handle the request; answers 200 with one JSON string of that size. */
  | { kind: 'huge-body'; bytes: number }

interface Order {
  endpoint: string
  fault: Fault
  left: number
}

export class Faults {
  #orders: Order[] = []

  add(endpoint: string, fault: Fault, times: number): void {
    this.#orders.push({ endpoint, fault, left: times })
  }

  clear(): void {
    this.#orders = []
  }

  /** What this request meets: every delay ordered for it, and the first other fault. Each is used up by one. */
  take(endpoint: string | null): { delays: (() => Promise<unknown>)[]; fault: Fault | null } {
    const delays: (() => Promise<unknown>)[] = []
    let fault: Fault | null = null
    for (const order of this.#orders) {
      if (order.left <= 0 || (order.endpoint !== '*' && order.endpoint !== endpoint)) continue
      const ordered = order.fault
      if (ordered.kind === 'latency') delays.push(() => pause(ordered.ms))
      else if (ordered.kind === 'wait') delays.push(() => ordered.until.catch(() => undefined))
      else if (fault === null) fault = ordered
      else continue
      order.left -= 1
    }
    this.#orders = this.#orders.filter((order) => order.left > 0)
    return { delays, fault }
  }
}

/** Does not keep the process alive: a sandbox that is closed has ended its connections already. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
}
