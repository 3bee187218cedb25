import { describe, expect, test } from 'vitest'
import { gateway, type TestGateway } from '../support/gateway.ts'

const endpointsOf = ({ privicore }: TestGateway) => privicore.requests.map(({ endpoint }) => endpoint).toSorted()

/** Gives alice that many policies, of every template and voting configuration in turn. */
function populate({ privicore }: TestGateway, count: number) {
  const { policies, votingConfigurations } = privicore.state.profile('alice')
  const templates = [...privicore.state.templates.entries()]
  const configurations = [...votingConfigurations.values()]
  policies.clear()
  return Array.from({ length: count }, (_, index) => {
    const [templateId, template] = templates[index % templates.length] ?? ['', undefined]
    const configuration = configurations[index % configurations.length]
    policies.set(`policy-${index}`, {
      id: `policy-${index}`,
      name: `Policy ${index}`,
      policyTemplateId: templateId,
      applyingEventIds: Object.keys(template?.events ?? {}),
      votingConfigurationId: configuration?.id ?? null,
      configuration: { reason: `reason ${index}` },
      active: index % 2 === 0,
      createdAt: Date.now(),
    })
    const events = Object.entries(template?.events ?? {}).map(([eventId, event]) => {
      const [[name, label] = []] = Object.entries(event)
      return { eventId, name, label }
    })
    return {
      name: `Policy ${index}`,
      state: index % 2 === 0 ? 'ACTIVE' : 'INACTIVE',
      template: { name: template?.name },
      events,
      votingConfiguration: { name: configuration?.name },
      configuration: { reason: `reason ${index}` },
    }
  })
}

const everything =
  'name state template { name } events { eventId name label } votingConfiguration { name } configuration'

test.each(['array', 'keyed', 'items'] as const)(
  '20 policies with all they refer to are three calls (%s)',
  async (policyList) => {
    const started = await gateway({ sandbox: { dialect: { policyList } } })
    const expected = populate(started, 20)
    const { data, errors } = await started.run(`{ policies { ${everything} } }`)
    expect(errors).toBeUndefined()
    expect(data?.policies).toEqual(expected)
    expect(endpointsOf(started)).toEqual(['policy.list', 'policy.templates', 'votingConfiguration.list'])
  },
)

describe('where the records say no more than id and name', () => {
  const minimal = { sandbox: { dialect: { policyFields: 'minimal' } } } as const

  test('the state is told by the list of active ones, in one call', async () => {
    // A compiled query would start the lists of its relations before it knows that the records name none.
    const started = await gateway({ ...minimal, compileAfter: 2 })
    const expected = populate(started, 20)
    const { data, errors } = await started.run(`{ policies { ${everything} } }`)
    expect(errors).toBeUndefined()
    expect(data?.policies).toEqual(
      expected.map(({ name, state }) => ({
        name,
        state,
        template: null,
        events: null,
        votingConfiguration: null,
        configuration: null,
      })),
    )
    expect(endpointsOf(started)).toEqual(['policy.list', 'policy.listActive'])
  })

  test.each(['ACTIVE', 'INACTIVE'])('those that are %s are what their list holds, in one call', async (state) => {
    const started = await gateway(minimal)
    populate(started, 4)
    const { data } = await started.run('query ($state: PolicyState) { policies(state: $state) { name state } }', {
      state,
    })
    const names = state === 'ACTIVE' ? ['Policy 0', 'Policy 2'] : ['Policy 1', 'Policy 3']
    expect(data?.policies).toEqual(names.map((name) => ({ name, state })))
    expect(endpointsOf(started)).toEqual([state === 'ACTIVE' ? 'policy.listActive' : 'policy.listInactive'])
  })

  test('a state that cannot be told is null, with an error, and costs nothing else', async () => {
    const started = await gateway(minimal)
    populate(started, 1)
    started.privicore.fault('policy.listActive', { kind: 'status', status: 500 })
    const { data, errors } = await started.run('{ policies { name state } }')
    expect(data?.policies).toEqual([{ name: 'Policy 0', state: null }])
    expect(errors?.map(({ path }) => path)).toEqual([['policies', 0, 'state']])
  })

  test('an activated policy shows as ACTIVE', async () => {
    const { run } = await gateway({ sandbox: { retrievalLagMs: 30, ...minimal.sandbox } })
    const { data } = await run(
      'mutation { activatePolicy(input: { name: "Vote on exchange" }) { policy { name state } userErrors { message } } }',
    )
    expect(data?.activatePolicy).toEqual({ policy: { name: 'Vote on exchange', state: 'ACTIVE' }, userErrors: [] })
  })
})

