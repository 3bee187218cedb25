// Knows how requested data reaches its profile: inline on the push channel, or as a link to the downstream host (section 12).
import type { DataToken, Profile } from './state.ts'
import { isPaddedBase64 } from './validation.ts'
import type { World } from './world.ts'

/** Larger payloads are always a link, whatever the dialect says: a frame is no place for them. */
const MAX_INLINE_BYTES = 1024 * 1024

export function dispatch(world: World, profile: Profile, { stored, context }: DataToken, requestId: string): void {
  const { dialect, push } = world
  if (!stored) return
  const send = (message: Record<string, unknown>) => push.send(profile.profileId, message)
  const announce = { type: 'X-DPT-CAB-REQUEST-ID', id: requestId, data_context: context }

  const bytes = stored.size <= MAX_INLINE_BYTES ? world.blobs.bytes(stored) : null
  if (dialect.outputType === '0' && bytes) {
    send({ ...announce, output_type: 0, body: inline(bytes, dialect.inlineBody) })
    return
  }
  const auth = world.offer(stored)
  const url = `${world.downstreamUrl()}/?auth=${auth}`
  send({ ...announce, output_type: 1, body: dialect.downloadBody === 'url' ? url : auth })
  if (dialect.streamReady === 'none') return
  const link = dialect.streamReadyUrl === 'present' ? { streamUrl: url } : {}
  send({ type: 'STREAM-READY', [dialect.streamReady]: requestId, ...link })
}

/** Text only where nobody can take it for base64, and where it is text at all. */
function inline(bytes: Buffer, shape: 'base64' | 'text'): string {
  const text = bytes.toString()
  const isText = Buffer.from(text).equals(bytes) && !isPaddedBase64(text)
  return shape === 'text' && isText ? text : bytes.toString('base64')
}
