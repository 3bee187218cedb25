import { describe, expect, test } from 'vitest'
import { gateway } from '../support/gateway.ts'

test('a device begins to vote and ends it, each in one request', async () => {
  const { run, privicore } = await gateway({ sandbox: { retrievalLagMs: 30 } })
  const profile = privicore.state.profile('alice')
  const free = [...profile.devices.values()].find(
    ({ approved, deviceIdentifier }) => approved && !profile.authenticators.has(deviceIdentifier),
  )
  const input = { deviceIdentifier: free?.deviceIdentifier }
  const registered = await run(
    'mutation ($input: DeviceInput!) { registerAuthenticator(input: $input) { authenticator { id createdAt device { name } } userErrors { message } } }',
    { input },
  )
  const { id } = registered.data?.registerAuthenticator.authenticator ?? {}
  expect(registered.data?.registerAuthenticator).toEqual({
    authenticator: { id, createdAt: expect.stringMatching(/^\d{4}-/), device: { name: free?.name } },
    userErrors: [],
  })
  expect((await run('query ($id: ID!) { node(id: $id) { __typename } }', { id })).data?.node.__typename).toBe(
    'Authenticator',
  )
  const removed = await run(
    'mutation ($input: DeviceInput!) { removeAuthenticator(input: $input) { device { name } deletedAuthenticatorId } }',
    { input },
  )
  expect(removed.data?.removeAuthenticator).toEqual({ device: { name: free?.name }, deletedAuthenticatorId: id })
})

describe('the voting strategy', () => {
  const rules = 'quorumSize strategy percentageRequired timeLimitSeconds maximumAttempts'

  test.each(['camel', 'snake'] as const)(
    'is set rule by rule, and shows each at once (%s keys)',
    async (strategyKeys) => {
      const { run } = await gateway({ sandbox: { retrievalLagMs: 30, dialect: { strategyKeys } } })
      const set = async (mutation: string, input: string) => {
        const { data, errors } = await run(
          `mutation { ${mutation}(input: ${input}) { votingStrategy { ${rules} } userErrors { message } } }`,
        )
        expect(errors).toBeUndefined()
        expect(data?.[mutation].userErrors).toEqual([])
        return data?.[mutation].votingStrategy
      }
      expect(await set('setQuorumSize', '{ size: 4 }')).toMatchObject({ quorumSize: 4 })
      expect(await set('setVotingTimeLimit', '{ seconds: 77 }')).toMatchObject({ timeLimitSeconds: 77 })
      expect(await set('setMaximumVotingAttempts', '{ attempts: 9 }')).toMatchObject({ maximumAttempts: 9 })
      const all = await set('setQuorumStrategy', '{ strategy: MINIMUM_PERCENTAGE, percentageRequired: 66 }')
      expect(all).toEqual({
        quorumSize: 4,
        strategy: 'MINIMUM_PERCENTAGE',
        percentageRequired: 66,
        timeLimitSeconds: 77,
        maximumAttempts: 9,
      })
      expect((await run(`{ votingStrategy { ${rules} } }`)).data?.votingStrategy).toEqual(all)
    },
  )

  test.each([
    ['setQuorumSize', '{ size: 0 }', 'size', 'authenticator.quorumSize'],
    ['setVotingTimeLimit', '{ seconds: 0 }', 'seconds', 'authenticator.timeLimit'],
    ['setMaximumVotingAttempts', '{ attempts: 0 }', 'attempts', 'authenticator.maxAttempts'],
  ])("%s: what Privicore's validator says is told of the input's own field", async (mutation, input, field) => {
    const { run } = await gateway()
    const { data } = await run(
      `mutation { ${mutation}(input: ${input}) { command { status } votingStrategy { strategy } userErrors { field code } } }`,
    )
    expect(data?.[mutation]).toEqual({
      command: null,
      votingStrategy: null,
      userErrors: [{ field: ['input', field], code: 'VALIDATION_FAILED' }],
    })
  })

  test.each([-1, 101])('%i percent are refused without a call', async (percentageRequired) => {
    const { run, privicore } = await gateway()
    const { data } = await run(
      `mutation { setQuorumStrategy(input: { strategy: CONSENSUS, percentageRequired: ${percentageRequired} }) { command { status } userErrors { field code } } }`,
    )
    expect(data?.setQuorumStrategy).toEqual({
      command: null,
      userErrors: [{ field: ['input', 'percentageRequired'], code: 'VALIDATION_FAILED' }],
    })
    expect(privicore.count()).toBe(0)
  })
})

