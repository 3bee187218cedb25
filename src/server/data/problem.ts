// What a client is told when a transfer fails: application/problem+json (RFC 9457). Knows no stream and no store.
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { PublicCode } from '../../schema/errors.ts'

export interface Problem {
  readonly status: number
  readonly code: PublicCode
  readonly detail: string
  /** Whether the same link works again: only where nothing has reached Privicore. */
  readonly ticketReusable: boolean
}

const ASK_AGAIN = 'Ask for a new link.'

/** Every way in which a transfer fails. `unused` is for those that can happen before anything was sent. */
export const PROBLEMS = {
  notFound: {
    status: 404,
    code: 'NOT_FOUND',
    detail:
      'No such link for this caller and method. Links work once, for minutes, in one direction, with the token that they were made for.',
    ticketReusable: false,
  },
  partialUpload: {
    status: 400,
    code: 'BAD_USER_INPUT',
    detail: 'Uploads are whole: Content-Range is not understood here. The link still works.',
    ticketReusable: true,
  },
  badLength: {
    status: 400,
    code: 'BAD_USER_INPUT',
    detail: `The body was not as long as declared, or badly framed. The upload was given up. ${ASK_AGAIN}`,
    ticketReusable: false,
  },
  slowClient: {
    status: 408,
    code: 'DEADLINE_EXCEEDED',
    detail: `Nothing came for too long. The upload was given up. ${ASK_AGAIN}`,
    ticketReusable: false,
  },
  refused: {
    status: 410,
    code: 'NOT_FOUND',
    detail: `Privicore does not take this link (any more): it was used, or its time is over. ${ASK_AGAIN}`,
    ticketReusable: false,
  },
  tooLargeForPrivicore: {
    status: 413,
    code: 'LIMIT_EXCEEDED',
    detail: `Privicore does not take as much. ${ASK_AGAIN}`,
    ticketReusable: false,
  },
  badRange: {
    status: 416,
    code: 'BAD_USER_INPUT',
    detail: 'The data has no such range. The link still works.',
    ticketReusable: true,
  },
  unreachable: {
    status: 502,
    code: 'UPSTREAM_UNAVAILABLE',
    detail: 'Privicore cannot be reached. Nothing was sent, and the link still works: try again.',
    ticketReusable: true,
  },
  unreachableUsed: {
    status: 502,
    code: 'UPSTREAM_UNAVAILABLE',
    detail: `Privicore cannot be reached. ${ASK_AGAIN}`,
    ticketReusable: false,
  },
  broken: {
    status: 502,
    code: 'UPSTREAM_UNAVAILABLE',
    detail: `Privicore failed during the transfer. ${ASK_AGAIN}`,
    ticketReusable: false,
  },
  outcomeUnknown: {
    status: 502,
    code: 'OUTCOME_UNKNOWN',
    detail: `Everything was sent, but the answer never came: it may or may not be stored. Look before you send it again. ${ASK_AGAIN}`,
    ticketReusable: false,
  },
  senseless: {
    status: 502,
    code: 'UPSTREAM_PROTOCOL',
    detail: `Privicore gave an answer that the gateway does not understand. ${ASK_AGAIN}`,
    ticketReusable: false,
  },
  storeAway: {
    status: 503,
    code: 'UPSTREAM_UNAVAILABLE',
    detail: 'The gateway cannot look the link up at the moment. Try again.',
    ticketReusable: true,
  },
  storeSilent: {
    status: 503,
    code: 'UPSTREAM_UNAVAILABLE',
    detail: `The gateway cannot tell whether the link was used. ${ASK_AGAIN}`,
    ticketReusable: false,
  },
  slowPrivicore: {
    status: 504,
    code: 'UPSTREAM_TIMEOUT',
    detail: `Privicore moved no byte for too long. The transfer was given up. ${ASK_AGAIN}`,
    ticketReusable: false,
  },
  bug: {
    status: 500,
    code: 'INTERNAL_SERVER_ERROR',
    detail: `Something went wrong in the gateway. Tell its operators the request id. ${ASK_AGAIN}`,
    ticketReusable: false,
  },
} as const satisfies Record<string, Problem>

export function tooLarge(limit: number, ticketReusable: boolean): Problem {
  return {
    status: 413,
    code: 'LIMIT_EXCEEDED',
    detail: `An upload may have ${limit} bytes. ${ticketReusable ? 'Nothing was sent, and the link still works.' : ASK_AGAIN}`,
    ticketReusable,
  }
}

/** What Privicore's refusal of a transfer means. */
export function refusalOf(status: number): Problem {
  if ([401, 403, 404, 409, 410].includes(status)) return PROBLEMS.refused
  if (status === 413) return PROBLEMS.tooLargeForPrivicore
  return status >= 500 || status === 429 ? PROBLEMS.broken : PROBLEMS.senseless
}

/** How long an answer to a body that is still coming waits for its client to read it and stop. */
export const LINGER_MS = 2_000

/** Answers, and closes the connection where the client may still be sending a body that nobody wants. */
export function answerProblem(
  request: IncomingMessage,
  response: ServerResponse,
  { status, code, detail, ticketReusable }: Problem,
  headers: Record<string, string>,
): void {
  if (response.headersSent || response.destroyed) {
    response.destroy()
    return
  }
  const requestId = headers['x-request-id']
  const title = STATUS_CODES[status]
  const body = JSON.stringify({ type: 'about:blank', title, status, detail, code, requestId, ticketReusable })
  // A client that has said its last word sends nothing more, however much it had declared.
  const hasBody =
    !request.complete &&
    !request.socket.readableEnded &&
    (Number(request.headers['content-length']) > 0 || isChunked(request))
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...((hasBody || request.errored !== null) && { connection: 'close' }),
  })
  if (!hasBody || (request.headers.expect !== undefined && request.readableFlowing === null)) {
    response.end(request.method === 'HEAD' ? undefined : body)
    return
  }
  // Closing on a client that still sends would make its system throw the answer away unread.
  response.write(body)
  const end = () => {
    clearTimeout(timer)
    response.end()
  }
  const timer = setTimeout(end, LINGER_MS)
  request.once('end', end).once('close', end).resume()
}

function isChunked({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined
}
