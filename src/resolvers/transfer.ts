// Large payloads: links for uploads, and data that arrives later. Knows what must be configured for it.
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

/** Waits until the data of a request (by its id) arrives, within the operation's time. */
export async function awaitRequestedData(_: Context, __: string): Promise<RequestedData> {
  throw new PrivicoreError('UPSTREAM_UNAVAILABLE', 'dataToken.request: no push channel to bring the data', {
    publicMessage:
      'The data was asked for, but this gateway has no push channel to receive it by: its operators must set PRIVICORE_WS_URL.',
  })
}
