// GET /data/{ticket}: Privicore's bytes on their way to a client, at the client's pace. Decides which headers may come along.
import type { ServerResponse } from 'node:http'
import type { Claimed } from '../../cache/tickets.ts'
import { release } from '../../privicore/release.ts'
import type { Streams } from '../../privicore/stream.ts'
import { type DownloadHead, StreamFailure } from '../../privicore/stream-exchange.ts'
import { PROBLEMS, type Problem, refusalOf } from './problem.ts'
import { LEFT, type Transfer } from './transfer.ts'

/** Kept as they are; whatever a browser might run or render as a page becomes plain bytes. */
const SAFE_TYPE =
  /^(?:application\/(?:octet-stream|pdf|zip|gzip|json)|text\/plain|(?:audio|video)\/[\w.+-]+|image\/(?:png|jpeg|gif|webp|avif))(?:\s*;\s*[\w-]+=[\w.-]+)*$/i
const BYTES = 'application/octet-stream'
/** One range: several would come as a multipart body of their own. */
const SINGLE_RANGE = /^bytes=(?:\d+-\d*|-\d+)$/
const LENGTH = /^\d+$/
const CONTENT_RANGE = /^bytes (?:\d+-\d+|\*)\/(?:\d+|\*)$/

export function rangeOf(header: string | undefined): string | null {
  return header !== undefined && SINGLE_RANGE.test(header) ? header : null
}

/** A name for saving: no path, no control characters, and nothing that a header could be broken with (RFC 6266). */
export function contentDisposition(fileName: string | null): string {
  const name = safeName(fileName ?? '') || 'data.bin'
  const ascii = name.replaceAll(/[^\x20-\x7e]|["\\%]/g, '_')
  if (ascii === name) return `attachment; filename="${name}"`
  const encoded = encodeURIComponent(name).replaceAll(
    /['()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  )
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`
}

const LONGEST_NAME = 120

function safeName(name: string): string {
  return Array.from(name.toWellFormed().replaceAll(/[\p{C}\p{Zl}\p{Zp}/\\:*?"<>|]+/gu, '_'))
    .slice(0, LONGEST_NAME)
    .join('')
    .replaceAll(/^[\s.]+|[\s.]+$/g, '')
}

/** What every answer to a download says, whether its bytes follow or not. */
export function downloadHeaders(fileName: string | null): Record<string, string> {
  return {
    'content-type': BYTES,
    'content-disposition': contentDisposition(fileName),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
  }
}

/** Waits for the client's socket while Privicore's goes on: a socket that is never idle, at the cost of this much memory. */
const AHEAD_BYTES = 256 * 1024

export interface Refusal {
  readonly problem: Problem
  readonly headers: Record<string, string>
}

/** @returns null where the body was handed on whole, or the connection was destroyed because it was not */
export async function download(
  streams: Streams,
  { errand, giveBack }: Claimed,
  range: string | null,
  response: ServerResponse,
  headers: Record<string, string>,
  transfer: Transfer,
): Promise<Refusal | null> {
  const found: { size: string | null } = { size: null }
  const onHead = (head: DownloadHead) => {
    if (head.status === 416) found.size = head.header('content-range')
    if (head.status !== 200 && (head.status !== 206 || range === null)) return null
    response.writeHead(head.status, { ...headers, ...downloadHeaders(errand.fileName), ...passedOn(head) })
    return {
      write: (chunk: Buffer) => {
        transfer.moved(chunk.length)
        // Called later than this, once the system has it.
        const gone = (error?: Error | null) => {
          if (!error) release(chunk)
        }
        return response.write(chunk, gone) || response.writableLength < AHEAD_BYTES
      },
      whenReady: (go: () => void) => {
        response.once('drain', () => {
          transfer.moved(0)
          go()
        })
      },
    }
  }
  try {
    await streams.download(errand.link, { range, signal: transfer.signal, onHead })
    response.end()
    transfer.end('done')
    return null
  } catch (failure) {
    if (!(failure instanceof StreamFailure)) throw failure
    if (response.headersSent || transfer.reason === LEFT) {
      if (!failure.sent) await giveBack()
      transfer.end('aborted')
      // A clean end would pass a part off as the whole.
      response.destroy()
      return null
    }
    transfer.end('refused')
    const refused = await refusal(failure, giveBack, transfer)
    const size = refused === PROBLEMS.badRange && CONTENT_RANGE.test(found.size ?? '') ? found.size : null
    return { problem: refused, headers: size === null ? {} : { 'content-range': size } }
  }
}

async function refusal(
  { kind, sent, status }: StreamFailure,
  giveBack: Claimed['giveBack'],
  transfer: Transfer,
): Promise<Problem> {
  if (!sent) return (await giveBack()) ? PROBLEMS.unreachable : PROBLEMS.unreachableUsed
  if (kind === 'aborted') return transfer.reason === null || transfer.reason === LEFT ? PROBLEMS.bug : transfer.reason
  if (kind !== 'refused') return PROBLEMS.broken
  // A range that is not there was not served: Privicore's link is as good as before.
  if (status === 416) return (await giveBack()) ? PROBLEMS.badRange : { ...PROBLEMS.badRange, ...PROBLEMS.refused }
  return refusalOf(status ?? 0)
}

function passedOn({ status, header }: DownloadHead): Record<string, string> {
  const passed: Record<string, string> = {}
  const keep = (name: string, form: RegExp) => {
    const value = header(name)?.trim()
    if (value !== undefined && form.test(value)) passed[name] = value
  }
  keep('content-type', SAFE_TYPE)
  keep('content-length', LENGTH)
  keep('accept-ranges', /^bytes$/i)
  keep('content-encoding', /^[\w, -]+$/)
  keep('etag', /^(?:W\/)?"[\x21\x23-\x7e]*"$/)
  if (status === 206) keep('content-range', CONTENT_RANGE)
  return passed
}
