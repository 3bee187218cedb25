// Everything that takes time, put together: commands, push, subscriptions, sessions. Knows how they hang together, and no request.
import type { Logger } from 'pino'
import type { Bus } from '../cache/bus.ts'
import type { RedisConnection } from '../cache/redis.ts'
import type { Seal } from '../cache/seal.ts'
import type { Metrics } from '../metrics.ts'
import type { Privicore } from '../privicore/client.ts'
import { profile } from '../privicore/profile.ts'
import { Push, type PushHold } from '../privicore/push.ts'
import type { PushMessage } from '../privicore/push-message.ts'
import { StatusPoller } from '../privicore/utility.ts'
import type { CommandRecord } from './command.ts'
import { Commands } from './commands.ts'
import { Deliveries } from './deliveries.ts'
import { Feeds } from './feeds.ts'
import { FleetStore } from './fleet-store.ts'
import { Observer } from './observer.ts'
import { type Session, Sessions } from './sessions.ts'
import { LocalStore } from './store.ts'

export interface FollowingOptions {
  readonly privicore: Privicore
  readonly bus: Bus
  /** null for one instance. `self` tells it from the others. */
  readonly fleet: { readonly redis: RedisConnection; readonly seal: Seal; readonly self: string } | null
  /** PRIVICORE_WS_URL; undefined: polling only. */
  readonly pushUrl: string | undefined
  /** Whether PRIVICORE_DOWNSTREAM_URL is set. */
  readonly knowsDownstream: boolean
  readonly pollMinMs: number
  readonly pollMaxMs: number
  readonly watchMaxMs: number
  readonly pollsPerSecond: number
  /** Whether outcomes are needed where nobody waits. */
  readonly watchUnattended: boolean
  /** Done before anybody hears of an outcome. Called once or more for each. */
  readonly beforeTold?: (command: CommandRecord) => Promise<void>
  readonly log: Logger
  readonly metrics: Metrics
}

/** How long a command waits for its push channel: a handshake and a join. Where it takes longer, polling will do. */
const JOIN_WAIT_MS = 1_000

export class Following {
  readonly commands: Commands
  readonly sessions: Sessions
  readonly feeds: Feeds
  readonly observer: Observer
  readonly deliveries: Deliveries
  readonly #push: Push | null
  readonly #watchMaxMs: number
  readonly #log: Logger

  constructor(options: FollowingOptions) {
    const { privicore, bus, fleet, pushUrl, log, metrics } = options
    this.#log = log
    this.#watchMaxMs = options.watchMaxMs
    this.sessions = new Sessions({
      bus,
      expiryOf: (token) => privicore.read(profile.tokenExpiry, {}, { token }),
    })
    this.feeds = new Feeds(this.sessions, metrics.subscriptions)
    this.observer = new Observer(options)
    this.deliveries = new Deliveries({ bus, shared: fleet, knowsDownstream: options.knowsDownstream })
    const push =
      pushUrl === undefined
        ? null
        : new Push({
            url: pushUrl,
            onMessage: (owner, message) => this.#pushed(owner, message),
            onCount: (channels) => metrics.pushChannels.set(channels),
            onJoined: (owner) => this.commands.pollNow(owner),
            onLost: (owner) => this.commands.pollNow(owner),
            onRefused: (owner, status) => {
              log.warn({ status }, 'the push channel refused a token: its commands are polled')
              if (status === 401) this.sessions.ended(owner)
            },
          })
    this.#push = push
    const poller = new StatusPoller(privicore)
    this.commands = new Commands({
      ...options,
      store: fleet === null ? new LocalStore() : new FleetStore(fleet.redis, fleet.self, log),
      shared: fleet !== null,
      poller,
      pushed: (owner) => owner !== null && (push?.isJoined(owner) ?? false),
      observe: ({ polled, settled }) => {
        if (polled !== undefined) metrics.commandPolls.inc({ result: polled })
        if (settled !== undefined) metrics.commandsSettled.inc({ by: settled })
        metrics.commandsWatched.set(this.commands.watched)
      },
    })
    this.commands.onSettled(({ operation, status, owner }) => {
      if (operation === profile.revoke.id && status === 'SUCCEEDED' && owner !== null) this.sessions.ended(owner)
    })
  }

  /** Whether anything is pushed at all. */
  get hasPush(): boolean {
    return this.#push !== null
  }

  /** Keeps the caller's push channel open until released; null where none is configured. */
  listen({ digest, token }: Session): PushHold | null {
    return this.#push?.hold(digest, token) ?? null
  }

  /** The same, and waits a moment for it to be joined: what is pushed before is not repeated. */
  async listenFirst(session: Session, timeoutMs: number): Promise<PushHold | null> {
    const hold = this.listen(session)
    await hold?.joined(Math.min(JOIN_WAIT_MS, timeoutMs))
    return hold
  }

  /** Data was asked for: its channel stays open until it arrives, so that whoever comes for it later finds it. */
  expectData(session: Session, requestId: string): void {
    const hold = this.listen(session)
    if (hold === null) return
    const done = () => {
      clearTimeout(timer)
      stop()
      hold.release()
    }
    const timer = setTimeout(done, this.#watchMaxMs).unref()
    const stop = this.deliveries.wait(session.digest, requestId, done)
  }

  /** Ends every subscription cleanly. */
  drain(): void {
    this.feeds.drain()
  }

  close(): void {
    this.feeds.drain()
    this.commands.close()
    this.observer.close()
    this.deliveries.close()
    this.sessions.close()
    this.#push?.close()
  }

  #pushed(owner: string, message: PushMessage): void {
    if (message.kind !== 'command') {
      this.deliveries.arrived(owner, message)
      return
    }
    this.commands.pushed(message.commandId, message.report).catch((error: unknown) => {
      this.#log.error({ err: error }, 'a pushed outcome could not be taken in')
    })
  }
}
