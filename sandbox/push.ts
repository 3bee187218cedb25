// Knows the WebSocket of privicore.md section 12: channels, and the messages that go to them.
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { type Command, PENDING } from './commands.ts'
import type { Dialect } from './dialect.ts'
import { uuid } from './ids.ts'
import type { State } from './state.ts'
import { isObject } from './validation.ts'

/** What a test may switch while the sandbox runs. */
export interface PushControls {
  /** False: the handshake is refused. */
  enabled: boolean
  /** Cuts every connection, without a closing frame. */
  dropAll(): void
  /** Open connections. */
  readonly sockets: number
  /** Connections that have joined a channel. */
  readonly channels: number
  refuseJoins: boolean
  /** Outcomes of commands are not pushed. */
  loseAcks: boolean
  /** A command settles, and is pushed, before its 202 is sent. */
  ackBefore202: boolean
  duplicateAcks: boolean
}

interface Channel {
  channelId: string
  token: string
}

interface Reply {
  status: number
  text: string
  channelId?: string
}

/** How often status 1 is repeated, where the dialect says so. */
const PROGRESS_MESSAGES = 2

export class Push {
  readonly controls: PushControls
  readonly #server = new WebSocketServer({ noServer: true })
  readonly #channels = new Map<WebSocket, Channel>()
  readonly #state: State
  readonly #dialect: Dialect

  constructor(state: State, dialect: Dialect) {
    this.#state = state
    this.#dialect = dialect
    const { clients } = this.#server
    const channels = this.#channels
    this.controls = {
      enabled: true,
      dropAll: () => {
        for (const socket of clients) socket.terminate()
      },
      get sockets() {
        return clients.size
      },
      get channels() {
        return channels.size
      },
      refuseJoins: false,
      loseAcks: false,
      ackBefore202: false,
      duplicateAcks: false,
    }
  }

  attach(server: Server): void {
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      if (!this.controls.enabled) {
        socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
        return
      }
      this.#server.handleUpgrade(request, socket, head, (client) => this.#welcome(client))
    })
  }

  close(): void {
    this.controls.dropAll()
    this.#server.close()
  }

  progress(command: Command): void {
    if (this.#dialect.pushProgress !== 'repeated') return
    for (let count = 0; count < PROGRESS_MESSAGES; count++) this.#outcome(command)
  }

  settled(command: Command): void {
    this.#outcome(command)
    if (this.controls.duplicateAcks) this.#outcome(command)
  }

  /** To every channel of the profile. */
  send(profileId: string, data: Record<string, unknown>): void {
    for (const [socket, { token }] of this.#channels) {
      if (this.#state.session(token)?.profileId === profileId) socket.send(JSON.stringify({ data }))
    }
  }

  #outcome({ id, status, reason, profile }: Command): void {
    if (!profile || this.controls.loseAcks) return
    const body = status === PENDING ? 'started' : (reason ?? 'succeeded')
    this.send(profile.profileId, { type: 'X-DPT-CAB-ID', id, command_status: status, body })
  }

  #welcome(socket: WebSocket): void {
    socket.on('message', (frame) => this.#receive(socket, String(frame)))
    socket.on('close', () => this.#channels.delete(socket))
    socket.on('error', () => socket.terminate())
  }

  #receive(socket: WebSocket, frame: string): void {
    const message = parse(frame)
    const data = isObject(message.data) ? message.data : {}
    const { status, text, channelId } = this.#act(socket, message.action, data)
    const correlationId = message.correlationId ?? data.correlationId ?? null
    socket.send(JSON.stringify({ correlationId, status, data: { channelId, message: text } }))
  }

  #act(socket: WebSocket, action: unknown, data: Record<string, unknown>): Reply {
    const token = String(data.authorizationToken ?? '')
    if (action !== 'joinChannel' && action !== 'leaveChannel') return { status: 400, text: 'unknown action' }
    if (!this.#state.session(token)) return { status: 401, text: 'invalid token' }

    const channel = this.#channels.get(socket)
    if (action === 'leaveChannel') {
      if (!channel || channel.channelId !== data.channelId) return { status: 404, text: 'channel not found' }
      this.#channels.delete(socket)
      return { status: 200, text: 'left', channelId: channel.channelId }
    }
    if (this.controls.refuseJoins) return { status: 403, text: 'forbidden' }
    if (channel) return { status: 409, text: 'one channel per connection' }
    const channelId = uuid()
    this.#channels.set(socket, { channelId, token })
    return { status: 200, text: 'joined', channelId }
  }
}

function parse(frame: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(frame)
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}
