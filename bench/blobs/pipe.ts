// The yardstick: undici and node:http with nothing between them but a pipe. No ticket, no limit, no hash.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent, request } from 'undici'

const [upstream = '', downstream = ''] = process.argv.slice(2)
const dispatcher = new Agent({ pipelining: 1, headersTimeout: 0, bodyTimeout: 0 })

const server = createServer(async (incoming, response) => {
  if (incoming.method === 'PUT') {
    const length = incoming.headers['content-length']
    const headers = {
      'content-type': 'application/octet-stream',
      ...(length !== undefined && { 'content-length': length }),
    }
    const { body } = await request(`${upstream}/?auth=pipe`, { method: 'POST', headers, body: incoming, dispatcher })
    await body.dump()
    response.end('{}')
  } else {
    const { body, headers } = await request(`${downstream}/?auth=pipe`, { dispatcher })
    response.writeHead(200, { 'content-length': String(headers['content-length']) })
    body.pipe(response)
  }
})
server.requestTimeout = 0
server.listen(0, '127.0.0.1')
await once(server, 'listening')
process.send?.({ port: (server.address() as AddressInfo).port })
