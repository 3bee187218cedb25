// Data that callers have asked for and that was pushed: kept for a while for whoever comes for it, on any instance. Opens no link.
import { createHash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Bus } from '../cache/bus.ts'
import { KEY_PREFIX, type RedisConnection } from '../cache/redis.ts'
import type { Seal } from '../cache/seal.ts'
import type { PushMessage } from '../privicore/push-message.ts'
import { Secret } from '../privicore/secret.ts'

const CHANNEL = 'deliveries'
/** Links of Privicore last for minutes; ciphertext should not lie about for longer. */
const KEPT_MS = 600_000
/** Inline payloads are small; all of one instance together may take this much memory. */
const MOST_BYTES = 64 * 1024 * 1024
/** Beside the payload. */
const ENTRY_BYTES = 300
/** Larger ones are for the subscribers of this instance only: Redis is no place for them. */
const MOST_SHARED_BYTES = 2 * 1024 * 1024
/** Where only a bare token came and nobody has configured its host: STREAM-READY may still bring the whole link. */
const LINK_WAIT_MS = 5_000

export interface Delivery {
  readonly requestId: string
  readonly context: string | null
  /** Ciphertext; null where it is streamed. */
  readonly inline: Buffer | null
  /** A full URL, or a bare auth token for the download host; null where the data is inline. */
  readonly stream: Secret | null
}

export interface DeliveriesOptions {
  readonly bus: Bus
  /** Where other instances can read; null where there are none. Values go there sealed. */
  readonly shared: { readonly redis: RedisConnection; readonly seal: Seal } | null
  /** Whether a bare auth token is enough to make a link (PRIVICORE_DOWNSTREAM_URL). */
  readonly knowsDownstream: boolean
}

type Listener = (delivery: Delivery) => void

