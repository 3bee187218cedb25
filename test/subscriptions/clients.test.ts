// The clients that people use, as they use them: Apollo Client and urql beside graphql-ws and graphql-sse (the other tests').
import { ApolloClient, gql, HttpLink, InMemoryCache } from '@apollo/client'
import { GraphQLWsLink } from '@apollo/client/link/subscriptions'
import { Client, fetchExchange, subscriptionExchange } from '@urql/core'
import { createClient } from 'graphql-ws'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { gateway } from '../support/gateway.ts'
import { listen } from '../support/subscribing.ts'

const COMMAND = 'subscription ($id: ID!) { command(commandId: $id) { id status } }'
const SEND = 'mutation { requestDeviceIdentifier(input: { deviceName: "x" }) { command { commandId } } }'

async function start() {
  const { gateway: started, privicore, run } = await gateway()
  const url = await listen(started)
  const hold = privicore.hold('device.request')
  const { data } = await run(SEND)
  const token = privicore.tokens.alice
  return { url, token, release: () => hold.release(), id: data?.requestDeviceIdentifier.command.commandId as string }
}

/** All states until the end; what has been held is let go after the first. */
function collect(
  subscribe: (observer: {
    next: (status: string) => void
    complete: () => void
    error: (error: unknown) => void
  }) => () => void,
  release: () => void,
): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const states: string[] = []
    onTestFinished(() => stop())
    const stop = subscribe({
      next: (status) => {
        states.push(status)
        if (states.length === 1) release()
        // Not every client tells its observers of the end.
        if (status !== 'PENDING') setTimeout(resolve, 50, states)
      },
      complete: () => resolve(states),
      error: reject,
    })
  })
}

test('Apollo Client follows a command over WebSocket', async () => {
  const { url, token, id, release } = await start()
  const ws = createClient({
    url: url.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { Authorization: `Bearer ${token}` },
  })
  const apollo = new ApolloClient({ link: new GraphQLWsLink(ws), cache: new InMemoryCache() })
  onTestFinished(async () => {
    apollo.stop()
    await ws.dispose()
  })
  const states = await collect((observer) => {
    const subscription = apollo
      .subscribe<{ command: { status: string } }>({ query: gql(COMMAND), variables: { id } })
      .subscribe({
        next: ({ data, error }) => (error ? observer.error(error) : observer.next(data?.command.status ?? '')),
        complete: observer.complete,
        error: observer.error,
      })
    return () => subscription.unsubscribe()
  }, release)
  expect(states).toEqual(['PENDING', 'SUCCEEDED'])
})

test('Apollo Client waits for an outcome in a mutation, and keeps it in its cache by its Node id', async () => {
  const { url, token, release } = await start()
  release()
  const apollo = new ApolloClient({
    link: new HttpLink({ uri: url, headers: { Authorization: `Bearer ${token}` } }),
    cache: new InMemoryCache(),
  })
  onTestFinished(() => apollo.stop())
  const { data } = await apollo.mutate<{
    requestDeviceIdentifier: { command: { id: string; outcome: { status: string } } }
  }>({
    mutation: gql(
      'mutation { requestDeviceIdentifier(input: { deviceName: "y" }) { command { id outcome { status } } } }',
    ),
  })
  const command = data?.requestDeviceIdentifier.command
  expect(command?.outcome.status).toBe('SUCCEEDED')
  expect(Object.keys(apollo.cache.extract() as object)).toContain(`Command:${command?.id}`)
})

test.each(['WebSocket', 'server-sent events'] as const)('urql follows a command over %s', async (transport) => {
  const { url, token, id, release } = await start()
  const headers = { Authorization: `Bearer ${token}` }
  const ws = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket, connectionParams: headers })
  onTestFinished(() => ws.dispose() as Promise<void>)
  const urql = new Client({
    url,
    preferGetMethod: false,
    fetchOptions: { headers },
    ...(transport === 'server-sent events'
      ? { fetchSubscriptions: true, exchanges: [fetchExchange] }
      : {
          exchanges: [
            subscriptionExchange({
              forwardSubscription: ({ query = '', variables }) => ({
                subscribe: (sink) => ({
                  unsubscribe: ws.subscribe({ query, variables: variables as Record<string, unknown> }, sink as never),
                }),
              }),
            }),
          ],
        }),
  })
  const states = await collect((observer) => {
    const { unsubscribe } = urql.subscription<{ command: { status: string } }>(COMMAND, { id }).subscribe((result) => {
      if (result.error) observer.error(result.error)
      // At the end it tells the last result again, with nothing next.
      else if (result.hasNext === false) observer.complete()
      else observer.next(result.data?.command.status ?? '')
    })
    return unsubscribe
  }, release)
  expect(states).toEqual(['PENDING', 'SUCCEEDED'])
})
