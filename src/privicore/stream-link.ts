// Where a stream link of Privicore may point: which hosts, which addresses behind their names. Opens no connection.
import { lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'
import type { Direction } from './stream.ts'

export interface StreamHosts {
  /** The API's URL, and where bare auth tokens belong, as configured. */
  readonly apiUrl: string
  readonly upstreamUrl?: string | undefined
  readonly downstreamUrl?: string | undefined
  /** PRIVICORE_STREAM_HOSTS: `host` (any port) or `host:port`. Unset: the hosts of the three URLs. */
  readonly listed?: readonly string[] | undefined
}

/** Why a link cannot be used. The message names no part of the link: it carries a credential. */
export class LinkRefused extends Error {
  /** The operators have not said where bare auth tokens belong. */
  readonly unconfigured: boolean

  constructor(message: string, unconfigured = false) {
    super(message)
    this.name = 'LinkRefused'
    this.unconfigured = unconfigured
  }
}

const SCHEMES = ['http:', 'https:']

export class StreamLinks {
  /** `host` or `host:port`, as URLs spell them. */
  readonly #allowed: ReadonlySet<string>
  /** Names that the operators have set as a URL: where those lead is their own affair. */
  readonly #trusted: ReadonlySet<string>
  readonly #bases: Readonly<Record<Direction, URL | undefined>>
  /** Where everything configured is https, nothing goes over plain http. */
  readonly #plain: boolean

  constructor({ apiUrl, upstreamUrl, downstreamUrl, listed }: StreamHosts) {
    const urls = [apiUrl, upstreamUrl, downstreamUrl].flatMap((url) => (url === undefined ? [] : [new URL(url)]))
    const names = urls.map(({ hostname }) => hostname)
    this.#allowed = new Set(listed?.map(spelled) ?? names)
    this.#trusted = new Set(names)
    this.#bases = {
      up: upstreamUrl === undefined ? undefined : new URL(upstreamUrl),
      down: downstreamUrl === undefined ? undefined : new URL(downstreamUrl),
    }
    this.#plain = urls.some(({ protocol }) => protocol === 'http:')
  }

  /**
   * @param stream what Privicore has sent: a whole URL, or a bare auth token for the configured host
   * @param path of the row, for bare tokens
   * @throws LinkRefused
   */
  resolve(direction: Direction, stream: string, path: string): URL {
    const whole = URL.canParse(stream) ? new URL(stream) : null
    if (whole !== null && (SCHEMES.includes(whole.protocol) || stream.includes('://'))) return this.#check(whole)
    const base = this.#bases[direction]
    if (base === undefined) throw new LinkRefused('a bare auth token, and no host to take it to', true)
    const url = new URL(base)
    url.pathname = base.pathname.replace(/\/+$/, '') + path
    url.searchParams.set('auth', stream)
    return this.#check(url)
  }

  #check(url: URL): URL {
    if (!SCHEMES.includes(url.protocol)) throw new LinkRefused('neither http nor https')
    if (url.protocol === 'http:' && !this.#plain) throw new LinkRefused('plain http, where only https is configured')
    if (url.username !== '' || url.password !== '') throw new LinkRefused('credentials in it')
    const port = url.port || (url.protocol === 'https:' ? '443' : '80')
    if (!this.#allowed.has(url.hostname) && !this.#allowed.has(`${url.hostname}:${port}`)) {
      throw new LinkRefused('a host that PRIVICORE_STREAM_HOSTS does not have')
    }
    url.hash = ''
    return url
  }

  /**
   * Resolves names for the connection itself, so that what is checked is what is connected to. A listed name must not lead into
   * a private network, unless the address is listed too; no name leads to a link-local address.
   */
  readonly lookup: LookupFunction = (hostname, options, callback) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) {
        callback(error, '', 0)
        return
      }
      const open = addresses.filter(({ address }) => this.#mayConnect(hostname, address))
      const [first] = open
      if (first === undefined) callback(new LinkRefused('a name that leads into a private network'), '', 0)
      else if (options.all) callback(null, open)
      else callback(null, first.address, first.family)
    })
  }

  #mayConnect(hostname: string, address: string): boolean {
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (this.#allowed.has(family === 'ipv6' ? `[${address}]` : address)) return true
    if (NOBODYS.check(address, family)) return false
    return this.#trusted.has(hostname) || !PRIVATE.check(address, family)
  }
}

/** As URL spells a host: `EXAMPLE.org:443` and `[0:0::1]` have other spellings there. */
function spelled(entry: string): string {
  const port = /:(\d+)$/.exec(entry)?.[1]
  const host = port === undefined ? entry : entry.slice(0, -port.length - 1)
  const { hostname } = new URL(`http://${host}`)
  return port === undefined ? hostname : `${hostname}:${Number(port)}`
}

function block(...subnets: readonly string[]): BlockList {
  const list = new BlockList()
  for (const subnet of subnets) {
    const [address = '', bits] = subnet.split('/')
    list.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
  return list
}

/** Link-local (where clouds keep their credentials), unspecified, multicast, reserved: no stream host is ever there. */
const NOBODYS = block('0.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4', '::/128', 'fe80::/10', 'ff00::/8')
/** This machine and networks that the internet does not reach; the last two carry any IPv4 address in an IPv6 one. */
const PRIVATE = block(
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '::1/128',
  'fc00::/7',
  '64:ff9b::/96',
  '2002::/16',
)