test('templates say what a policy can be made of; any number of lookups is one call', async () => {
  const { run, privicore } = await gateway()
  const [[templateId, template] = []] = privicore.state.templates.entries()
  const { data } = await run(
    `query ($id: ID!) {
      policyTemplates { id templateId name description events { eventId name label } configurationKeys votingAttributes }
      policyTemplate(templateId: $id) { id name }
      none: policyTemplate(templateId: "x") { id }
    }`,
    { id: templateId },
  )
  expect(data?.policyTemplates).toHaveLength(privicore.state.templates.size)
  const [{ id, ...first }] = data?.policyTemplates ?? []
  expect(first).toEqual({
    templateId,
    name: template?.name,
    description: template?.description,
    events: Object.entries(template?.events ?? {}).map(([eventId, event]) => ({
      eventId,
      name: Object.keys(event)[0],
      label: Object.values(event)[0],
    })),
    configurationKeys: template?.configuration,
    votingAttributes: template?.votingAttributes,
  })
  expect(data?.policyTemplate).toEqual({ id, name: template?.name })
  expect(data?.none).toBeNull()
  expect(privicore.count()).toBe(1)
  expect((await run('query ($id: ID!) { node(id: $id) { id __typename } }', { id })).data?.node).toEqual({
    id,
    __typename: 'PolicyTemplate',
  })
})

test.each(['a/b c?d#e', 'Zwei Köpfe 🗳️', '100 %', 'a+b&c=d'])('a policy is found by its name: %s', async (name) => {
  const started = await gateway()
  populate(started, 1)
  const [one] = started.privicore.state.profile('alice').policies.values()
  if (one) one.name = name
  const { data } = await started.run(
    'query ($name: String!) { policy(name: $name) { id name policyId } none: policy(name: "no such") { id } }',
    { name },
  )
  expect(data).toEqual({ policy: { id: data?.policy.id, name, policyId: 'policy-0' }, none: null })
  const node = await started.run('query ($id: ID!) { node(id: $id) { ... on Policy { name } } }', {
    id: data?.policy.id,
  })
  expect(node.data?.node).toEqual({ name })
})

