// Knows the four strategies, the end of a vote, and the commands that wait for one.
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { decide, type Pool, type Vote } from '../../sandbox/pools.ts'
import { base64, start } from './client.ts'

const pool = (strategy: Pool['strategy'], votes: string, percentageRequired = 100): Pool => ({
  id: 'p',
  profileId: 'p',
  title: '',
  question: '',
  strategy,
  percentageRequired,
  openedAt: 0,
  expiresAt: 0,
  state: 'open',
  ballots: new Map(
    [...votes].map((vote, index) => [`d${index}`, ({ y: 'yes', n: 'no' } as Record<string, Vote>)[vote] ?? null]),
  ),
})

test.each([
  ['unanimous', 'yy-', 'open'],
  ['unanimous', 'yyy', 'approved'],
  ['unanimous', 'n--', 'denied'],
  ['consensus', 'yy--', 'open'],
  ['consensus', 'yyy-', 'approved'],
  ['consensus', 'nn--', 'denied'],
  ['affirmative', 'nn-', 'open'],
  ['affirmative', 'nny', 'approved'],
  ['affirmative', 'nnn', 'denied'],
  ['minimum_percentage', 'yyn-', 'open', 75],
  ['minimum_percentage', 'yyny', 'approved', 75],
  ['minimum_percentage', 'yynn', 'denied', 75],
] as const)('%s with votes %s is %s', (strategy, votes, state, percentage?: number) => {
  expect(decide(pool(strategy, votes, percentage))).toBe(state)
})

async function gated(options = {}) {
  const context = await start(options)
  const { sandbox, form, get, outcome } = context
  const policy = [...sandbox.state.profile('alice').policies.values()].find(({ name }) => name === 'Vote on exchange')
  if (policy) policy.active = true
  const reservation = await form('/data-token/reserve-token-space', { context: 'letters' })
  await outcome(reservation)
  const { token } = (await get(`/data-token/retrieve-temporary-data-token/${reservation.id}`)).body
  const exchange = await form('/data-token/exchange-data-for-token', { temporaryTokenSpace: token, data: base64('x') })
  for (let tries = 0; tries < 200 && !sandbox.poolOf(exchange.id); tries++) await pause(2)
  const opened = sandbox.poolOf(exchange.id)
  if (!opened) throw new Error('no pool')
  return { ...context, exchange, pool: opened, token, voters: [...opened.ballots.keys()] }
}

test('an active policy holds an exchange until the vote approves it', async () => {
  const { sandbox, get, outcome, exchange, pool, voters } = await gated()
  expect((await get(`/request-status/${exchange.id}`)).status).toBe(202)
  expect(voters).toHaveLength(5)
  for (const voter of voters.slice(0, 2)) expect(sandbox.vote(pool.id, voter, 'yes')).toBe('open')
  expect(sandbox.vote(pool.id, voters[2] ?? '', 'yes')).toBe('approved')
  expect(await outcome(exchange)).toBe('succeeded')
  expect((await get(`/voting/check-pool-status/${pool.id}`)).body).toMatchObject({
    state: 'approved',
    yes: 3,
    pending: 2,
  })
  expect(() => sandbox.vote(pool.id, voters[3] ?? '', 'yes')).toThrow('approved')
})

test.each(['denied', 'expired'])(
  'when the vote is %s, the exchange is rejected and the space stays empty',
  async (end) => {
    const { sandbox, get, outcome, exchange, pool, token, voters } = await gated()
    if (end === 'expired') sandbox.expirePool(pool.id)
    else for (const voter of voters.slice(0, 3)) sandbox.vote(pool.id, voter, 'no')
    expect(await outcome(exchange)).toBe('voting.denied')
    expect((await get(`/voting/check-pool-status/${pool.id}`)).body.state).toBe(end)
    expect(sandbox.state.profile('alice').dataTokens.get(token)?.stored).toBeNull()
  },
)

test('a reservation that runs out during the vote does not spoil it', async () => {
  const { sandbox, outcome, exchange, pool, token, voters } = await gated()
  const reserved = sandbox.state.profile('alice').dataTokens.get(token)
  await pause(5)
  if (reserved) reserved.expiresAt = Date.now() - 1
  for (const voter of voters.slice(0, 3)) sandbox.vote(pool.id, voter, 'yes')
  expect(await outcome(exchange)).toBe('succeeded')
})

