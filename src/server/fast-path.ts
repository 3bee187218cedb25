// The short way of a request that has come before: a POST of a compiled query, read, run and written without yoga. Whatever is
// not plainly that goes the long way, which is the law: the short one only remembers its verdicts.
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { ExecutionResult, GraphQLError, GraphQLFormattedError } from 'graphql'
import type { Answers } from '../cache/answers.ts'
import type { Memos } from '../cache/memos.ts'
import type { Caller } from '../context/scope.ts'
import type { CompiledQueries, CompiledQuery } from './compiled-queries.ts'
import { CACHE_DEBUG_HEADER, tokenOf } from './credentials.ts'
import type { Operations } from './operations.ts'

export interface FastPathOptions {
  readonly queries: CompiledQueries
  /** Answers that were given before; null where nothing is remembered between operations in this process. */
  readonly answers: Answers | null
  /** Those that the fleet shares; null where there is none. */
  readonly memos: Memos | null
  readonly callers: (token: string | null) => Caller | null
  readonly operations: Operations
  readonly bodyBytes: number
  readonly corsHeaders: (origin: string) => Record<string, string>
  /** The long way; takes a body that was read already as `request.body`. */
  readonly longWay: RequestListener
}

export function createFastPath(options: FastPathOptions): RequestListener {
  const { longWay, queries, answers, memos } = options
  return (request, response) => {
    if (!URL.canParse(`http://${request.headers.host}`)) return refuseHost(response)
    if (!isPlainPost(request, options.bodyBytes)) return longWay(request, response)
    readBody(request, (body) => {
      const token = tokenOf((name) => request.headers[name] as string | undefined)
      const key = answers === null || token === null ? null : answers.key(token, body)
      const known = key === null ? undefined : answers?.find(key)
      if (known !== undefined) {
        answerAgain(options, known, token, request, response)
        return
      }
      const run = () => {
        const params = parseParams(body)
        const query = params && queries.find(params.query, params.operationName)
        // As a stream: what it becomes there looks at every key of an object, and a text has one for each character.
        const goLong = () => longWay(Object.assign(request, { body: Readable.from([Buffer.from(body)]) }), response)
        if (params && query) {
          const asked = { query, variables: params.variables, token, key, memo }
          serve(options, asked, request, response, goLong)
        } else goLong()
      }
      const caller = memos && options.callers(token)
      const memo = caller && { caller: caller.digest, request: body }
      const looking =
        memo &&
        memos?.look(memo.caller, body, (found) => {
          if (response.destroyed) return
          try {
            if (found !== null) answerAgain(options, found, token, request, response)
            else run()
          } catch (error) {
            // Nobody waits for what will not come.
            response.destroy()
            throw error
          }
        })
      if (!looking) run()
    })
  }
}

interface Asked {
  readonly query: CompiledQuery
  readonly variables: unknown
  readonly token: string | null
  /** Under which the answer may be kept; null where it may not. */
  readonly key: string | null
  /** The same, where the fleet shares it. */
  readonly memo: { readonly caller: string; readonly request: string } | null
}

interface Params {
  readonly query: string
  readonly operationName: string | undefined
  readonly variables: unknown
}

const JSON_TYPE = /^application\/json\s*(;\s*charset=utf-8\s*)?$/i

function isPlainPost({ method, url, headers }: IncomingMessage, bodyBytes: number): boolean {
  if (method !== 'POST' || url !== '/graphql' || headers['content-encoding'] !== undefined) return false
  if (headers[CACHE_DEBUG_HEADER] !== undefined) return false
  const length = Number(headers['content-length'] ?? Number.NaN)
  return (
    length > 0 && length <= bodyBytes && JSON_TYPE.test(headers['content-type'] ?? '') && answerType(headers) !== null
  )
}

/** Nothing further on could make an address of it. */
function refuseHost(response: ServerResponse): void {
  const message = 'The Host header is missing or no host.'
  const error = { message, extensions: { code: 'BAD_USER_INPUT', requestId: randomUUID() } }
  response.writeHead(400, { 'content-type': 'application/json; charset=utf-8', connection: 'close' })
  response.end(JSON.stringify({ errors: [error] }))
}

/** The answer's content type where the client asks for one of the two plain ones; null where it may want another. */
function answerType({ accept }: IncomingHttpHeaders): string | null {
  switch (accept) {
    case undefined:
    case '*/*':
    case 'application/json':
      return 'application/json; charset=utf-8'
    case 'application/graphql-response+json':
    case 'application/graphql-response+json, application/json':
    case 'application/graphql-response+json,application/json;q=0.9':
      return 'application/graphql-response+json; charset=utf-8'
    default:
      return null
  }
}

