// Hive Gateway by its docs for Node.js, serving what Mesh composes of the OpenAPI document (mesh.config.js). Without its
// JIT, which is off by default and gains less than two runs differ by.
import { execFileSync } from 'node:child_process'
import { createServer } from 'node:http'
import { createGatewayRuntime } from '@graphql-hive/gateway'

// A process of its own, as by hand: what composing takes is not the server's memory.
const compose = new URL('node_modules/.bin/mesh-compose', import.meta.url).pathname
const supergraph = execFileSync(process.execPath, [compose], { cwd: import.meta.dirname, encoding: 'utf8' })

const gateway = createGatewayRuntime({
  supergraph,
  logging: 'warn',
  propagateHeaders: {
    fromClientToSubgraphs: ({ request }) => ({
      'x-dpt-authorization': request.headers.get('authorization')?.slice('Bearer '.length),
    }),
  },
})
createServer(gateway).listen(Number(process.env.PORT), '127.0.0.1')

// The gateway catches the signal to clean up after itself, and would leave the server listening.
process.on('SIGTERM', () => process.exit())
