import { expect } from 'vitest'
import { forms, type Look, seen, text, time } from './forms.ts'

forms('strategyKeys', async ({ get }) => Object.keys((await get('/verified-authenticator/retrieve-strategy')).body), {
  camel: ['quorumSize', 'strategy', 'percentageRequired', 'timeLimit', 'maximumAttempts'],
  snake: ['quorum_size', 'strategy', 'percentage_required', 'time_limit', 'maximum_attempts'],
})
forms(
  'votingConfigurationKey',
  async ({ get }) => {
    const base = '/verified-authenticator/voting-configuration'
    const [, majority] = (await get(`${base}/list`)).body
    const one = await get(`${base}/retrieve/${majority.id ?? majority.name}`)
    const policy = (await get('/policy/list-registered-policies')).body[2]
    return ['id' in majority, one.body.name, policy.votingConfigurationId === (majority.id ?? majority.name)]
  },
  { id: [true, 'Majority', true], name: [false, 'Majority', true] },
)

const policies: Look = async ({ get }) => (await get('/policy/list-active-policies')).body
const aPolicy = expect.objectContaining({ id: text, name: text, active: true, createdAt: time })
forms(
  'policyList',
  async (context) => {
    const full = await policies(context)
    for (const policy of context.sandbox.state.profile('alice').policies.values()) policy.active = false
    return [full, await policies(context)]
  },
  {
    array: [[aPolicy, aPolicy], []],
    items: [{ items: [aPolicy, aPolicy] }, { items: [] }],
    keyed: [expect.objectContaining({ '019c186e-2e80-7b7d-ba48-f5a74dfebf8c': aPolicy }), []],
  },
)
forms('policyFields', policies, {
  full: [aPolicy, aPolicy],
  minimal: [
    { id: text, name: text },
    { id: text, name: text },
  ],
})
forms(
  'policyVotingKey',
  async ({ sandbox, json, outcome }) => {
    const [policyTemplateId = '', template] = [...sandbox.state.templates][0] ?? []
    const policy = { policyTemplateId, applyingEventIds: Object.keys(template?.events ?? {}), configuration: {} }
    await outcome(json('/policy/register', { ...policy, name: 'a', votingConfigurationId: 'Majority' }))
    await outcome(json('/policy/register', { ...policy, name: 'b', configurationId: 'Majority' }))
    const created = [...sandbox.state.profile('alice').policies.values()].slice(-2)
    return created.map(({ votingConfigurationId }) => votingConfigurationId !== null)
  },
  { votingConfigurationId: [true, false], configurationId: [false, true] },
)

const VOTE = { votingConfigurationId: 'Majority', title: 't', question: 'q' }
const created: Look = async ({ sandbox, json, get, outcome }) => {
  const reply = await json('/voting/create', VOTE)
  if (reply.id) await outcome(reply)
  const poolId = reply.body.poolId ?? reply.body.id ?? reply.id
  const { state } = (await get(`/voting/check-pool-status/${poolId}`)).body
  return { ...seen(reply), state, isCommand: sandbox.state.commands.has(poolId) }
}
forms('votingCreateAnswer', created, {
  command: { status: 202, body: [text], header: true, state: 'open', isCommand: true },
  poolId: { status: 202, body: { poolId: text }, header: false, state: 'open', isCommand: false },
  id: { status: 202, body: { id: text }, header: false, state: 'open', isCommand: false },
  both: { status: 202, body: { commandId: text, poolId: text }, header: true, state: 'open', isCommand: false },
})
forms('votingCreateStatus', async ({ json }) => (await json('/voting/create', VOTE)).status, { '202': 202, '200': 200 })
forms(
  'poolSnapshot',
  async ({ json, get, outcome }) => {
    const reply = await json('/voting/create', VOTE)
    await outcome(reply)
    return (await get(`/voting/check-pool-status/${reply.id}`)).body
  },
  {
    counts: { poolId: text, state: 'open', title: 't', question: 'q', yes: 0, no: 0, pending: 5, expiresAt: time },
    ballots: {
      id: text,
      status: 'OPEN',
      title: 't',
      question: 'q',
      ballots: Array.from({ length: 5 }, () => ({ deviceIdentifier: text, vote: 'pending' })),
      expiry: time,
    },
    snake: {
      pool_id: text,
      status: 'open',
      title: 't',
      question: 'q',
      counts: { yes: 0, no: 0, pending: 5 },
      expires_at: time,
    },
  },
)
