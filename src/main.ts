// The process: configuration, the sandbox where there is no Privicore, listening, draining, exit codes.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Config, ConfigError, loadConfig } from './config.ts'
import { createLogger, type Logger } from './server/log.ts'
import { createGateway } from './server.ts'

/** How long requests in flight may take to finish once SIGTERM has come: one operation, and a moment for its answer. */
const DRAIN_GRACE_MS = 1_000
/** How long transfers may go on after that: orchestrators kill after 30 s. */
const TRANSFER_DRAIN_MS = 25_000
/** How often connections that have become idle are closed while draining. */
const DRAIN_STEP_MS = 50

try {
  const config = loadConfig(process.env)
  await run(config, createLogger(config.logLevel))
} catch (error) {
  if (!(error instanceof ConfigError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = 1
}

async function run(config: Config, log: Logger): Promise<void> {
  const sandbox = config.privicore.apiUrl === undefined ? await embedSandbox(log) : undefined
  const gateway = createGateway({
    config,
    privicoreUrl: config.privicore.apiUrl ?? sandbox?.url ?? '',
    pushUrl: config.privicore.wsUrl ?? sandbox?.wsUrl,
    upstreamUrl: config.privicore.upstreamUrl ?? sandbox?.upstreamUrl,
    downstreamUrl: config.privicore.downstreamUrl ?? sandbox?.downstreamUrl,
    log,
    ...(sandbox && { demoToken: sandbox.tokens.alice }),
  })
  const server = createServer()
  gateway.attach(server)
  // Idle connections of load balancers must not be cut by the side that did not open them.
  server.keepAliveTimeout = 65_000
  server.listen(config.port, config.host)
  try {
    await once(server, 'listening')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    log.fatal({ code, port: config.port, host: config.host }, 'cannot listen: is the port in use? Set PORT to another')
    await Promise.all([gateway.close(), sandbox?.close()])
    process.exitCode = 1
    return
  }
  gateway.readiness = 'ready'
  const { port } = server.address() as AddressInfo
  log.info({ url: `http://localhost:${port}/graphql`, graphiql: config.graphiql }, 'the gateway is listening')

  let draining = false
  const drain = async (signal: string) => {
    if (draining) return
    draining = true
    gateway.readiness = 'draining'
    log.info({ signal }, 'draining: requests in flight may finish')
    const closed = once(server, 'close')
    server.close()
    // What lasts until its client leaves would never finish by itself.
    void gateway.drain()
    // A kept connection becomes idle only once its request has been answered.
    const idle = setInterval(() => server.closeIdleConnections(), DRAIN_STEP_MS)
    const since = performance.now()
    const cut = () => {
      const left = gateway.transfers() === 0 ? 0 : since + TRANSFER_DRAIN_MS - performance.now()
      if (left <= 0) server.closeAllConnections()
      else late = setTimeout(cut, Math.min(left, DRAIN_GRACE_MS))
    }
    let late = setTimeout(cut, config.requestTimeoutMs + DRAIN_GRACE_MS)
    await closed
    clearInterval(idle)
    clearTimeout(late)
    await Promise.all([gateway.close(), sandbox?.close()])
    log.info('stopped')
    log.flush()
  }
  process.on('SIGTERM', drain)
  process.on('SIGINT', drain)
}

async function embedSandbox(log: Logger) {
  const { startSandbox } = await import('../sandbox/sandbox.ts')
  const sandbox = await startSandbox()
  log.warn({ sandbox: sandbox.url }, 'PRIVICORE_API_URL is not set: an embedded sandbox stands in for Privicore')
  log.info(
    { token: sandbox.tokens.alice, header: `Authorization: Bearer ${sandbox.tokens.alice}` },
    'a demo token, for alice',
  )
  return sandbox
}
