// The push channel (privicore.md §12): one socket per token in use, joined again after every cut. Knows what messages mean, not who waits.
import { randomUUID } from 'node:crypto'
import { WebSocket } from 'ws'
import { type JoinAnswer, type PushMessage, parseFrame, toJoinAnswer, toPushMessage } from './push-message.ts'
import type { Secret } from './secret.ts'

export interface PushOptions {
  /** PRIVICORE_WS_URL. */
  readonly url: string
  readonly onMessage: (key: string, message: PushMessage) => void
  /** The channel was joined (again): what was pushed before is not repeated. */
  readonly onJoined: (key: string) => void
  /** Nothing is pushed until the channel is joined again. */
  readonly onLost: (key: string) => void
  /** How many channels there are now. */
  readonly onCount?: (channels: number) => void
  /** Privicore refused the token. */
  readonly onRefused: (key: string, status: number) => void
}

/** From the handshake to the join's answer; beyond it the server is as good as away. */
const CONNECT_TIMEOUT_MS = 5_000
/** A socket that nobody uses is closed after this: the next command of the same caller often comes soon. */
const IDLE_MS = 30_000
const RECONNECT_MS = { first: 250, most: 15_000 }
/** After a refusal: asking again soon would change nothing. */
const REFUSED_PAUSE_MS = 60_000
/** Idle sockets are dropped by what stands between; and a dead peer sends no close. */
const PING_MS = 20_000
/** An inline payload comes in one frame. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024

/** Whoever holds a channel keeps it open; released once. */
export interface PushHold {
  /** Resolves when joined (true), or when it will not be for now (false): at once where the last attempt failed. */
  joined(timeoutMs: number): Promise<boolean>
  release(): void
}

export class Push {
  readonly #options: PushOptions
  readonly #channels = new Map<string, Channel>()

  constructor(options: PushOptions) {
    this.#options = options
  }

