// Knows the two other hosts of the contract: upstream takes raw bytes, downstream gives them back (section 5).
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { interrupts, type RecordedRequest, recordOf, reset } from './api.ts'
import type { Blob } from './blobs.ts'
import type { Fault, Faults } from './faults.ts'
import { opaqueToken } from './ids.ts'
import type { DataToken } from './state.ts'
import type { World } from './world.ts'

export interface Upload {
  auth: string
  /** Bytes received so far. */
  size: number
  /** Null until it is complete; an upload that broke off stays null. */
  sha256: string | null
}

interface Download {
  blob: Blob
  expiresAt: number
}

/** "Time-limited" says the contract. */
const DOWNLOAD_LIFETIME_MS = 5 * 60_000

export class Streams {
  readonly uploads: Upload[] = []
  readonly #downloads = new Map<string, Download>()
  readonly #world: World
  readonly #faults: Faults
  readonly #record: (request: RecordedRequest) => void

  constructor(world: World, faults: Faults, record: (request: RecordedRequest) => void) {
    this.#world = world
    this.#faults = faults
    this.#record = record
  }

  /** A single-use auth token of the downstream host. */
  offer(blob: Blob): string {
    const auth = opaqueToken()
    this.#downloads.set(auth, { blob, expiresAt: Date.now() + DOWNLOAD_LIFETIME_MS })
    return auth
  }

  /** Ends a link before its time. */
  expire(auth: string): void {
    this.#downloads.delete(auth)
  }

  upstream(): Server {
    return this.#host('dataToken.upstream', 'POST', (request, response, recorded, fault) =>
      this.#upload(request, response, recorded, fault),
    )
  }

  downstream(): Server {
    return this.#host('dataToken.download', 'GET', (_request, response, recorded, fault) =>
      this.#download(response, recorded, fault),
    )
  }

  #host(
    endpoint: string,
    method: string,
    serve: (
      request: IncomingMessage,
      response: ServerResponse,
      recorded: RecordedRequest,
      fault: Fault | null,
    ) => Promise<void>,
  ): Server {
    return createServer(async (request, response) => {
      const recorded = recordOf(request, response)
      const isOurs = recorded.method === method && recorded.path === '/'
      if (isOurs) recorded.endpoint = endpoint
      this.#record(recorded)
      const { delays, fault } = this.#faults.take(recorded.endpoint)
      for (const delay of delays) await delay()
      if (!isOurs) return refuse(response, recorded, recorded.path === '/' ? 405 : 404)
      await serve(request, response, recorded, fault).catch(() => response.destroy())
    })
  }

  async #upload(
    request: IncomingMessage,
    response: ServerResponse,
    recorded: RecordedRequest,
    fault: Fault | null,
  ): Promise<void> {
    if (fault && fault.kind !== 'hang' && interrupts(fault, recorded, response)) return
    const auth = String(recorded.query.auth ?? '')
    const target = this.#waitingFor(auth)
    if (auth === '') return refuse(response, recorded, 401)
    if (!target) return refuse(response, recorded, 404)
    if (!(request.headers['content-type'] ?? '').startsWith('application/octet-stream')) {
      return refuse(response, recorded, 415)
    }
    target.stream = null
    const upload: Upload = { auth, size: 0, sha256: null }
    this.uploads.push(upload)
    const blob = await this.#world.blobs.receive(request, (bytes) => {
      upload.size = bytes
    })
    upload.sha256 = blob.sha256
    if (fault?.kind === 'hang') return
    target.stored = blob
    if (fault?.kind === 'reset-after') return reset(response)
    recorded.status = 200
    response.writeHead(200, { 'Content-Length': 0 }).end()
  }

  #waitingFor(auth: string): DataToken | undefined {
    for (const profile of this.#world.state.profiles.values()) {
      for (const token of profile.dataTokens.values()) {
        if (token.stream === auth && !token.stored && token.expiresAt > Date.now()) return token
      }
    }
  }

  async #download(response: ServerResponse, recorded: RecordedRequest, fault: Fault | null): Promise<void> {
    if (fault && interrupts(fault, recorded, response)) return
    const auth = String(recorded.query.auth ?? '')
    const download = this.#downloads.get(auth)
    if (auth === '') return refuse(response, recorded, 401)
    if (!download || download.expiresAt <= Date.now()) return refuse(response, recorded, 404)
    const { blob } = download
    const range = rangeOf(recorded.headers.range, blob.size)
    if (range === 'unsatisfiable') {
      response.setHeader('Content-Range', `bytes */${blob.size}`)
      return refuse(response, recorded, 416)
    }
    // Used up by whoever is given the last byte; parts in front of it may be asked for one by one.
    if (range.end === blob.size - 1) this.#downloads.delete(auth)
    const length = range.end - range.start + 1
    recorded.status = range.partial ? 206 : 200
    response.writeHead(recorded.status, {
      'Content-Type': 'application/octet-stream',
      'Content-Length': length,
      'Accept-Ranges': 'bytes',
      ...(range.partial ? { 'Content-Range': `bytes ${range.start}-${range.end}/${blob.size}` } : {}),
    })
    if (fault?.kind === 'reset-mid-body') {
      const half = this.#world.blobs.read(blob, range.start, range.start + Math.floor(length / 2))
      for await (const chunk of half) response.write(chunk)
      response.write('', () => reset(response))
      return
    }
    if (fault?.kind === 'reset-after') return reset(response)
    await pipeline(this.#world.blobs.read(blob, range.start, range.end), response)
  }
}

function refuse(response: ServerResponse, recorded: RecordedRequest, status: number): void {
  recorded.status = status
  response.writeHead(status, { 'Content-Length': 0 }).end()
}

function rangeOf(
  header: string | undefined,
  size: number,
): { start: number; end: number; partial: boolean } | 'unsatisfiable' {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? []
  if (first === '' && last === '') return { start: 0, end: size - 1, partial: false }
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  return start > end ? 'unsatisfiable' : { start, end, partial: true }
}
