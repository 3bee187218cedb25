// Who sent a request: the caller's Privicore token out of its headers. No other header of a client goes further than this.
import { hash, randomBytes } from 'node:crypto'
import type { Caller } from '../context/scope.ts'
import { Secret } from '../privicore/secret.ts'

/** With the value 1, where CACHE_DEBUG allows it: extensions.cache says which reads were hits, stale, or misses. */
export const CACHE_DEBUG_HEADER = 'x-cache-debug'

const BEARER = /^Bearer +(.+)$/i

/** @param header by lower-case name; on a WebSocket, the payload of connection_init */
export function tokenOf(header: (name: string) => string | null | undefined): string | null {
  const bearer = BEARER.exec(header('authorization')?.trim() ?? '')?.[1]
  const token = (bearer ?? header('x-dpt-authorization') ?? '').trim()
  return token === '' ? null : token
}

/** Makes Callers: a token stands for itself towards Privicore, and as a keyed digest everywhere else. */
export function createCallers(cacheSecret: Secret | undefined): (token: string | null) => Caller | null {
  const key = hash('sha256', `caller\n${cacheSecret?.reveal() ?? randomBytes(32).toString('hex')}`)
  return (token) => {
    if (token === null) return null
    return {
      token: new Secret(token),
      // The key on both sides of the token, which is as good as HMAC and a quarter of its cost: no table of tokens is needed.
      digest: hash('sha256', `${key}\n${token}\n${key}`, 'base64url'),
    }
  }
}
