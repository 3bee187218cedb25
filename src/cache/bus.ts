// Telling the other instances, and being told: messages by channel, kept for nobody. Knows no channel and no message.
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { KEY_PREFIX, type RedisConnection } from './redis.ts'

export type Unsubscribe = () => void
export type OnMessage = (message: unknown) => void

/**
 * What is published reaches whoever has subscribed by then, on this instance always, on the others while Redis is up. So: subscribe,
 * then read the state, then follow; and read the state again after a reconnect. Messages are JSON; a listener checks their shape.
 */
export interface Bus {
  /** Whether messages of other instances arrive. */
  readonly up: boolean
  /** Never throws: a message that could not be sent is as lost as one that nobody heard. */
  publish(channel: string, message: unknown): Promise<void>
  /** Resolves when messages will arrive, or, where Redis is away or slow, after a bounded wait; never rejects. */
  subscribe(channel: string, onMessage: OnMessage): Promise<Unsubscribe>
  /** `listener` is called when messages may have been missed: read again what you follow. @returns stops it */
  onReconnect(listener: () => void): Unsubscribe
  close(): void
}

/** Those who listen on this instance. */
class Local {
  readonly channels = new Map<string, Set<OnMessage>>()
  readonly reconnected = new Set<() => void>()
  readonly #log: Logger

  constructor(log: Logger) {
    this.#log = log
  }

  deliver(channel: string, message: unknown): void {
    for (const listener of [...(this.channels.get(channel) ?? [])]) this.#call(() => listener(message))
  }

  tellReconnected(): void {
    for (const listener of [...this.reconnected]) this.#call(listener)
  }

  add(channel: string, listener: OnMessage): void {
    const listeners = this.channels.get(channel)
    if (listeners === undefined) this.channels.set(channel, new Set([listener]))
    else listeners.add(listener)
  }

  /** @returns whether it was the channel's last */
  remove(channel: string, listener: OnMessage): boolean {
    const listeners = this.channels.get(channel)
    if (!listeners?.delete(listener) || listeners.size > 0) return false
    this.channels.delete(channel)
    return true
  }

  onReconnect(listener: () => void): Unsubscribe {
    this.reconnected.add(listener)
    return () => this.reconnected.delete(listener)
  }

  clear(): void {
    this.channels.clear()
    this.reconnected.clear()
  }

  /** One listener's bug must not keep the message from the next, nor end the process. */
  #call(listener: () => void): void {
    try {
      listener()
    } catch (error) {
      this.#log.error({ err: error }, 'a listener of the bus failed')
    }
  }
}

/** For a single instance. */
export class LocalBus implements Bus {
  readonly up = true
  readonly #local: Local

  constructor(log: Logger) {
    this.#local = new Local(log)
  }

  async publish(channel: string, message: unknown): Promise<void> {
    this.#local.deliver(channel, message)
  }

  async subscribe(channel: string, onMessage: OnMessage): Promise<Unsubscribe> {
    // The same function may listen twice.
    const listener: OnMessage = (message) => onMessage(message)
    this.#local.add(channel, listener)
    return () => void this.#local.remove(channel, listener)
  }

  onReconnect(listener: () => void): Unsubscribe {
    return this.#local.onReconnect(listener)
  }

  close(): void {
    this.#local.clear()
  }
}

const PREFIX = `${KEY_PREFIX}bus:`
/** How long a subscriber waits for Redis to confirm before it goes on with what this instance knows. */
const SUBSCRIBE_WAIT_MS = 500
const RECONNECT_MS = { first: 50, most: 1_000 }
/** Nothing that is published is near this size. */
const MAX_MESSAGE_LENGTH = 64 * 1024
/** A subscriber hears nothing when all is well; a dead host sends no reset. So it asks now and then. */
const HEARTBEAT_MS = 5_000

/** For a fleet. Listeners of this instance are served at once; what comes back from Redis is only what others have published. */
export class RedisBus implements Bus {
  readonly #redis: RedisConnection
  readonly #log: Logger
  readonly #local: Local
  readonly #self: string
  /** The connection that is subscribed, or about to be. */
  #subscriber: Redis | null = null
  /** Channels that Redis has confirmed on this connection. */
  #confirmed = new Set<string>()
  readonly #confirming = new Map<string, Promise<void>>()
  #retry: NodeJS.Timeout | undefined
  #heartbeat: NodeJS.Timeout | undefined
  #failures = 0
  #closed = false
  #up = false

  /** @param self tells this instance's messages from the others' */
  constructor(redis: RedisConnection, self: string, log: Logger) {
    this.#redis = redis
    this.#self = self
    this.#log = log
    this.#local = new Local(log)
    this.#connect()
  }

  get up(): boolean {
    return this.#up
  }

