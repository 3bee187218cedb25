// The door for links: each stands for a stream of Privicore's, on this gateway and for this caller. Knows no GraphQL and no area.
import type { Errand } from '../cache/tickets.ts'
import { PrivicoreError } from '../privicore/errors.ts'
import type { Secret } from '../privicore/secret.ts'
import type { Scope } from './scope.ts'

export class CallerLinks {
  readonly #scope: Scope

  constructor(scope: Scope) {
    this.#scope = scope
  }

  /**
   * A short-lived, single-use link on this gateway that stands for a stream of Privicore, for this caller alone.
   * @param stream a whole URL, or a bare auth token
   * @param reservation the command that the stream was opened for: the link lasts no longer than what it has reserved
   * @returns null where that is over already
   * @throws PrivicoreError where the stream may not be opened
   */
  async mint(
    { direction, fileName }: Omit<Errand, 'link'>,
    stream: Secret,
    reservation: string | null = null,
  ): Promise<URL | null> {
    const { caller, services, options } = this.#scope
    if (caller === null) throw new PrivicoreError('UNAUTHENTICATED', 'a link: needs a token')
    const { tickets, streams, publicUrl } = services
    const base = publicUrl ?? options.address ?? ''
    if (!URL.canParse(base)) {
      throw new PrivicoreError('VALIDATION_FAILED', 'a link: the request names no host', {
        publicMessage: 'The request has no valid Host header, so there is no address to make a link of.',
      })
    }
    const errand = { direction, fileName, link: streams.link(direction, stream) }
    const notAfter = reservation === null ? undefined : await tickets.limitOf(`${caller.digest} ${reservation}`)
    const ticket = await tickets.mint(caller.digest, errand, notAfter)
    if (ticket === null) return null
    // Of a request's own address only where it points counts, not its path.
    const root = publicUrl === undefined ? new URL(base).origin : base.replace(/\/+$/, '')
    return new URL(`${root}/data/${ticket.reveal()}`)
  }

  /** What a command reserves lasts until then, ms since 1970: no link to it lasts longer. */
  async limit(reservation: string, until: number): Promise<void> {
    const { caller, services } = this.#scope
    if (caller !== null) await services.tickets.limit(`${caller.digest} ${reservation}`, until)
  }
}
