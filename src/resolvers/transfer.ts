// Large payloads: links for uploads, and data that arrives later. Knows what must be configured for it.
import type { Delivery } from '../commands/deliveries.ts'
import type { Context } from '../context.ts'
import type { TemporaryDataToken } from '../privicore/data-token.ts'
import { PrivicoreError } from '../privicore/errors.ts'

/** Data that was asked for and has arrived. */
export interface RequestedData {
  readonly requestId: string
  readonly context: string | null
  /** Ciphertext; null where it is streamed. */
  readonly inline: Buffer | null
  /** A link on the gateway; null where the data is inline. */
  readonly downloadUrl: URL | null
}

/** A short-lived, single-use link on the gateway for an upload; null where Privicore opened no stream. */
export async function mintUploadUrl(_: Context, temporary: TemporaryDataToken): Promise<URL | null> {
  if (temporary.stream === null) return null
  throw new PrivicoreError('UPSTREAM_UNAVAILABLE', 'dataToken.upstream: no route for uploads', {
    publicMessage: 'This gateway offers no uploads.',
  })
}

/** Waits until the data of a request (by its id) arrives; null when the operation's time runs out first. */
export async function awaitRequestedData(ctx: Context, requestId: string): Promise<RequestedData | null> {
  if (!ctx.hasPush) throw noPush()
  const delivery = await ctx.awaitData(requestId)
  return delivery && toRequestedData(ctx, delivery)
}

/** Data that has arrived, as clients get it: what is streamed gets a link on the gateway. */
export async function toRequestedData(_: Context, delivery: Delivery): Promise<RequestedData> {
  const { requestId, context, inline } = delivery
  if (inline !== null) return { requestId, context, inline, downloadUrl: null }
  throw new PrivicoreError('UPSTREAM_UNAVAILABLE', 'dataToken.download: no route for downloads', {
    publicMessage: 'This gateway offers no downloads.',
  })
}

export function noPush(): PrivicoreError {
  return new PrivicoreError('UPSTREAM_UNAVAILABLE', 'dataToken.request: no push channel to bring the data', {
    publicMessage:
      'The data was asked for, but this gateway has no push channel to receive it by: its operators must set PRIVICORE_WS_URL.',
  })
}