  async publish(channel: string, message: unknown): Promise<void> {
    this.#local.deliver(channel, message)
    const envelope = JSON.stringify({ from: this.#self, message })
    await this.#redis.use((client) => client.publish(PREFIX + channel, envelope)).catch(() => undefined)
  }

  async subscribe(channel: string, onMessage: OnMessage): Promise<Unsubscribe> {
    const listener: OnMessage = (message) => onMessage(message)
    this.#local.add(channel, listener)
    if (!this.#confirmed.has(channel)) await this.#confirm(channel)
    return () => {
      if (this.#local.remove(channel, listener)) this.#leave(channel)
    }
  }

  onReconnect(listener: () => void): Unsubscribe {
    return this.#local.onReconnect(listener)
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#retry)
    clearInterval(this.#heartbeat)
    this.#local.clear()
    this.#subscriber?.disconnect()
    this.#subscriber = null
  }

  #connect(): void {
    const subscriber = this.#redis.subscriber()
    this.#subscriber = subscriber
    subscriber.on('error', () => undefined)
    subscriber.on('message', (channel: string, text: string) => this.#receive(channel, text))
    subscriber.once('end', () => this.#lost(subscriber))
    subscriber.connect().then(
      () => this.#resume(subscriber),
      () => subscriber.disconnect(),
    )
  }

  /** Takes every channel up again, and only then says that something may have been missed. */
  async #resume(subscriber: Redis): Promise<void> {
    try {
      const channels = [...this.#local.channels.keys()]
      if (channels.length > 0) await subscriber.subscribe(...channels.map((channel) => PREFIX + channel))
      if (this.#subscriber !== subscriber) return
      for (const channel of channels) this.#confirmed.add(channel)
      // Whoever came or left meanwhile.
      for (const channel of this.#local.channels.keys()) if (!this.#confirmed.has(channel)) void this.#confirm(channel)
      for (const channel of channels) if (!this.#local.channels.has(channel)) this.#leave(channel)
      this.#failures = 0
      clearInterval(this.#heartbeat)
      this.#heartbeat = setInterval(() => subscriber.ping().catch(() => subscriber.disconnect()), HEARTBEAT_MS).unref()
      this.#up = true
      this.#local.tellReconnected()
    } catch {
      subscriber.disconnect()
    }
  }

  #lost(subscriber: Redis): void {
    if (this.#subscriber !== subscriber || this.#closed) return
    subscriber.removeAllListeners()
    subscriber.on('error', () => undefined)
    this.#subscriber = null
    this.#up = false
    this.#confirmed = new Set()
    this.#confirming.clear()
    clearInterval(this.#heartbeat)
    const pause = Math.min(RECONNECT_MS.most, RECONNECT_MS.first * 2 ** Math.min(this.#failures++, 10))
    this.#retry = setTimeout(() => this.#connect(), pause * (0.75 + Math.random() / 2))
  }

  /** Subscribes at Redis; waits for its word, but not for long. */
  #confirm(channel: string): Promise<void> {
    const under = this.#confirming.get(channel)
    if (under !== undefined) return under
    const subscriber = this.#subscriber
    // While it is away, #resume subscribes to everything that is listened to and tells the listeners to read again.
    if (subscriber === null || subscriber.status !== 'ready') return Promise.resolve()
    const confirming = bounded(
      subscriber.subscribe(PREFIX + channel).then(
        () => {
          if (this.#subscriber !== subscriber) return
          this.#confirming.delete(channel)
          this.#confirmed.add(channel)
          // The last listener left before Redis had answered.
          if (!this.#local.channels.has(channel)) this.#leave(channel)
        },
        // A connection that cannot subscribe is of no use: the next one subscribes to everything and tells the listeners.
        () => subscriber.disconnect(),
      ),
      SUBSCRIBE_WAIT_MS,
    )
    this.#confirming.set(channel, confirming)
    return confirming
  }

  #leave(channel: string): void {
    if (!this.#confirmed.delete(channel)) return
    const subscriber = this.#subscriber
    subscriber?.unsubscribe(PREFIX + channel).catch(() => subscriber.disconnect())
  }

  #receive(name: string, text: string): void {
    const channel = name.slice(PREFIX.length)
    const envelope = text.length > MAX_MESSAGE_LENGTH ? null : parse(text)
    if (envelope === null) {
      // Never with its content: it may be anything.
      this.#log.warn('a message on the bus was not understood')
      return
    }
    if (envelope.from !== this.#self) this.#local.deliver(channel, envelope.message)
  }
}

function parse(text: string): { from: string; message: unknown } | null {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null) return null
    const { from, message } = value as { from?: unknown; message?: unknown }
    return typeof from === 'string' ? { from, message } : null
  } catch {
    return null
  }
}

/** Resolves with the promise, or after `ms`. */
function bounded(promise: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms)
    const done = () => {
      clearTimeout(timer)
      resolve()
    }
    promise.then(done, done)
  })
}
