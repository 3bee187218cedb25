// What a frame of the push channel says, in every form of privicore.md §12. Knows no socket.
import { type Fields, integer, isFields, named, text } from './decode.ts'
import { Secret } from './secret.ts'
import { type CommandReport, reportOf } from './utility.ts'

/** Something that Privicore has pushed. */
export type PushMessage =
  | { readonly kind: 'command'; readonly commandId: string; readonly report: CommandReport }
  | { readonly kind: 'data'; readonly requestId: string; readonly data: PushedData }
  /** The bytes can be fetched now; `stream` where the message names the link. */
  | { readonly kind: 'stream-ready'; readonly requestId: string; readonly stream: Secret | null }

export interface PushedData {
  readonly context: string | null
  /** Ciphertext; null where it is streamed. */
  readonly inline: Buffer | null
  /** A full URL, or a bare auth token for the downstream host; null where the data is inline. */
  readonly stream: Secret | null
}

export interface JoinAnswer {
  readonly status: number
  readonly channelId: string | null
}

const typeOf = named('type')
const idOf = named('id', 'commandId')
const requestIdOf = named('requestId', 'id')
const contextOf = named('dataContext', 'context')
const outputTypeOf = named('outputType')
const streamUrlOf = named('streamUrl', 'url')
const correlationIdOf = named('correlationId')
const channelIdOf = named('channelId')

/** null for what is not a JSON object: a channel carries nothing else. */
export function parseFrame(frame: string): Fields | null {
  try {
    const value: unknown = JSON.parse(frame)
    return isFields(value) ? value : null
  } catch {
    return null
  }
}

/** null where the frame answers something else. */
export function toJoinAnswer(message: Fields, correlationId: string): JoinAnswer | null {
  const data = isFields(message.data) ? message.data : {}
  if ((correlationIdOf(message) ?? correlationIdOf(data)) !== correlationId) return null
  const status = integer(message.status) ?? integer(data.status)
  const channelId = text(channelIdOf(data))
  // A channel is an answer, whatever else it leaves out.
  return status === null && channelId === null ? null : { status: status ?? 200, channelId }
}

/** null for what the gateway has no use for. */
export function toPushMessage(message: Fields): PushMessage | null {
  const data = isFields(message.data) ? message.data : message
  switch (text(typeOf(data))?.toUpperCase().replaceAll('_', '-')) {
    case 'X-DPT-CAB-ID': {
      const commandId = text(idOf(data))
      const report = reportOf(data)
      return commandId === null || report === null ? null : { kind: 'command', commandId, report }
    }
    case 'X-DPT-CAB-REQUEST-ID': {
      const requestId = text(requestIdOf(data))
      const pushed = toPushedData(data)
      return requestId === null || pushed === null ? null : { kind: 'data', requestId, data: pushed }
    }
    case 'STREAM-READY': {
      const requestId = text(requestIdOf(data))
      return requestId === null ? null : { kind: 'stream-ready', requestId, stream: secret(streamUrlOf(data)) }
    }
    default:
      return null
  }
}

function toPushedData(data: Fields): PushedData | null {
  const context = text(contextOf(data))
  const { body } = data
  if (typeof body !== 'string') return null
  const outputType = integer(outputTypeOf(data)) ?? (isLink(body) ? 1 : 0)
  if (outputType === 1) return body === '' ? null : { context, inline: null, stream: new Secret(body) }
  return { context, inline: toBytes(body), stream: null }
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Base64, or text: what is not valid padded base64 is taken as UTF-8. */
function toBytes(body: string): Buffer {
  return BASE64.test(body) ? Buffer.from(body, 'base64') : Buffer.from(body, 'utf8')
}

function isLink(body: string): boolean {
  return /^https?:\/\//i.test(body) && URL.canParse(body)
}

function secret(value: unknown): Secret | null {
  const found = text(value)
  return found === null ? null : new Secret(found)
}
