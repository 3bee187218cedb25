// Raw bytes to and from the stream hosts (privicore.md §5), never held: one connection for each transfer. Knows no ticket and no caller.
import { buildConnector } from 'undici'
import { dataToken } from './data-token.ts'
import { PrivicoreError } from './errors.ts'
import type { EndpointOverride } from './request.ts'
import { Secret } from './secret.ts'
import { type Download, Exchange, type Upload } from './stream-exchange.ts'
import { LinkRefused, type StreamHosts, StreamLinks } from './stream-link.ts'

/** `up`: to Privicore. `down`: from it. */
export type Direction = 'up' | 'down'

/** A handshake with TLS takes a fraction of it. */
const CONNECT_TIMEOUT_MS = 10_000

const ROWS = { up: dataToken.upstream, down: dataToken.download }

export interface StreamsOptions extends StreamHosts {
  readonly overrides?: ReadonlyMap<string, EndpointOverride> | undefined
}

export class Streams {
  readonly #links: StreamLinks
  readonly #connect: buildConnector.connector
  readonly #open = new Set<Exchange>()
  readonly #overrides: ReadonlyMap<string, EndpointOverride>

  constructor(options: StreamsOptions) {
    this.#links = new StreamLinks(options)
    this.#overrides = options.overrides ?? new Map()
    const { lookup } = this.#links
    // Node's types ask for a port, which comes with each connection.
    this.#connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS, allowH2: false, lookup })
  }

  /**
   * What Privicore calls a stream, as a whole URL that this gateway may open.
   * @throws PrivicoreError UPSTREAM_UNAVAILABLE where it is a bare token and its host is not configured; UPSTREAM_PROTOCOL where
   * it points elsewhere
   */
  link(direction: Direction, stream: Secret): Secret {
    const row = ROWS[direction]
    try {
      const path = this.#overrides.get(row.id)?.path ?? row.path
      return new Secret(this.#links.resolve(direction, stream.reveal(), path).href)
    } catch (error) {
      if (!(error instanceof LinkRefused)) throw error
      const { id: endpoint } = row
      const message = `${endpoint}: the link has ${error.message}`
      if (!error.unconfigured) throw new PrivicoreError('UPSTREAM_PROTOCOL', message, { endpoint })
      const variable = direction === 'up' ? 'PRIVICORE_UPSTREAM_URL' : 'PRIVICORE_DOWNSTREAM_URL'
      throw new PrivicoreError('UPSTREAM_UNAVAILABLE', message, {
        endpoint,
        publicMessage: `Privicore names no host for this stream: the gateway's operators must set ${variable}.`,
      })
    }
  }

  /**
   * Resolves once Privicore has taken everything.
   * @param link of `link()`
   * @throws StreamFailure; what was sent by then stays incomplete on the wire
   */
  upload(link: Secret, upload: Upload): Promise<void> {
    const headers: Record<string, string> = { 'content-type': 'application/octet-stream', accept: '*/*' }
    if (upload.length !== null) headers['content-length'] = String(upload.length)
    return this.#exchange('up', link, headers, upload)
  }

  /**
   * Resolves once the whole body has been handed on.
   * @param link of `link()`
   * @throws StreamFailure; `refused` with the status where onHead wanted no body
   */
  download(link: Secret, download: Download): Promise<void> {
    const headers: Record<string, string> = { accept: '*/*', 'accept-encoding': 'identity' }
    if (download.range !== null) headers.range = download.range
    return this.#exchange('down', link, headers, download)
  }

  async close(): Promise<void> {
    await Promise.all(Array.from(this.#open, (exchange) => exchange.destroy()))
  }

  async #exchange(
    direction: Direction,
    link: Secret,
    headers: Record<string, string>,
    work: Upload | Download,
  ): Promise<void> {
    const row = ROWS[direction]
    const method = this.#overrides.get(row.id)?.method ?? row.method
    const exchange = new Exchange(this.#connect, { link: new URL(link.reveal()), method, headers, work })
    this.#open.add(exchange)
    try {
      await exchange.run()
    } finally {
      this.#open.delete(exchange)
    }
  }
}