export class Deliveries {
  readonly #options: DeliveriesOptions
  readonly #kept = new LRUCache<string, Delivery>({
    maxSize: MOST_BYTES,
    sizeCalculation: ({ inline }) => ENTRY_BYTES + (inline?.length ?? 0),
    ttl: KEPT_MS,
  })
  /** Bare tokens that wait for their link. */
  readonly #incomplete = new Map<string, { readonly delivery: Delivery; readonly timer: NodeJS.Timeout }>()
  readonly #listeners = new Map<string, Set<Listener>>()
  readonly #stops: (() => void)[] = []

  constructor(options: DeliveriesOptions) {
    this.#options = options
    void options.bus.subscribe(CHANNEL, (message) => void this.#hear(message)).then((stop) => this.#stops.push(stop))
    this.#stops.push(options.bus.onReconnect(() => void this.#readAll()))
  }

  /** @param owner digest of the token on whose channel it came */
  arrived(owner: string, message: Exclude<PushMessage, { kind: 'command' }>): void {
    const { requestId } = message
    const key = keyOf(owner, requestId)
    const waiting = this.#incomplete.get(key)
    const known = waiting?.delivery ?? this.#kept.get(key)
    if (message.kind === 'stream-ready') {
      if (message.stream === null || known?.inline) return
      this.#complete(owner, { requestId, context: known?.context ?? null, inline: null, stream: message.stream })
      return
    }
    const delivery: Delivery = { requestId, ...message.data }
    if (delivery.stream === null || this.#options.knowsDownstream || URL.canParse(delivery.stream.reveal())) {
      this.#complete(owner, delivery)
      return
    }
    if (known?.stream) {
      this.#complete(owner, { ...delivery, stream: known.stream })
      return
    }
    clearTimeout(waiting?.timer)
    const timer = setTimeout(() => this.#complete(owner, delivery), LINK_WAIT_MS)
    this.#incomplete.set(key, { delivery, timer })
  }

  /** Data that did not have to be waited for: it came with the answer. */
  keep(owner: string, delivery: Delivery): void {
    this.#complete(owner, delivery)
  }

  /** What has arrived already, here or elsewhere; null while nothing has. */
  async find(owner: string, requestId: string): Promise<Delivery | null> {
    return this.#kept.get(keyOf(owner, requestId)) ?? (await this.#read(owner, requestId))
  }

  /** Calls `listener` once, with what has arrived already or when it does. @returns stops it */
  wait(owner: string, requestId: string, listener: Listener): () => void {
    const key = keyOf(owner, requestId)
    let listeners = this.#listeners.get(key)
    if (listeners === undefined) {
      listeners = new Set()
      this.#listeners.set(key, listeners)
    }
    const all = listeners
    const stop = () => {
      all.delete(once)
      if (all.size === 0 && this.#listeners.get(key) === all) this.#listeners.delete(key)
    }
    const once: Listener = (delivery) => {
      if (!all.has(once)) return
      stop()
      listener(delivery)
    }
    all.add(once)
    // First listen, then look: nothing is lost in between.
    void this.find(owner, requestId).then((found) => found !== null && once(found))
    return stop
  }

  close(): void {
    for (const stop of this.#stops) stop()
    for (const { timer } of this.#incomplete.values()) clearTimeout(timer)
    this.#incomplete.clear()
    this.#listeners.clear()
    this.#kept.clear()
  }

  #complete(owner: string, delivery: Delivery): void {
    const key = keyOf(owner, delivery.requestId)
    clearTimeout(this.#incomplete.get(key)?.timer)
    this.#incomplete.delete(key)
    this.#kept.set(key, delivery)
    this.#tell(key, delivery)
    void this.#share(owner, delivery)
  }

  #tell(key: string, delivery: Delivery): void {
    for (const listener of [...(this.#listeners.get(key) ?? [])]) listener(delivery)
  }

  async #share(owner: string, delivery: Delivery): Promise<void> {
    const { shared, bus } = this.#options
    if (shared === null || (delivery.inline?.length ?? 0) > MOST_SHARED_BYTES) return
    const key = keyOf(owner, delivery.requestId)
    const text = JSON.stringify({
      context: delivery.context,
      inline: delivery.inline?.toString('base64') ?? null,
      stream: delivery.stream?.reveal() ?? null,
    })
    const sealed = shared.seal.close(text, scopeOf(owner), key)
    try {
      await shared.redis.use((client) => client.set(placeOf(key), sealed, 'PX', KEPT_MS))
    } catch {
      // Redis is away or full: the subscribers of this instance have it, and there is no one else to tell.
      return
    }
    await bus.publish(CHANNEL, { owner, requestId: delivery.requestId })
  }

  async #read(owner: string, requestId: string): Promise<Delivery | null> {
    const { shared } = this.#options
    if (shared === null) return null
    const key = keyOf(owner, requestId)
    try {
      const sealed = await shared.redis.use((client) => client.getBuffer(placeOf(key)))
      const text = sealed && shared.seal.open(sealed, scopeOf(owner), key)
      if (text === null) return null
      const { context, inline, stream } = JSON.parse(text) as Record<'context' | 'inline' | 'stream', string | null>
      return {
        requestId,
        context,
        inline: inline === null ? null : Buffer.from(inline, 'base64'),
        stream: stream === null ? null : new Secret(stream),
      }
    } catch {
      // Redis is away: what arrives here is all there is.
      return null
    }
  }

  async #hear(message: unknown): Promise<void> {
    if (typeof message !== 'object' || message === null) return
    const { owner, requestId } = message as { owner?: unknown; requestId?: unknown }
    if (typeof owner !== 'string' || typeof requestId !== 'string') return
    await this.#readFor(owner, requestId)
  }

  async #readAll(): Promise<void> {
    for (const key of [...this.#listeners.keys()]) {
      const [owner = '', requestId = ''] = JSON.parse(key) as string[]
      await this.#readFor(owner, requestId)
    }
  }

  async #readFor(owner: string, requestId: string): Promise<void> {
    const key = keyOf(owner, requestId)
    if (!this.#listeners.has(key)) return
    const delivery = this.#kept.get(key) ?? (await this.#read(owner, requestId))
    if (delivery !== null) this.#tell(key, delivery)
  }
}

const keyOf = (owner: string, requestId: string) => JSON.stringify([owner, requestId])
const scopeOf = (owner: string) => `delivery ${owner}`
const placeOf = (key: string) => `${KEY_PREFIX}delivery:${createHash('sha256').update(key).digest('base64url')}`
