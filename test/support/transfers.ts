// What tests of /data need: a gateway on a real socket, links by way of GraphQL, stream hosts that a test writes by hand.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  type RequestListener,
  request,
  type Server,
} from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { gateway, type TestGateway } from './gateway.ts'

export interface Transfers extends TestGateway {
  /** Where it listens. */
  readonly url: string
  /** Reserves a space and mints a link to its upload. */
  uploadUrl(options?: { readonly ttlMinutes?: number; readonly token?: string }): Promise<string>
  /** Stores a payload, asks for it, and mints a link to its download. */
  downloadUrl(payload: Buffer, context?: string): Promise<string>
  /** Headers of alice. */
  readonly auth: Record<string, string>
}

export interface TransfersOptions {
  readonly env?: Record<string, string>
  readonly privicore?: Sandbox
}

/** The sandbox says bare tokens, so that the stream hosts are whatever the test configures. */
export async function transfers({ env = {}, privicore: given }: TransfersOptions = {}): Promise<Transfers> {
  const privicore =
    given ??
    (await startSandbox({ commandLatencyMs: 5, dialect: { stream: 'token', outputType: '1', downloadBody: 'token' } }))
  if (given === undefined) onTestFinished(() => privicore.close())
  const tested = await gateway({
    privicore,
    push: true,
    env: {
      PRIVICORE_UPSTREAM_URL: privicore.upstreamUrl,
      PRIVICORE_DOWNSTREAM_URL: privicore.downstreamUrl,
      ...env,
    },
  })
  const server = createServer()
  tested.gateway.attach(server)
  const url = await listen(server)
  const headers = { host: new URL(url).host }
  return {
    ...tested,
    url,
    auth: { authorization: `Bearer ${privicore.tokens.alice}` },
    uploadUrl: async ({ ttlMinutes = 5, token } = {}) => {
      const { data, errors } = await tested.run(
        'mutation ($ttlMinutes: Int) { reserveTokenSpace(input: { context: "films", ttlMinutes: $ttlMinutes }) { temporaryDataToken { token uploadUrl } } }',
        { ttlMinutes },
        { ...(token !== undefined && { token }), headers },
      )
      if (errors) throw new Error(JSON.stringify(errors))
      return toGateway(data?.reserveTokenSpace.temporaryDataToken.uploadUrl, url)
    },
    downloadUrl: async (payload, context = 'films') => {
      const stored = await tested.run(
        'mutation ($data: Byte!, $context: String!) { storeData(input: { data: $data, context: $context, fileName: "a", extension: "b" }) { dataToken { token } } }',
        { data: payload.toString('base64'), context },
      )
      const asked = await tested.run(
        'mutation ($token: ID!) { requestData(input: { token: $token }) { data { context inline downloadUrl } } }',
        { token: stored.data?.storeData.dataToken.token },
        { headers },
      )
      if (asked.errors) throw new Error(JSON.stringify(asked.errors))
      return toGateway(asked.data?.requestData.data.downloadUrl, url)
    },
  }
}

/** Operations of a test come by fetch, which sets no Host: the link is the same. */
const toGateway = (link: string, url: string) => new URL(new URL(link).pathname, url).href

export async function listen(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export interface Host {
  readonly url: string
  /** What has arrived so far, of every request. */
  readonly seen: { bytes: number; ended: boolean; aborted: boolean; headers: IncomingMessage['headers']; url: string }[]
}

/** A stream host. What it receives is counted; what it says is the listener's affair. */
export async function streamHost(listener: RequestListener): Promise<Host> {
  const seen: Host['seen'] = []
  const server = createServer((incoming, response) => {
    const one = { bytes: 0, ended: false, aborted: false, headers: incoming.headers, url: incoming.url ?? '' }
    seen.push(one)
    incoming.on('data', (chunk: Buffer) => {
      one.bytes += chunk.length
    })
    incoming.on('end', () => {
      one.ended = true
    })
    response.on('close', () => {
      one.aborted = !response.writableFinished
    })
    incoming.on('error', () => {})
    listener(incoming, response)
  })
  return { url: await listen(server), seen }
}

/** A PUT whose body the test writes itself. */
export function put(link: string, headers: Record<string, string>): ClientRequest {
  const sending = request(link, { method: 'PUT', headers })
  sending.on('error', () => {})
  // Else a body that is written at once would get a length.
  if (headers.expect === undefined) sending.flushHeaders()
  return sending
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: any
}

export async function answerOf(sending: ClientRequest): Promise<Answer> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    sending.once('response', resolve).once('error', reject)
  })
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  return { status: response.statusCode ?? 0, headers: response.headers, body: text === '' ? null : JSON.parse(text) }
}

/** A connection on which the test says every byte. */
export async function rawConnection(
  url: string,
): Promise<{ socket: Socket; received: () => string; closed: Promise<void> }> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
  })
  socket.on('error', () => {})
  const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()).once('end', () => resolve()))
  await once(socket, 'connect')
  onTestFinished(() => void socket.destroy())
  return { socket, received: () => text, closed }
}

export const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