test('with automatic votes a demo ends by itself', async () => {
  const { outcome, exchange } = await gated({ autoVote: 'no', autoVoteDelayMs: 10 })
  expect(await outcome(exchange)).toBe('voting.denied')
})

test('a vote expires with the time limit of its configuration', async () => {
  const { sandbox, json, get, outcome } = await start()
  const path = '/verified-authenticator/voting-configuration'
  const quick = { name: 'Quick', timeLimit: 1, strategy: 'unanimous', deviceIdentifiers: [] }
  await outcome(json(`${path}/register`, quick))
  const created = await json('/voting/create', { votingConfigurationId: 'Quick', title: 't', question: 'q' })
  await outcome(created)
  const state = async () => (await get(`/voting/check-pool-status/${created.id}`)).body.state
  expect(await state()).toBe('open')
  await pause(1050)
  expect(await state()).toBe('expired')
  expect(sandbox.state.pools.get(created.id)?.state).toBe('expired')
})

test('the devices of the configuration vote, less those to be skipped', async () => {
  const { sandbox, json, outcome } = await start()
  const [a = '', b = '', c = ''] = sandbox.state.profile('alice').authenticators.keys()
  const path = '/verified-authenticator/voting-configuration/register'
  const three = { name: 'Three', timeLimit: 60, strategy: 'unanimous', deviceIdentifiers: [a, b, c] }
  await outcome(json(path, three))
  const vote = { votingConfigurationId: 'Three', title: 't', question: 'q', skipAuthenticatorDevices: [b] }
  const created = await json('/voting/create', vote)
  await outcome(created)
  expect([...(sandbox.state.pools.get(created.id)?.ballots.keys() ?? [])]).toEqual([a, c])
  expect(await outcome(json(path, { ...three, name: 'Four', deviceIdentifiers: ['x'] }))).toBe(
    'verified_authenticator.not_registered',
  )
})

test('a pool is known to its own profile only, and not before its command has succeeded', async () => {
  const { sandbox, json, get, bob } = await start()
  sandbox.hold('voting.create')
  const created = await json('/voting/create', { votingConfigurationId: 'Majority', title: 't', question: 'q' })
  const path = `/voting/check-pool-status/${created.id}`
  expect((await get(path)).status).toBe(404)
  sandbox.settle(created.id)
  expect((await get(path)).status).toBe(200)
  expect((await bob.get(path)).status).toBe(404)
})

test('an unknown configuration is rejected where there is a command, 404 where there is none', async () => {
  const { sandbox, json, outcome } = await start()
  const vote = { votingConfigurationId: 'nobody', title: 't', question: 'q' }
  expect(await outcome(json('/voting/create', vote))).toBe('voting_configuration.not_found')
  sandbox.set({ votingCreateAnswer: 'poolId' })
  expect((await json('/voting/create', vote)).status).toBe(404)
})

test('a policy is created inactive, under a name of its own', async () => {
  const { sandbox, json, outcome, form } = await start()
  const [policyTemplateId = '', template] = [...sandbox.state.templates][0] ?? []
  const [event = ''] = Object.keys(template?.events ?? {})
  const policy = { policyTemplateId, applyingEventIds: [event], name: 'Mine', configuration: {} }
  expect(await outcome(json('/policy/register', policy))).toBe('succeeded')
  expect(await outcome(json('/policy/register', policy))).toBe('policy.name_taken')
  const created = [...sandbox.state.profile('alice').policies.values()].at(-1)
  expect(created).toMatchObject({ name: 'Mine', active: false, votingConfigurationId: null })
  const other = (change: object) => outcome(json('/policy/register', { ...policy, name: 'Other', ...change }))
  expect(await other({ policyTemplateId: 'x' })).toBe('policy.template_not_found')
  expect(await other({ applyingEventIds: ['x'] })).toBe('policy.event_not_found')
  expect(await other({ votingConfigurationId: 'x' })).toBe('voting_configuration.not_found')
  const policyId = created?.id ?? ''
  expect(await outcome(form('/policy/deactivate', { policyId }))).toBe('policy.not_active')
  expect(await outcome(form('/policy/activate', { policyId }))).toBe('succeeded')
  expect(await outcome(form('/policy/activate', { policyId }))).toBe('policy.already_active')
})