test.each(['votingConfigurationId', 'configurationId'] as const)(
  'a policy is made, activated, deactivated and deleted, each in one request (the server reads %s)',
  async (policyVotingKey) => {
    const started = await gateway({ sandbox: { retrievalLagMs: 30, dialect: { policyVotingKey } } })
    const { run, privicore } = started
    const [[templateId, template] = []] = privicore.state.templates.entries()
    const [configuration] = privicore.state.profile('alice').votingConfigurations.values()
    const eventIds = Object.keys(template?.events ?? {})
    const made = await run(
      `mutation ($input: RegisterPolicyInput!) { registerPolicy(input: $input) { command { operation } policy { id policyId ${everything} createdAt } userErrors { message } } }`,
      {
        input: {
          name: 'Four eyes',
          templateId,
          eventIds,
          votingConfigurationId: configuration?.id,
          configuration: { reason: 'two of us' },
        },
      },
    )
    const { id, policyId } = made.data?.registerPolicy.policy ?? {}
    expect(made).toEqual({
      data: {
        registerPolicy: {
          command: { operation: 'policy.register' },
          policy: {
            id,
            policyId,
            name: 'Four eyes',
            state: 'INACTIVE',
            template: { name: template?.name },
            events: eventIds.map((eventId) => expect.objectContaining({ eventId, name: expect.any(String) })),
            votingConfiguration: { name: configuration?.name },
            configuration: { reason: 'two of us' },
            createdAt: expect.any(String),
          },
          userErrors: [],
        },
      },
    })
    expect(privicore.count('policy.register')).toBe(1)

    const active = await run(
      'mutation ($id: ID!) { activatePolicy(input: { policyId: $id }) { policy { id state } userErrors { message } } }',
      { id: policyId },
    )
    expect(active.data?.activatePolicy).toEqual({ policy: { id, state: 'ACTIVE' }, userErrors: [] })
    const inactive = await run(
      'mutation { deactivatePolicy(input: { name: "Four eyes" }) { policy { id state } userErrors { message } } }',
    )
    expect(inactive.data?.deactivatePolicy).toEqual({ policy: { id, state: 'INACTIVE' }, userErrors: [] })
    const deleted = await run(
      'mutation { deletePolicy(input: { name: "Four eyes" }) { deletedPolicyId userErrors { message } } }',
    )
    expect(deleted.data?.deletePolicy).toEqual({ deletedPolicyId: id, userErrors: [] })
  },
)

test('an unknown name is NOT_FOUND, and no command is sent', async () => {
  const { run, privicore } = await gateway()
  for (const mutation of ['activatePolicy', 'deactivatePolicy', 'deletePolicy']) {
    const { data, errors } = await run(`mutation { ${mutation}(input: { name: "no such" }) { command { status } } }`)
    expect(data).toEqual({ [mutation]: null })
    expect(errors?.[0]?.extensions?.code).toBe('NOT_FOUND')
  }
  expect(new Set(privicore.requests.map(({ endpoint }) => endpoint))).toEqual(new Set(['policy.get']))
})

test('a policy is named by one of the two, neither more nor less', async () => {
  const { run, privicore } = await gateway()
  for (const input of ['{}', '{ policyId: "a", name: "b" }', '{ name: null }']) {
    const { errors } = await run(`mutation { deletePolicy(input: ${input}) { command { status } } }`)
    expect(errors?.[0]?.extensions?.code).toBe('GRAPHQL_VALIDATION_FAILED')
  }
  expect(privicore.count()).toBe(0)
})

test.each(['[]', '"text"', '5'])('a configuration that is %s is refused without a call', async (configuration) => {
  const { run, privicore } = await gateway()
  const { data } = await run(
    `mutation { registerPolicy(input: { name: "a", templateId: "b", eventIds: ["c"], configuration: ${configuration} }) { command { status } userErrors { field code } } }`,
  )
  expect(data?.registerPolicy).toEqual({
    command: null,
    userErrors: [{ field: ['input', 'configuration'], code: 'VALIDATION_FAILED' }],
  })
  expect(privicore.count()).toBe(0)
})

test("what Privicore's validator says is told of the input's own fields", async () => {
  const { run } = await gateway()
  const { data } = await run(
    'mutation { registerPolicy(input: { name: "", templateId: "", eventIds: [] }) { userErrors { field } } }',
  )
  const fields = data?.registerPolicy.userErrors.map(({ field }: { field: string[] }) => field?.[1])
  expect(fields).toEqual(expect.arrayContaining(['name', 'templateId', 'eventIds']))
})

test('a refused activation is an outcome', async () => {
  const { run, privicore } = await gateway()
  privicore.reject('policy.activate', 'policy.already_active')
  const { data } = await run(
    'mutation { activatePolicy(input: { name: "Vote on exchange" }) { command { outcome { status reason } } policy { state } userErrors { message } } }',
  )
  expect(data?.activatePolicy).toEqual({
    command: { outcome: { status: 'REJECTED', reason: 'policy.already_active' } },
    policy: null,
    userErrors: [],
  })
})
