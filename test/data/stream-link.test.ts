// Where a stream link may point, to the letter.
import { expect, test, vi } from 'vitest'
import type { PrivicoreError } from '../../src/privicore/errors.ts'
import { Secret } from '../../src/privicore/secret.ts'
import { Streams } from '../../src/privicore/stream.ts'
import { LinkRefused, type StreamHosts, StreamLinks } from '../../src/privicore/stream-link.ts'

const resolve = (hosts: StreamHosts, stream: string) => new StreamLinks(hosts).resolve('up', stream, '/').href
const api = { apiUrl: 'https://api.example:9009' }
const plain = { apiUrl: 'http://127.0.0.1:9009' }

test.each([
  ['the API host, any port', api, 'https://api.example/?auth=x', 'https://api.example/?auth=x'],
  ['another port of it', api, 'https://api.example:8443/a/b?auth=x&y=1', 'https://api.example:8443/a/b?auth=x&y=1'],
  ['a listed host', { ...api, listed: ['s.example'] }, 'https://s.example:1/?auth=x', 'https://s.example:1/?auth=x'],
  ['a listed port', { ...api, listed: ['S.example:443'] }, 'https://s.example/?auth=x', 'https://s.example/?auth=x'],
  ['IPv6, however spelled', { ...plain, listed: ['[0:0::1]:80'] }, 'http://[::1]/?auth=x', 'http://[::1]/?auth=x'],
  ['plain http in development', plain, 'http://127.0.0.1:1/?auth=x', 'http://127.0.0.1:1/?auth=x'],
  ['a fragment is no part', api, 'https://api.example/?auth=x#y', 'https://api.example/?auth=x'],
  [
    'a bare token',
    { ...api, upstreamUrl: 'https://up.example:8444/base/' },
    'a+b/c=&d',
    'https://up.example:8444/base/?auth=a%2Bb%2Fc%3D%26d',
  ],
  [
    'a bare token with a colon',
    { ...api, upstreamUrl: 'https://up.example' },
    'id:secret',
    'https://up.example/?auth=id%3Asecret',
  ],
])('%s is allowed', (_, hosts, stream, expected) => {
  expect(resolve(hosts, stream)).toBe(expected)
})

test.each([
  ['another host', api, 'https://evil.example/?auth=x'],
  ['a host that begins alike', api, 'https://api.example.evil.example/?auth=x'],
  ['a host in the user', api, 'https://api.example@evil.example/?auth=x'],
  ['credentials', api, 'https://me:pw@api.example/?auth=x'],
  ['a name without a password', api, 'https://me@api.example/?auth=x'],
  ['plain http where all is https', api, 'http://api.example:9009/?auth=x'],
  ['another port than listed', { ...api, listed: ['s.example:443'] }, 'https://s.example:444/?auth=x'],
  ['the API, where a list leaves it out', { ...api, listed: ['s.example'] }, 'https://api.example/?auth=x'],
  ['this machine', api, 'https://127.0.0.1/?auth=x'],
  ['this machine in disguise', api, 'https://0x7f.1/?auth=x'],
  ["the cloud's own credentials", api, 'https://169.254.169.254/latest'],
  ['an IPv4 address in an IPv6 one', api, 'https://[::ffff:127.0.0.1]/?auth=x'],
  ['a trailing dot', api, 'https://api.example./?auth=x'],
  ['a file', api, 'file:///etc/passwd'],
  ['another protocol', api, 'ftp://api.example/?auth=x'],
  ['a bare token without a host for it', api, 'sesame'],
])('%s is refused', (_, hosts, stream) => {
  expect(() => resolve(hosts, stream)).toThrow(LinkRefused)
})

test('a refusal has a code and says what operators must set, and nothing of the link', () => {
  const streams = new Streams(api)
  const failure = (stream: string) => {
    try {
      streams.link('down', new Secret(stream))
    } catch (error) {
      return error as PrivicoreError
    }
    throw new Error('allowed')
  }
  expect(failure('sesame')).toMatchObject({
    code: 'UPSTREAM_UNAVAILABLE',
    publicMessage: expect.stringContaining('PRIVICORE_DOWNSTREAM_URL'),
  })
  const elsewhere = failure('https://evil.example/?auth=sesame')
  expect(elsewhere.code).toBe('UPSTREAM_PROTOCOL')
  for (const secret of ['sesame', 'evil']) expect(JSON.stringify(elsewhere) + elsewhere.stack).not.toContain(secret)
})

type Found = readonly { address: string; family: number }[]

/** What a connection to a name would go to, where its name server answers this. */
async function connectsTo(hosts: StreamHosts, hostname: string, answer: readonly string[]): Promise<string[]> {
  const links = new StreamLinks(hosts)
  const dnsModule = await import('node:dns')
  const spy = vi.spyOn(dnsModule.default, 'lookup').mockImplementation(((
    _: string,
    __: object,
    done: (error: null, found: Found) => void,
  ) =>
    done(
      null,
      answer.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )) as never)
  const { syncBuiltinESMExports } = await import('node:module')
  syncBuiltinESMExports()
  try {
    return await new Promise((done, fail) =>
      links.lookup(hostname, { all: true }, (error, found) =>
        error ? fail(error) : done((found as unknown as Found).map(({ address }) => address)),
      ),
    )
  } finally {
    spy.mockRestore()
    syncBuiltinESMExports()
  }
}

const PRIVATE = [
  '10.1.2.3',
  '127.0.0.1',
  '172.20.0.3',
  '192.168.1.1',
  '100.64.0.1',
  '::1',
  'fd00::1',
  '::ffff:10.0.0.1',
  '64:ff9b::a00:1',
]
const NOBODYS = ['169.254.169.254', '0.0.0.0', 'fe80::1', '224.0.0.1', '::', '::ffff:169.254.169.254']
const listed = { ...api, listed: ['s.example'] }

test.each([...PRIVATE, ...NOBODYS])('a listed name that leads to %s is not connected to', async (address) => {
  await expect(connectsTo(listed, 's.example', [address])).rejects.toThrow('private network')
  expect(await connectsTo(listed, 's.example', [address, '93.184.215.14'])).toEqual(['93.184.215.14'])
})

test('unless that address is listed, too', async () => {
  const hosts = { ...api, listed: ['s.example', '10.1.2.3'] }
  expect(await connectsTo(hosts, 's.example', ['10.1.2.3', '10.1.2.4'])).toEqual(['10.1.2.3'])
})

test('the name of a configured URL may lead into a private network, and still not to a link-local address', async () => {
  const hosts = { apiUrl: 'http://sandbox:9009' }
  expect(await connectsTo(hosts, 'sandbox', ['172.20.0.3', '169.254.169.254'])).toEqual(['172.20.0.3'])
})
