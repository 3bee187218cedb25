// Large payloads: links for uploads and downloads, and data that arrives later. Knows what must be configured for it.
import type { Delivery } from '../commands/deliveries.ts'
import type { Context } from '../context/context.ts'
import type { TemporaryDataToken } from '../privicore/data-token.ts'
import { PrivicoreError } from '../privicore/errors.ts'

/** A space for data to come, with the command that reserved it. */
export interface ReservedSpace extends TemporaryDataToken {
  readonly commandId: string
}

/** Data that was asked for and has arrived: inline, or behind a stream of Privicore. */
export type RequestedData = Delivery

/** A short-lived, single-use link on the gateway for an upload; null where Privicore opened no stream. */
export async function mintUploadUrl(ctx: Context, { stream, commandId }: ReservedSpace): Promise<URL | null> {
  return stream && ctx.links.mint({ direction: 'up', fileName: null }, stream, commandId)
}

/** A short-lived, single-use link on the gateway for a download; null where the data is inline. */
export async function mintDownloadUrl(ctx: Context, { stream, context }: RequestedData): Promise<URL | null> {
  // What it is called is not known here, and what comes is ciphertext.
  return stream && ctx.links.mint({ direction: 'down', fileName: context && `${context}.bin` }, stream)
}

/** Waits until the data of a request (by its id) arrives; null when the operation's time runs out first. */
export async function awaitRequestedData(ctx: Context, requestId: string): Promise<RequestedData | null> {
  if (!ctx.data.hasPush) throw noPush()
  return ctx.data.wait(requestId)
}

export function noPush(): PrivicoreError {
  return new PrivicoreError('UPSTREAM_UNAVAILABLE', 'dataToken.request: no push channel to bring the data', {
    publicMessage:
      'The data was asked for, but this gateway has no push channel to receive it by: its operators must set PRIVICORE_WS_URL.',
  })
}