function readBody(request: IncomingMessage, done: (body: string) => void): void {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const [only] = chunks
    done((chunks.length === 1 && only ? only : Buffer.concat(chunks)).toString('utf8'))
  })
}

/** null for a body that the long way has to judge. */
function parseParams(body: string): Params | null {
  try {
    const params = JSON.parse(body)
    for (const name in params) {
      if (name !== 'query' && name !== 'variables' && name !== 'operationName') return null
    }
    const { query, variables, operationName } = params
    if (typeof query !== 'string') return null
    if (variables !== undefined && variables !== null && (typeof variables !== 'object' || Array.isArray(variables)))
      return null
    if (operationName !== undefined && operationName !== null && typeof operationName !== 'string') return null
    return { query, variables: variables ?? {}, operationName: operationName ?? undefined }
  } catch {
    return null
  }
}

/** An answer that was given before goes out again, under an id of its own. */
function answerAgain(
  options: FastPathOptions,
  { body, name }: { readonly body: Buffer; readonly name: string | undefined },
  token: string | null,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const requestId = options.operations.answerAgain({ type: 'query', name })
  writeHead(options, request, response, { status: 200, length: body.length, requestId, token })
  response.end(body)
}

function serve(
  options: FastPathOptions,
  { query, variables, token, key, memo }: Asked,
  request: IncomingMessage,
  response: ServerResponse,
  goLong: () => void,
): void {
  const operation = options.operations.begin({ token, type: 'query', address: `http://${request.headers.host}` })
  const { context, requestId } = operation
  response.once('close', operation.leave)
  const write = (result: ExecutionResult | undefined) => {
    response.removeListener('close', operation.leave)
    if (result === undefined) {
      operation.abandon()
      goLong()
      return
    }
    const answer = operation.answer(result)
    const words = response.destroyed ? null : inWords(answer, (error) => operation.answer({ errors: [error] }))
    operation.end({ type: 'query', name: query.name })
    if (words === null) return
    const { text, status } = words
    const length = Buffer.byteLength(text)
    writeHead(options, request, response, { status, length, requestId, token })
    // As text it goes out in one piece with its head; where every character is a byte, node need not encode it.
    response.end(text, length === text.length ? 'latin1' : 'utf8')
    if (operation.codes.length > 0) return
    const { madeOf, recipe } = context
    if (key !== null && madeOf !== null) {
      options.answers?.keep(key, { body: inOwnMemory(text), name: query.name, madeOf })
    }
    if (memo !== null && recipe !== null) {
      options.memos?.keep(memo.caller, memo.request, { body: Buffer.from(text), name: query.name }, recipe)
    }
  }
  const running = query.run(context, variables)
  if (running instanceof Promise) running.then(write, (error) => write({ errors: [error] }))
  else write(running)
}

/** @param failed makes an answer of what JSON cannot hold: values of Privicore's that are nested deeper than the stack */
function inWords(
  answer: ExecutionResult,
  failed: (error: GraphQLError) => ExecutionResult,
): { text: string; status: number } {
  const { errors } = answer
  try {
    const text = JSON.stringify(errors ? { errors: errors.map(written), data: answer.data } : answer)
    return { text, status: errors ? statusOf(errors) : 200 }
  } catch (error) {
    const { errors = [] } = failed(error as GraphQLError)
    return { text: JSON.stringify({ errors: errors.map(written) }), status: 500 }
  }
}

/** What is kept for long must not keep the pool that node makes small buffers from. */
function inOwnMemory(text: string): Buffer {
  const body = Buffer.allocUnsafeSlow(Buffer.byteLength(text))
  body.write(text)
  return body
}

interface Head {
  readonly status: number
  readonly length: number
  readonly requestId: string
  readonly token: string | null
}

function writeHead(
  { corsHeaders }: FastPathOptions,
  { headers }: IncomingMessage,
  response: ServerResponse,
  { status, length, requestId, token }: Head,
): void {
  const head: Record<string, string | number> = {
    'content-type': answerType(headers) ?? 'application/json; charset=utf-8',
    'content-length': length,
    'x-request-id': requestId,
  }
  if (token !== null) head['cache-control'] = 'private, no-store'
  if (headers.origin !== undefined) Object.assign(head, corsHeaders(headers.origin))
  response.writeHead(status, head)
}

/** As yoga decides it: an error may name a status of its own. */
function statusOf(errors: readonly GraphQLError[]): number {
  return errors.reduce(
    (most, { extensions }) => Math.max(most, (extensions.http as { status?: number } | undefined)?.status ?? 0),
    200,
  )
}

/** `http` is for the server: clients do not get it. */
function written(error: GraphQLError): GraphQLFormattedError {
  const { extensions: { http: _, ...extensions } = {}, ...rest } = error.toJSON()
  return { ...rest, extensions }
}
