// The connection to Redis: one node, Sentinel or a cluster. Knows whether Redis answers, and nothing of what is kept there.
import { createHash } from 'node:crypto'
import { Cluster, type ClusterOptions, Redis, type RedisOptions } from 'ioredis'
import type { Logger } from 'pino'
import type { Gauge } from 'prom-client'
import type { Secret } from '../privicore/secret.ts'

/** The most that one command may take: Redis answers in under a millisecond, and nothing here is worth waiting longer for. */
const COMMAND_TIMEOUT_MS = 100
/** Between two questions whether Redis is back: soon enough that nobody notices, seldom enough to cost nothing. */
const PROBE_MS = 250
/** After so many probes without an answer the socket itself is doubted (a dead host sends no reset): a new one is made. */
const PROBES_PER_SOCKET = 20
const RECONNECT_MS = { first: 50, most: 1_000 }
/** A dead peer is found by the kernel, too. */
const KEEP_ALIVE_MS = 10_000

/**
 * Begins every key and channel: other software may share the Redis. The version is raised when instances before and after would
 * misread each other, because what is kept has another form, or callers have other digests: then they share nothing.
 */
export const KEY_PREFIX = 'privicore:v2:'

/** Redis is away: the caller goes on without it. */
export class RedisAway extends Error {
  constructor(cause?: unknown) {
    super('Redis is away', cause === undefined ? undefined : { cause })
    this.name = 'RedisAway'
  }
}

/** A Lua script. Every key that it touches is named, and in a cluster they share a hash tag. */
export interface Script {
  readonly lua: string
  readonly sha: string
}

export function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') }
}

export interface RedisDependencies {
  readonly log: Logger
  /** 1 while Redis answers, 0 while this instance goes on without it. */
  readonly upGauge?: Gauge
}

/**
 * Connects in the background; never throws and never ends the process. Until Redis answers, and whenever it is away, `use`
 * rejects at once.
 * @param urls one node; the nodes of a cluster; or, where the first has `?sentinel=<master name>`, the Sentinels
 */
export function connectRedis(urls: readonly Secret[], dependencies: RedisDependencies): RedisConnection {
  return new RedisConnection(
    urls.map((url) => new URL(url.reveal())),
    dependencies,
  )
}

export type RedisClient = Redis | Cluster

export class RedisConnection {
  readonly #urls: readonly URL[]
  readonly #client: RedisClient
  readonly #log: Logger
  readonly #gauge: Gauge | undefined
  readonly #upListeners = new Set<() => void>()
  readonly #downListeners = new Set<() => void>()
  /** `doubted`: one command went unanswered, and a probe is on its way to tell a slow moment from an outage. */
  #state: 'starting' | 'up' | 'doubted' | 'down' | 'closed' = 'starting'
  #probe: NodeJS.Timeout | undefined
  #nextNode = 0

  constructor(urls: readonly URL[], { log, upGauge }: RedisDependencies) {
    this.#urls = urls
    this.#log = log
    this.#gauge = upGauge
    this.#gauge?.set(0)
    this.#client = this.isCluster ? new Cluster(urls.map(nodeOf), clusterOptions(urls)) : new Redis(this.#options())
    // Without a listener an error would end the process. What went wrong shows in the state.
    this.#client.on('error', (error: Error) => this.#lost(error))
    this.#client.on('ready', () => this.#look())
    this.#client.on('close', () => this.#lost(new Error('the connection was closed')))
  }

  /** Whether commands are worth sending. */
  get up(): boolean {
    return this.#state === 'up'
  }

