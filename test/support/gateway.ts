// A whole gateway on a sandbox of its own, for one test: started by it, ended with it, telling what happened when it fails.
import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { type ExecutionResult, print } from 'graphql'
import { onTestFailed, onTestFinished } from 'vitest'
import { type Sandbox, type SandboxOptions, startSandbox } from '../../sandbox/sandbox.ts'
import { loadConfig } from '../../src/config.ts'
import { createLogger } from '../../src/server/log.ts'
import { createGateway, type Gateway } from '../../src/server.ts'

export interface TestGatewayOptions {
  /** Whose token is sent; null sends none. Default alice. */
  readonly as?: 'alice' | 'bob' | null
  readonly sandbox?: SandboxOptions
  /** Environment variables of the gateway. */
  readonly env?: Readonly<Record<string, string>>
  /** When a query is compiled: by default at once, so that every test of one is a test of the compiled one. */
  readonly compileAfter?: number
  /** Whether outcomes and data are pushed, and the stream hosts known. Default: the gateway polls. */
  readonly push?: boolean
  /** A sandbox that is shared by several gateways; the caller ends it. */
  readonly privicore?: Sandbox
}

export interface TestGateway {
  readonly privicore: Sandbox
  readonly gateway: Gateway
  readonly log: readonly string[]
  /** Runs one operation and answers its result; `as` sends another token than the gateway's usual. */
  run<Data = Record<string, any>, Variables = Record<string, unknown>>(
    document: string | TypedDocumentNode<Data, Variables>,
    variables?: Variables,
    options?: { readonly token?: string | null; readonly headers?: Record<string, string> },
  ): Promise<ExecutionResult<Data>>
  /** The same, for tests of HTTP itself. */
  fetch(path: string, init?: RequestInit): Promise<Response>
}

/** Fast commands and short polls: tests wait for outcomes, not for clocks. */
const QUICK = { COMMAND_POLL_MIN_MS: '5', COMMAND_POLL_MAX_MS: '40', LOG_LEVEL: 'debug' }

export async function gateway(options: TestGatewayOptions = {}): Promise<TestGateway> {
  const privicore = options.privicore ?? (await startSandbox({ commandLatencyMs: 10, ...options.sandbox }))
  const log: string[] = []
  const transcript: string[] = []
  const push = options.push
    ? {
        PRIVICORE_WS_URL: privicore.wsUrl,
        PRIVICORE_UPSTREAM_URL: privicore.upstreamUrl,
        PRIVICORE_DOWNSTREAM_URL: privicore.downstreamUrl,
      }
    : {}
  const config = loadConfig({ ...QUICK, PRIVICORE_API_URL: privicore.url, ...push, ...options.env })
  const started = createGateway({
    config,
    privicoreUrl: config.privicore.apiUrl ?? privicore.url,
    compileAfter: options.compileAfter ?? 1,
    log: createLogger(config.logLevel, { write: (line: string) => void log.push(line) }),
  })
  started.readiness = 'ready'
  onTestFinished(async () => {
    await started.close()
    if (options.privicore === undefined) await privicore.close()
  })
  onTestFailed(() => {
    const traffic = privicore.requests.map((request) => `  ${request.method} ${request.path} ${request.rawBody}`)
    // biome-ignore lint/suspicious/noConsole: this is what a failed test says of itself
    console.error([...transcript, 'upstream:', ...traffic, 'log:', ...log].join('\n'))
  })
  const usual = options.as === null ? null : privicore.tokens[options.as ?? 'alice']
  const fetch = async (path: string, init?: RequestInit) =>
    started.handler.fetch(new URL(path, 'http://gateway.test'), init ?? {})
  return {
    privicore,
    gateway: started,
    log,
    fetch,
    run: async (document, variables, { token = usual, headers = {} } = {}) => {
      const query = typeof document === 'string' ? document : print(document)
      const response = await fetch('/graphql', {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          ...(token !== null && { authorization: `Bearer ${token}` }),
          ...headers,
        },
        body: JSON.stringify({ query, variables }),
      })
      const body = await response.text()
      transcript.push(
        `query: ${query}`,
        `variables: ${JSON.stringify(variables)}`,
        `answer: ${response.status} ${body}`,
      )
      return JSON.parse(body)
    },
  }
}