describe('voting configurations', () => {
  const shape =
    'id configurationId name strategy percentageRequired timeLimitSeconds deviceIdentifiers devices { name }'

  test.each(['id', 'name'] as const)('are made and changed, each in one request (%s is the id)', async (key) => {
    const { run, privicore } = await gateway({
      sandbox: { retrievalLagMs: 30, dialect: { votingConfigurationKey: key } },
    })
    const [deviceIdentifier] = privicore.state.profile('alice').authenticators.keys()
    const { name } = privicore.state.device(deviceIdentifier ?? '')
    const made = await run(
      `mutation ($input: RegisterVotingConfigurationInput!) { registerVotingConfiguration(input: $input) { votingConfiguration { ${shape} } userErrors { message } } }`,
      {
        input: {
          name: 'Board',
          timeLimitSeconds: 60,
          strategy: 'MINIMUM_PERCENTAGE',
          percentageRequired: 75,
          deviceIdentifiers: [deviceIdentifier],
        },
      },
    )
    const configuration = made.data?.registerVotingConfiguration.votingConfiguration
    expect(made).toEqual({
      data: {
        registerVotingConfiguration: {
          votingConfiguration: {
            id: configuration?.id,
            configurationId: key === 'name' ? 'Board' : configuration?.configurationId,
            name: 'Board',
            strategy: 'MINIMUM_PERCENTAGE',
            percentageRequired: 75,
            timeLimitSeconds: 60,
            deviceIdentifiers: [deviceIdentifier],
            devices: [{ name }],
          },
          userErrors: [],
        },
      },
    })
    const node = await run('query ($id: ID!) { node(id: $id) { ... on VotingConfiguration { name } } }', {
      id: configuration?.id,
    })
    expect(node.data?.node).toEqual({ name: 'Board' })

    privicore.reset()
    const changed = await run(
      `mutation ($input: UpdateVotingConfigurationInput!) { updateVotingConfiguration(input: $input) { votingConfiguration { ${shape} } userErrors { message } } }`,
      {
        input: {
          configurationId: configuration?.configurationId,
          name: 'The board',
          strategy: 'UNANIMOUS',
          timeLimitSeconds: null,
        },
      },
    )
    expect(changed.errors).toBeUndefined()
    expect(changed.data?.updateVotingConfiguration.votingConfiguration).toMatchObject({
      configurationId: key === 'name' ? 'The board' : configuration?.configurationId,
      name: 'The board',
      strategy: 'UNANIMOUS',
      percentageRequired: null,
      timeLimitSeconds: 60,
    })
    expect(
      JSON.parse(privicore.requests.find(({ endpoint }) => endpoint === 'votingConfiguration.update')?.rawBody ?? ''),
    ).toEqual({ id: configuration?.configurationId, name: 'The board', strategy: 'unanimous' })
  })

  test.each([
    ['register', '{ name: "a", timeLimitSeconds: 1, strategy: MINIMUM_PERCENTAGE }'],
    ['register', '{ name: "a", timeLimitSeconds: 1, strategy: CONSENSUS, percentageRequired: 50 }'],
    ['register', '{ name: "a", timeLimitSeconds: 1, strategy: MINIMUM_PERCENTAGE, percentageRequired: 101 }'],
    ['register', '{ name: "a", timeLimitSeconds: 1, strategy: MINIMUM_PERCENTAGE, percentageRequired: -1 }'],
    ['update', '{ configurationId: "a", strategy: MINIMUM_PERCENTAGE }'],
    ['update', '{ configurationId: "a", strategy: AFFIRMATIVE, percentageRequired: 0 }'],
    ['update', '{ configurationId: "a", percentageRequired: 101 }'],
  ])('a percentage that does not go with the strategy is refused without a call: %s %s', async (verb, input) => {
    const { run, privicore } = await gateway()
    const field = `${verb}VotingConfiguration`
    const { data, errors } = await run(
      `mutation { ${field}(input: ${input}) { command { status } votingConfiguration { name } userErrors { field code } } }`,
    )
    expect(errors).toBeUndefined()
    expect(data?.[field]).toEqual({
      command: null,
      votingConfiguration: null,
      userErrors: [{ field: ['input', 'percentageRequired'], code: 'VALIDATION_FAILED' }],
    })
    expect(privicore.count()).toBe(0)
  })

  test("what Privicore's validator says is told of the input's own field", async () => {
    const { run } = await gateway()
    const { data } = await run(
      'mutation { registerVotingConfiguration(input: { name: "a", timeLimitSeconds: 0, strategy: UNANIMOUS }) { userErrors { field } } }',
    )
    expect(data?.registerVotingConfiguration.userErrors).toEqual([{ field: ['input', 'timeLimitSeconds'] }])
  })

  test('one by its id is one call, several are one list, and none is null', async () => {
    const { run, privicore } = await gateway({
      env: { CACHE: 'off' },
      sandbox: { dialect: { votingConfigurationKey: 'id' } },
    })
    const [first, second] = [...privicore.state.profile('alice').votingConfigurations.values()]
    const one = 'query ($a: ID!) { a: votingConfiguration(configurationId: $a) { name } }'
    expect((await run(one, { a: first?.id })).data).toEqual({ a: { name: first?.name } })
    expect((await run(one, { a: second?.name })).data).toEqual({ a: { name: second?.name } })
    expect(privicore.requests.map(({ endpoint }) => endpoint)).toEqual([
      'votingConfiguration.get',
      'votingConfiguration.get',
    ])
    privicore.reset()
    expect((await run(one, { a: 'unknown' })).data).toEqual({ a: null })
    // The server is known to have that row: its 404 is the answer.
    expect(privicore.count()).toBe(1)

    privicore.reset()
    const several =
      'query ($a: ID!, $b: ID!) { a: votingConfiguration(configurationId: $a) { name } b: votingConfiguration(configurationId: $b) { name } none: votingConfiguration(configurationId: "x") { name } }'
    expect((await run(several, { a: first?.id, b: second?.name })).data).toEqual({
      a: { name: first?.name },
      b: { name: second?.name },
      none: null,
    })
    expect(privicore.requests.map(({ endpoint }) => endpoint)).toEqual(['votingConfiguration.list'])

    privicore.reset()
    await run('query ($a: ID!) { votingConfigurations { name } votingConfiguration(configurationId: $a) { name } }', {
      a: first?.id,
    })
    expect(privicore.requests.map(({ endpoint }) => endpoint)).toEqual(['votingConfiguration.list'])
  })

  test.each([404, 405])('a server that answers %i to every single lookup is asked for its list', async (status) => {
    const { run, privicore } = await gateway({ sandbox: { dialect: { votingConfigurationKey: 'id' } } })
    const [first] = [...privicore.state.profile('alice').votingConfigurations.values()]
    privicore.fault('votingConfiguration.get', { kind: 'status', status })
    const { data, errors } = await run(
      'query ($a: ID!) { votingConfiguration(configurationId: $a) { configurationId } }',
      { a: first?.id },
    )
    expect(errors).toBeUndefined()
    expect(data?.votingConfiguration).toEqual({ configurationId: first?.id })
    expect(privicore.count('votingConfiguration.list')).toBe(1)
  })

  test('the devices of all of them are one call', async () => {
    const { run, privicore } = await gateway()
    const { authenticators, votingConfigurations } = privicore.state.profile('alice')
    for (const configuration of votingConfigurations.values())
      configuration.deviceIdentifiers = [...authenticators.keys(), 'gone']
    const { data } = await run('{ votingConfigurations { deviceIdentifiers devices { deviceIdentifier } } }')
    expect(data?.votingConfigurations.length).toBeGreaterThan(1)
    for (const { deviceIdentifiers, devices } of data?.votingConfigurations ?? []) {
      expect(deviceIdentifiers).toEqual([...authenticators.keys(), 'gone'])
      expect(devices).toEqual([...authenticators.keys()].map((deviceIdentifier) => ({ deviceIdentifier })))
    }
    expect(privicore.count()).toBe(2)
  })
})