  /**
   * Sends commands. Errors of Redis itself (out of memory, a script's) pass through; silence and broken connections make
   * Redis away for everybody until it answers again, so that an outage costs one timeout, not one per call.
   * @throws RedisAway at once while Redis is away
   */
  async use<T>(work: (client: RedisClient) => Promise<T>): Promise<T> {
    if (this.#state !== 'up') throw new RedisAway()
    try {
      return await work(this.#client)
    } catch (error) {
      if (isReply(error)) throw error
      this.#doubt()
      throw new RedisAway(error)
    }
  }

  /** Runs a script by its digest, sending the text only where Redis does not have it. @throws as `use` */
  run(code: Script, keys: readonly string[], args: readonly (string | number | Buffer)[]): Promise<unknown> {
    return this.use(async (client) => {
      try {
        return await client.evalsha(code.sha, keys.length, ...keys, ...args)
      } catch (error) {
        if (!isReply(error) || !error.message.startsWith('NOSCRIPT')) throw error
        return client.eval(code.lua, keys.length, ...keys, ...args)
      }
    })
  }

  /** A connection of its own for subscribing, not connected yet; whoever asked for it owns it. PUBLISH reaches every node. */
  subscriber(): Redis {
    const options: RedisOptions = {
      lazyConnect: true,
      // Whoever subscribes reconnects, since it has to subscribe again and tell those who listen.
      retryStrategy: () => null,
      autoResubscribe: false,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      connectTimeout: 2_000,
      commandTimeout: 2_000,
      keepAlive: KEEP_ALIVE_MS,
    }
    if (!this.isCluster) return new Redis({ ...this.#options(), ...options })
    const node = this.#urls[this.#nextNode++ % this.#urls.length] as URL
    return new Redis({ ...nodeOf(node), ...accessOf(node), ...options })
  }

  /** `listener` is called each time Redis has come (back). @returns stops it */
  onUp(listener: () => void): () => void {
    this.#upListeners.add(listener)
    return () => this.#upListeners.delete(listener)
  }

  /** `listener` is called each time Redis has gone. @returns stops it */
  onDown(listener: () => void): () => void {
    this.#downListeners.add(listener)
    return () => this.#downListeners.delete(listener)
  }

  /** Whether Redis is up within `timeoutMs`: for a start that does not want to begin alone. */
  ready(timeoutMs: number): Promise<boolean> {
    if (this.up) return Promise.resolve(true)
    return new Promise((resolve) => {
      const done = (up: boolean) => {
        clearTimeout(timer)
        stop()
        resolve(up)
      }
      const stop = this.onUp(() => done(true))
      const timer = setTimeout(() => done(false), timeoutMs)
    })
  }

  close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    clearTimeout(this.#probe)
    this.#upListeners.clear()
    this.#downListeners.clear()
    this.#client.disconnect()
  }

  /** Whether keys are spread over nodes. */
  get isCluster(): boolean {
    return this.#urls.length > 1 && sentinelOf(this.#urls) === null
  }

  #options(): RedisOptions {
    const url = this.#urls[0] as URL
    const master = sentinelOf(this.#urls)
    const place =
      master === null
        ? nodeOf(url)
        : {
            sentinels: this.#urls.map((sentinel) => ({ ...nodeOf(sentinel), port: portOf(sentinel, 26_379) })),
            name: master,
          }
    return { ...place, ...accessOf(url), ...COMMANDS, retryStrategy: reconnectAfter }
  }

  /** One command went unanswered. */
  #doubt(): void {
    if (this.#state !== 'up') return
    this.#state = 'doubted'
    this.#look()
  }

  #lost(error: Error): void {
    if (this.#state === 'closed' || this.#state === 'down') return
    // Cluster reports a single node's trouble like its own: only silence tells.
    if (this.#state === 'up' && this.#client.status === 'ready') this.#doubt()
    else this.#down(error)
  }

  #down(error: Error): void {
    if (this.#state === 'closed' || this.#state === 'down') return
    this.#state = 'down'
    this.#gauge?.set(0)
    // The message of a refused connection names an address; its code does not.
    const code = (error as NodeJS.ErrnoException).code ?? error.name
    this.#log.error({ code }, 'Redis is away: this instance goes on alone until it is back')
    for (const listener of [...this.#downListeners]) listener()
    this.#look(1)
  }

  /** Asks until Redis answers; the first question is at once. */
  #look(attempt = 0): void {
    clearTimeout(this.#probe)
    if (this.#state === 'closed' || this.#state === 'up') return
    if (attempt > 0) {
      this.#probe = setTimeout(() => this.#ask(attempt), PROBE_MS)
    } else this.#ask(attempt)
  }

  #ask(attempt: number): void {
    this.#client.ping().then(
      () => this.#back(),
      (error: Error) => {
        if (isReply(error)) {
          // It speaks, and refuses: nothing can be kept there (a wrong password, a replica without its master).
          this.#log.debug({ code: error.message.split(' ', 1)[0] }, 'Redis refuses to work')
        }
        this.#down(error)
        if (attempt > 0 && attempt % PROBES_PER_SOCKET === 0 && this.#client.status === 'ready')
          this.#client.disconnect(true)
        this.#look(attempt + 1)
      },
    )
  }

  #back(): void {
    if (this.#state === 'closed' || this.#state === 'up') return
    const doubted = this.#state === 'doubted'
    clearTimeout(this.#probe)
    this.#state = 'up'
    if (doubted) return
    this.#gauge?.set(1)
    this.#log.info('Redis answers')
    for (const listener of [...this.#upListeners]) listener()
  }
}

/** For every node: fail at once or within the timeout, and never keep a command for later. */
const COMMANDS: RedisOptions = {
  commandTimeout: COMMAND_TIMEOUT_MS,
  connectTimeout: 2_000,
  enableOfflineQueue: false,
  maxRetriesPerRequest: 1,
  autoResendUnfulfilledCommands: false,
  keepAlive: KEEP_ALIVE_MS,
  // After a failover the old master still answers, to refuse.
  reconnectOnError: (error) => error.message.startsWith('READONLY'),
}

function clusterOptions(urls: readonly URL[]): ClusterOptions {
  const first = urls[0] as URL
  return {
    enableOfflineQueue: false,
    clusterRetryStrategy: reconnectAfter,
    // Certificates name hosts, not the addresses behind them.
    ...(first.protocol === 'rediss:' && { dnsLookup: (address, callback) => callback(null, address) }),
    redisOptions: { ...COMMANDS, ...accessOf(first), db: 0 },
  }
}

function reconnectAfter(times: number): number {
  return Math.min(RECONNECT_MS.most, RECONNECT_MS.first * 2 ** Math.min(times, 10)) * (0.75 + Math.random() / 2)
}

function sentinelOf(urls: readonly URL[]): string | null {
  return urls[0]?.searchParams.get('sentinel') ?? null
}

function portOf(url: URL, fallback: number): number {
  return url.port === '' ? fallback : Number(url.port)
}

function nodeOf(url: URL): { host: string; port: number } {
  return { host: url.hostname.replace(/^\[(.*)\]$/, '$1') || '127.0.0.1', port: portOf(url, 6_379) }
}

function accessOf(url: URL): RedisOptions {
  const db = /^\/(\d+)$/.exec(url.pathname)?.[1]
  return {
    ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
    ...(url.password !== '' && { password: decodeURIComponent(url.password) }),
    ...(db !== undefined && { db: Number(db) }),
    ...(url.protocol === 'rediss:' && { tls: {} }),
  }
}

function isReply(error: unknown): error is Error {
  return error instanceof Error && error.name === 'ReplyError'
}
