import { expect, test } from 'vitest'
import { gateway } from '../support/gateway.ts'

const create =
  'mutation ($input: CreateVotingInput!) { createVoting(input: $input) { command { commandId operation } pool { id poolId state title question yes no pending expiresAt raw } userErrors { field message } } }'

const shapes = (['command', 'poolId', 'id', 'both'] as const).flatMap((votingCreateAnswer) =>
  (['202', '200'] as const).map((votingCreateStatus) => ({ votingCreateAnswer, votingCreateStatus })),
)

test.each(shapes)('a question comes back with its pool: %o', async (dialect) => {
  const { run, privicore } = await gateway({ sandbox: { dialect } })
  const [configuration] = privicore.state.profile('alice').votingConfigurations.values()
  const input = { votingConfigurationId: configuration?.id, title: 'Release', question: 'Shall we?', nonce: 'n-1' }
  const { data, errors } = await run(create, { input })
  expect(errors).toBeUndefined()
  const { command, pool, userErrors } = data?.createVoting ?? {}
  expect(userErrors).toEqual([])
  expect(command.operation).toBe('voting.create')
  expect(pool).toMatchObject({ state: 'OPEN', title: 'Release', question: 'Shall we?', yes: 0, no: 0 })
  expect(pool.pending).toBeGreaterThan(0)
  expect(pool.raw).toMatchObject({ title: 'Release' })
  expect([...privicore.state.pools.keys()]).toEqual([pool.poolId])
  expect(command.commandId === pool.poolId).toBe(dialect.votingCreateAnswer === 'command')
  const node = await run('query ($id: ID!) { node(id: $id) { ... on VotingPool { title } } }', { id: pool.id })
  expect(node.data?.node).toEqual({ title: 'Release' })
  expect(privicore.count('voting.create')).toBe(1)
})

test.each(['counts', 'ballots', 'snake'] as const)(
  'votes show in the pool until it is decided (%s)',
  async (poolSnapshot) => {
    const { run, privicore } = await gateway({ sandbox: { dialect: { poolSnapshot } } })
    const { votingConfigurations, authenticators } = privicore.state.profile('alice')
    const everybody = [...votingConfigurations.values()].find(({ strategy }) => strategy === 'unanimous')
    const created = await run(create, {
      input: { votingConfigurationId: everybody?.id, title: 'Release', question: 'Shall we?' },
    })
    const { poolId, expiresAt } = created.data?.createVoting.pool ?? {}
    expect(Date.parse(expiresAt)).toBeGreaterThan(Date.now())
    const look = async () =>
      (await run('query ($id: ID!) { votingPool(poolId: $id) { state yes no pending } }', { id: poolId })).data
        ?.votingPool
    const [first, ...others] = [...authenticators.keys()]
    privicore.vote(poolId, first ?? '', 'yes')
    expect(await look()).toEqual({ state: 'OPEN', yes: 1, no: 0, pending: others.length })
    for (const device of others) privicore.vote(poolId, device, 'yes')
    expect(await look()).toEqual({ state: 'APPROVED', yes: others.length + 1, no: 0, pending: 0 })
  },
)

test('a denied and an expired pool say so', async () => {
  const { run, privicore } = await gateway()
  const { votingConfigurations, authenticators } = privicore.state.profile('alice')
  const everybody = [...votingConfigurations.values()].find(({ strategy }) => strategy === 'unanimous')
  const open = async () =>
    (await run(create, { input: { votingConfigurationId: everybody?.id, title: 't', question: 'q' } })).data
      ?.createVoting.pool.poolId
  const denied = await open()
  privicore.vote(denied, [...authenticators.keys()][0] ?? '', 'no')
  const expired = await open()
  privicore.expirePool(expired)
  const { data } = await run(
    'query ($a: ID!, $b: ID!) { a: votingPool(poolId: $a) { state no } b: votingPool(poolId: $b) { state } none: votingPool(poolId: "x") { state } }',
    { a: denied, b: expired },
  )
  expect(data).toEqual({ a: { state: 'DENIED', no: 1 }, b: { state: 'EXPIRED' }, none: null })
})

test('a command whose id is no pool leads to no pool, and is not sent again', async () => {
  const { run, privicore } = await gateway({ env: { REQUEST_TIMEOUT_MS: '1500' } })
  privicore.fault('voting.pool', { kind: 'status', status: 404 })
  const [configuration] = privicore.state.profile('alice').votingConfigurations.values()
  const { data, errors } = await run(create, {
    input: { votingConfigurationId: configuration?.id, title: 't', question: 'q' },
  })
  expect(errors).toBeUndefined()
  expect(data?.createVoting).toMatchObject({ command: { operation: 'voting.create' }, pool: null, userErrors: [] })
  expect(privicore.count('voting.create')).toBe(1)
})

test('a rejected voting has no pool', async () => {
  const { run } = await gateway({ sandbox: { dialect: { votingCreateAnswer: 'command' } } })
  const { data, errors } = await run(
    'mutation ($input: CreateVotingInput!) { createVoting(input: $input) { pool { state } command { outcome { status reason } } } }',
    { input: { votingConfigurationId: 'unknown', title: 't', question: 'q' } },
  )
  expect(errors).toBeUndefined()
  expect(data?.createVoting).toEqual({
    pool: null,
    command: { outcome: { status: 'REJECTED', reason: 'voting_configuration.not_found' } },
  })
})

test('authenticators that are to be skipped are not asked', async () => {
  const { run, privicore } = await gateway()
  const { votingConfigurations, authenticators } = privicore.state.profile('alice')
  const [configuration] = votingConfigurations.values()
  const [skipped] = authenticators.keys()
  const { data } = await run(create, {
    input: {
      votingConfigurationId: configuration?.id,
      title: 't',
      question: 'q',
      skipAuthenticatorDevices: [skipped],
    },
  })
  expect(data?.createVoting.pool.pending).toBe(authenticators.size - 1)
})
