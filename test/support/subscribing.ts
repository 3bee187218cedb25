// Subscribing as clients do: a gateway that listens, and one way to follow over server-sent events and over WebSocket.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { ExecutionResult } from 'graphql'
import { createClient as createSseClient } from 'graphql-sse'
import { createClient as createWsClient } from 'graphql-ws'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import type { Gateway } from '../../src/server.ts'

/** Listens for one test. @returns the address of /graphql */
export async function listen(gateway: Gateway): Promise<string> {
  const server = createServer()
  gateway.attach(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`
}

export type Transport = 'server-sent events' | 'WebSocket'
export const transports: readonly Transport[] = ['server-sent events', 'WebSocket']

export interface Subscribed {
  /** The next event; undefined when the subscription has ended. An error that ends it is an event with errors, or is thrown. */
  next(): Promise<ExecutionResult<Record<string, any>> | undefined>
  /** All that comes until it ends. */
  rest(): Promise<ExecutionResult<Record<string, any>>[]>
  /** The client leaves. */
  leave(): Promise<void>
}

export interface Subscription {
  readonly url: string
  readonly token: string | null
  readonly query: string
  readonly variables?: Record<string, unknown>
}

export function subscribe(transport: Transport, { url, token, query, variables }: Subscription): Subscribed {
  const credentials: Record<string, string> = token === null ? {} : { authorization: `Bearer ${token}` }
  const client =
    transport === 'WebSocket'
      ? createWsClient({
          url: url.replace('http', 'ws'),
          webSocketImpl: WebSocket,
          connectionParams: credentials,
          retryAttempts: 0,
        })
      : createSseClient({ url, headers: credentials, retryAttempts: 0 })
  const events = client.iterate<Record<string, any>>({ query, ...(variables && { variables }) })
  onTestFinished(async () => {
    await events.return?.()
    await client.dispose()
  })
  const next = async () => {
    const { value, done } = await events.next()
    return done ? undefined : (value as ExecutionResult<Record<string, any>>)
  }
  return {
    next,
    rest: async () => {
      const all: ExecutionResult<Record<string, any>>[] = []
      for (let event = await next(); event !== undefined; event = await next()) all.push(event)
      return all
    },
    leave: async () => {
      await events.return?.()
      await client.dispose()
    },
  }
}