  /** Keeps the channel of this token open until released. @param key stands for the token, in messages and here */
  hold(key: string, token: Secret): PushHold {
    let channel = this.#channels.get(key)
    if (channel === undefined) {
      channel = new Channel(key, token, this.#options, () => {
        this.#channels.delete(key)
        this.#options.onCount?.(this.#channels.size)
      })
      this.#channels.set(key, channel)
      this.#options.onCount?.(this.#channels.size)
    }
    return channel.hold()
  }

  isJoined(key: string): boolean {
    return this.#channels.get(key)?.isJoined ?? false
  }

  close(): void {
    for (const channel of [...this.#channels.values()]) channel.close()
  }
}

class Channel {
  readonly #key: string
  readonly #token: Secret
  readonly #options: PushOptions
  readonly #closed: () => void
  readonly #waiting = new Set<() => void>()
  #holds = 0
  #socket: WebSocket | null = null
  #channelId: string | null = null
  #joined = false
  #failures = 0
  /** The last join was answered, with a no. */
  #refused = false
  #over = false
  #connectTimer: NodeJS.Timeout | undefined
  #retryTimer: NodeJS.Timeout | undefined
  #idleTimer: NodeJS.Timeout | undefined
  #pingTimer: NodeJS.Timeout | undefined

  constructor(key: string, token: Secret, options: PushOptions, closed: () => void) {
    this.#key = key
    this.#token = token
    this.#options = options
    this.#closed = closed
    this.#connect()
  }

  get isJoined(): boolean {
    return this.#joined
  }

  hold(): PushHold {
    this.#holds++
    clearTimeout(this.#idleTimer)
    let held = true
    return {
      joined: (timeoutMs) => this.#whenJoined(timeoutMs),
      release: () => {
        if (!held) return
        held = false
        if (--this.#holds === 0 && !this.#over) this.#idleTimer = setTimeout(() => this.close(), IDLE_MS)
      },
    }
  }

  close(): void {
    if (this.#over) return
    this.#over = true
    for (const timer of [this.#connectTimer, this.#retryTimer, this.#idleTimer]) clearTimeout(timer)
    clearInterval(this.#pingTimer)
    const socket = this.#socket
    if (socket !== null) {
      if (this.#joined && this.#channelId !== null) this.#send('leaveChannel', { channelId: this.#channelId })
      socket.close()
      // A peer that does not close in return must not keep the process.
      setTimeout(() => socket.terminate(), 1_000).unref()
    }
    this.#joined = false
    this.#wake()
    this.#closed()
  }

  #whenJoined(timeoutMs: number): Promise<boolean> {
    if (this.#joined || this.#over || this.#failures > 0) return Promise.resolve(this.#joined)
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        this.#waiting.delete(done)
        resolve(this.#joined)
      }
      const timer = setTimeout(done, timeoutMs)
      this.#waiting.add(done)
    })
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done()
  }

  #connect(): void {
    const socket = new WebSocket(this.#options.url, {
      handshakeTimeout: CONNECT_TIMEOUT_MS,
      maxPayload: MAX_FRAME_BYTES,
      perMessageDeflate: false,
    })
    const correlationId = randomUUID()
    this.#socket = socket
    this.#connectTimer = setTimeout(() => socket.terminate(), CONNECT_TIMEOUT_MS)
    // Follows in a close event.
    socket.on('error', () => undefined)
    socket.on('open', () => this.#send('joinChannel', {}, correlationId))
    socket.on('message', (frame) => this.#receive(String(frame), correlationId))
    socket.on('close', () => this.#lost(socket))
  }

  #send(action: string, data: object, correlationId: string = randomUUID()): void {
    if (this.#socket?.readyState !== WebSocket.OPEN) return
    this.#socket.send(
      JSON.stringify({
        action,
        correlationId,
        data: { authorizationToken: this.#token.reveal(), ...data, correlationId },
      }),
    )
  }

  #receive(frame: string, correlationId: string): void {
    const message = parseFrame(frame)
    if (message === null) return
    if (!this.#joined) {
      const answer = toJoinAnswer(message, correlationId)
      if (answer !== null) this.#answered(answer)
    }
    const pushed = toPushMessage(message)
    if (pushed !== null) this.#options.onMessage(this.#key, pushed)
  }

  #answered({ status, channelId }: JoinAnswer): void {
    if (status < 200 || status > 299) {
      this.#refused = true
      this.#socket?.terminate()
      this.#options.onRefused(this.#key, status)
      return
    }
    clearTimeout(this.#connectTimer)
    this.#channelId = channelId
    this.#joined = true
    this.#failures = 0
    this.#keepAlive()
    this.#wake()
    this.#options.onJoined(this.#key)
  }

  #keepAlive(): void {
    const socket = this.#socket
    let answered = true
    socket?.on('pong', () => {
      answered = true
    })
    this.#pingTimer = setInterval(() => {
      if (!answered) return socket?.terminate()
      answered = false
      socket?.ping()
    }, PING_MS)
  }

  #lost(socket: WebSocket): void {
    if (this.#socket !== socket) return
    this.#socket = null
    clearTimeout(this.#connectTimer)
    clearInterval(this.#pingTimer)
    if (this.#over) return
    const wasJoined = this.#joined
    this.#joined = false
    // Whoever asks meanwhile is told at once that there is no push.
    this.#failures++
    this.#wake()
    if (wasJoined) this.#options.onLost(this.#key)
    const pause = this.#refused
      ? REFUSED_PAUSE_MS
      : Math.min(RECONNECT_MS.most, RECONNECT_MS.first * 2 ** Math.min(this.#failures - 1, 10))
    this.#refused = false
    // Every instance and every caller was cut at the same moment: they must not all come back at once.
    this.#retryTimer = setTimeout(() => this.#connect(), pause * (0.5 + Math.random() / 2))
  }
}
