// The stub of Privicore: a process that answers what rows.ts holds, from bytes made beforehand, and counts what it is asked.
//
// PORT; STUB_DELAY_MS: how long it takes to answer at first. The bench steers it under /stub/: ?delay=<ms> and
// ?personal=<0|1> (every name then says whose token asked), answering what was counted since the last time.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { ANSWERS } from './rows.ts'

interface Answer {
  readonly text: string
  readonly bytes: Buffer
  readonly headers: readonly string[]
}

let delayMs = Number(process.env.STUB_DELAY_MS ?? 0)
let personal = false
let calls = 0
let unanswered = 0

const prepare = (text: string): Answer => {
  const bytes = Buffer.from(text)
  return { text, bytes, headers: ['content-type', 'application/json', 'content-length', String(bytes.length)] }
}
const answers = new Map([...ANSWERS].map(([call, body]) => [call, prepare(JSON.stringify(body))]))
const denied = prepare('{"error":"invalid token"}')
const unknown = prepare('{"error":"record not found"}')

function send(response: ServerResponse, status: number, answer: Answer): void {
  response.writeHead(status, answer.headers as string[])
  response.end(answer.bytes)
}

function answerCall(request: IncomingMessage, response: ServerResponse): void {
  const token = request.headers['x-dpt-authorization'] as string | undefined
  const answer = answers.get(`${request.method} ${request.url}`)
  if (answer === undefined) {
    unanswered++
    send(response, 404, unknown)
  } else if (token === undefined && request.url !== '/health') {
    unanswered++
    send(response, 401, denied)
  } else if (personal) {
    // Tailcall can only hand on the whole of the client's header.
    const whose = token?.slice(token.lastIndexOf(' ') + 1)
    send(response, 200, prepare(answer.text.replace(/"(name|profileId)":"([^"]*)"/g, `"$1":"$2 of ${whose}"`)))
  } else {
    send(response, 200, answer)
  }
}

const server = createServer((request, response) => {
  if (request.url?.startsWith('/stub/')) {
    const { searchParams } = new URL(request.url, 'http://stub')
    delayMs = Number(searchParams.get('delay') ?? delayMs)
    personal = (searchParams.get('personal') ?? (personal ? '1' : '0')) === '1'
    send(response, 200, prepare(JSON.stringify({ calls, unanswered })))
    calls = 0
    unanswered = 0
    return
  }
  calls++
  if (request.method === 'POST') request.resume()
  if (delayMs > 0) setTimeout(answerCall, delayMs, request, response)
  else answerCall(request, response)
})
// Longer than any pause between two rounds: a contestant must not meet a connection that is being closed.
server.keepAliveTimeout = 600_000
server.requestTimeout = 0
server.listen(Number(process.env.PORT), '127.0.0.1')
