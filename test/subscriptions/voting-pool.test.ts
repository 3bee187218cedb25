// `votingPool`: Privicore announces nothing of a vote, so the gateway asks; clients see the state, each change, and the end.
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { gateway } from '../support/gateway.ts'
import { listen, subscribe, type Transport, transports } from '../support/subscribing.ts'

const POOL = 'subscription ($id: ID!) { votingPool(poolId: $id) { poolId state yes no pending } }'

async function start(transport: Transport) {
  const { gateway: started, privicore, run } = await gateway()
  const url = await listen(started)
  const { votingConfigurations, authenticators } = privicore.state.profile('alice')
  const everybody = [...votingConfigurations.values()].find(({ strategy }) => strategy === 'unanimous')
  const { data } = await run(
    'mutation ($input: CreateVotingInput!) { createVoting(input: $input) { pool { poolId } } }',
    { input: { votingConfigurationId: everybody?.id, title: 'Release', question: 'Shall we?' } },
  )
  return {
    privicore,
    url,
    poolId: data?.createVoting.pool.poolId as string,
    devices: [...authenticators.keys()],
    follow: (id: string, token: string | null = privicore.tokens.alice) =>
      subscribe(transport, { url, token, query: POOL, variables: { id } }),
  }
}

describe.each(transports)('votingPool over %s', (transport) => {
  test('the pool now, then every change, then the end', async () => {
    const { privicore, poolId, devices, follow } = await start(transport)
    const events = follow(poolId)
    const all = devices.length
    const pool = async () => (await events.next())?.data?.votingPool
    expect(await pool()).toEqual({ poolId, state: 'OPEN', yes: 0, no: 0, pending: all })
    privicore.vote(poolId, devices[0] ?? '', 'yes')
    expect(await pool()).toEqual({ poolId, state: 'OPEN', yes: 1, no: 0, pending: all - 1 })
    privicore.vote(poolId, devices[1] ?? '', 'no')
    expect(await pool()).toMatchObject({ state: 'DENIED', no: 1 })
    expect(await events.next()).toBeUndefined()
  })

  test('resolved already: one event, then the end', async () => {
    const { privicore, poolId, follow } = await start(transport)
    privicore.expirePool(poolId)
    expect(await follow(poolId).rest()).toMatchObject([{ data: { votingPool: { state: 'EXPIRED' } } }])
  })

  test('an unknown pool, another’s, and no token are errors that say which', async () => {
    const { poolId, follow, privicore } = await start(transport)
    const codeOf = async (id: string, token?: string | null) => {
      const end = await follow(id, token)
        .next()
        .catch((error: unknown) => ({ errors: error }))
      return /"code":"([A-Z_]+)"/.exec(JSON.stringify(end))?.[1]
    }
    expect(await codeOf('no-such-pool')).toBe('NOT_FOUND')
    expect(await codeOf(poolId, privicore.tokens.bob)).toMatch(/NOT_FOUND|FORBIDDEN/)
    expect(await codeOf(poolId, null)).toBe('UNAUTHENTICATED')
  })

  test('an outage of Privicore is no change: it goes on after it', async () => {
    const { privicore, poolId, devices, follow } = await start(transport)
    const events = follow(poolId)
    await events.next()
    privicore.fault('voting.pool', { kind: 'status', status: 503 }, 4)
    privicore.vote(poolId, devices[0] ?? '', 'yes')
    expect(await events.next()).toMatchObject({ data: { votingPool: { yes: 1 } } })
  })

  test('several subscribers share the asking; when the last has left, nobody asks', async () => {
    const { privicore, poolId, follow } = await start(transport)
    const followers = [follow(poolId), follow(poolId), follow(poolId)]
    for (const events of followers) await events.next()
    await sleep(100)
    privicore.reset()
    await sleep(400)
    // One every 40 ms, jittered, whoever follows.
    expect(privicore.count('voting.pool')).toBeLessThan(18)
    for (const events of followers) await events.leave()
    await sleep(60)
    const asked = privicore.count('voting.pool')
    await sleep(150)
    expect(privicore.count('voting.pool')).toBe(asked)
  })

  test('whoever comes back gets the pool as it is now', async () => {
    const { privicore, poolId, devices, follow } = await start(transport)
    const first = follow(poolId)
    await first.next()
    await first.leave()
    privicore.vote(poolId, devices[0] ?? '', 'yes')
    expect(await follow(poolId).next()).toMatchObject({ data: { votingPool: { yes: 1 } } })
  })

  test('it ends with its token', async () => {
    const { privicore, poolId, follow } = await start(transport)
    const events = follow(poolId)
    await events.next()
    privicore.revoke(privicore.tokens.alice)
    const end = await events.next().catch((error: unknown) => ({ errors: error }))
    await vi.waitFor(() => expect(JSON.stringify(end)).toContain('UNAUTHENTICATED'))
  })
})
