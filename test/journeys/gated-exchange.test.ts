// A policy makes an exchange wait for a vote, and the vote decides the command.
import { expect, test } from 'vitest'
import { gateway, type TestGateway } from '../support/gateway.ts'

/** Alice's rules: whoever stores data needs a yes of every authenticator. */
async function gateTheExchange({ run }: TestGateway) {
  const { data } = await run(`mutation {
    registerVotingConfiguration(input: { name: "All of us", timeLimitSeconds: 600, strategy: UNANIMOUS }) {
      votingConfiguration { configurationId }
    }
  }`)
  const { configurationId } = data?.registerVotingConfiguration.votingConfiguration ?? {}

  const templates =
    (await run('{ policyTemplates { templateId events { eventId name } } }')).data?.policyTemplates ?? []
  const exchanges = (event: { name: string }) => event.name.endsWith('exchange_data_for_token')
  const template = templates.find(({ events }: { events: { name: string }[] }) => events.some(exchanges))
  const registered = await run(
    'mutation ($input: RegisterPolicyInput!) { registerPolicy(input: $input) { policy { policyId state votingConfiguration { name } } } }',
    {
      input: {
        name: 'Nothing is stored alone',
        templateId: template.templateId,
        eventIds: [template.events.find(exchanges).eventId],
        votingConfigurationId: configurationId,
        configuration: { reason: 'four eyes' },
      },
    },
  )
  expect(registered.data?.registerPolicy.policy).toMatchObject({
    state: 'INACTIVE',
    votingConfiguration: { name: 'All of us' },
  })
  return (active: boolean) =>
    run(
      `mutation ($id: ID!) { change: ${active ? 'activatePolicy' : 'deactivatePolicy'}(input: { policyId: $id }) { policy { state } } }`,
      { id: registered.data?.registerPolicy.policy.policyId },
    )
}

/** Begins to store a payload; answers the exchange's command, as it is after a moment. */
async function exchange({ run }: TestGateway) {
  const reserved = await run(
    'mutation { reserveTokenSpace(input: { context: "contracts" }) { temporaryDataToken { token } userErrors { message } } }',
  )
  const { data, errors } = await run(
    `mutation ($input: ExchangeDataForTokenInput!) {
      exchangeDataForToken(input: $input) { command { commandId outcome(timeoutMs: 300) { status } } userErrors { message } }
    }`,
    {
      input: {
        temporaryToken: reserved.data?.reserveTokenSpace.temporaryDataToken.token,
        data: Buffer.from('iv, ciphertext and tag').toString('base64'),
      },
    },
  )
  expect(errors).toBeUndefined()
  const { command, userErrors } = data?.exchangeDataForToken ?? {}
  expect(userErrors).toEqual([])
  return command as { commandId: string; outcome: { status: string } }
}

const outcomeOf = async ({ run }: TestGateway, commandId: string) =>
  (await run('query ($id: ID!) { command(commandId: $id) { outcome { status reason } } }', { id: commandId })).data
    ?.command.outcome

const poolOf = async ({ run, privicore }: TestGateway, commandId: string) => {
  const poolId = privicore.poolOf(commandId)?.id
  const { data } = await run('query ($id: ID!) { votingPool(poolId: $id) { poolId state yes no pending } }', {
    id: poolId,
  })
  return data?.votingPool
}

test('nobody stores data alone: the command waits for the vote, and ends as the vote does', async () => {
  const started = await gateway()
  const setActive = await gateTheExchange(started)
  const voters = [...started.privicore.state.profile('alice').authenticators.keys()]
  expect(voters.length).toBeGreaterThan(1)

  // While the policy is INACTIVE, nothing waits.
  expect((await exchange(started)).outcome.status).toBe('SUCCEEDED')

  expect((await setActive(true)).data?.change.policy.state).toBe('ACTIVE')
  const agreed = await exchange(started)
  expect(agreed.outcome.status).toBe('PENDING')
  const { poolId, ...open } = await poolOf(started, agreed.commandId)
  expect(open).toEqual({ state: 'OPEN', yes: 0, no: 0, pending: voters.length })
  const [first, ...others] = voters
  started.privicore.vote(poolId, first ?? '', 'yes')
  expect(await poolOf(started, agreed.commandId)).toMatchObject({ state: 'OPEN', yes: 1 })
  for (const voter of others) started.privicore.vote(poolId, voter, 'yes')
  expect(await poolOf(started, agreed.commandId)).toMatchObject({ state: 'APPROVED', yes: voters.length, pending: 0 })
  expect(await outcomeOf(started, agreed.commandId)).toEqual({ status: 'SUCCEEDED', reason: null })

  const refused = await exchange(started)
  const contested = await poolOf(started, refused.commandId)
  started.privicore.vote(contested.poolId, first ?? '', 'no')
  expect(await poolOf(started, refused.commandId)).toMatchObject({ state: 'DENIED', no: 1 })
  expect(await outcomeOf(started, refused.commandId)).toEqual({ status: 'REJECTED', reason: 'voting.denied' })

  const forgotten = await exchange(started)
  started.privicore.expirePool((await poolOf(started, forgotten.commandId)).poolId)
  expect(await poolOf(started, forgotten.commandId)).toMatchObject({ state: 'EXPIRED' })
  expect((await outcomeOf(started, forgotten.commandId)).status).toBe('REJECTED')

  // The policy is lifted: nothing waits any more.
  expect((await setActive(false)).data?.change.policy.state).toBe('INACTIVE')
  expect((await exchange(started)).outcome.status).toBe('SUCCEEDED')
  expect(started.privicore.count('dataToken.exchange')).toBe(5)
})
