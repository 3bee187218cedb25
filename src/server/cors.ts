// Which web pages may call the gateway.
import type { Config } from '../config.ts'

const LOCAL = /^https?:\/\/(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/

/** @returns the response's allowed origin for a request's Origin header; null refuses */
export function allowedOrigin(
  config: Pick<Config, 'corsOrigins' | 'production'>,
  origin: string | null,
): string | null {
  if (origin === null) return null
  if (config.corsOrigins !== undefined)
    return config.corsOrigins.includes('*') || config.corsOrigins.includes(origin) ? origin : null
  return !config.production && LOCAL.test(origin) ? origin : null
}

const EXPOSED = ['x-request-id']

/** What an answer carries for a page that may read it; nothing for others. */
export function corsHeaders(
  config: Pick<Config, 'corsOrigins' | 'production'>,
  origin: string,
): Record<string, string> {
  return allowedOrigin(config, origin) === null
    ? {}
    : { 'access-control-allow-origin': origin, 'access-control-expose-headers': EXPOSED.join(', '), vary: 'Origin' }
}

export function corsFor(config: Pick<Config, 'corsOrigins' | 'production'>) {
  return (request: Request) => {
    const origin = allowedOrigin(config, request.headers.get('origin'))
    if (origin === null) return false as const
    return {
      origin,
      // Tokens travel in a header, never in a cookie.
      credentials: false,
      methods: ['GET', 'POST', 'OPTIONS'],
      exposedHeaders: EXPOSED,
      maxAge: 600,
    }
  }
}
