import { describe, expect, test } from 'vitest'
import type { Command, Read } from '../../src/privicore/endpoint.ts'
import { Secret } from '../../src/privicore/secret.ts'
import { authenticator, votingConfiguration } from '../../src/privicore/verified-authenticator.ts'
import { type Answer, clientOf, json, startUpstream } from '../support/upstream.ts'

const token = new Secret('a-token')
const deviceIdentifier = '0190aaaa-0000-7000-8000-000000000001'

async function send<Args, Beside>(endpoint: Command<string, Args, Beside>, args: NoInfer<Args>) {
  const upstream = await startUpstream({ status: 202, body: ['cmd-1'] })
  const sent = await clientOf(upstream).send(endpoint, args, { token })
  expect(sent).toEqual({ commandId: 'cmd-1', beside: undefined })
  const { headers, ...rest } = upstream.last()
  expect(headers['x-dpt-authorization']).toBe('a-token')
  expect(headers.authorization).toBeUndefined()
  return { ...rest, type: headers['content-type'] }
}

async function read<Args, Result>(endpoint: Read<string, Args, Result>, args: NoInfer<Args>, answer: Answer) {
  const upstream = await startUpstream(answer)
  const found = await clientOf(upstream).read(endpoint, args, { token })
  const { headers, ...asked } = upstream.last()
  expect(headers['x-dpt-authorization']).toBe('a-token')
  return { found, asked }
}

describe('forms', () => {
  const form = (path: string, body: string) => ({
    method: 'POST',
    path: `/verified-authenticator/${path}`,
    body,
    type: 'application/x-www-form-urlencoded',
  })

  test('authenticator.register', async () => {
    expect(await send(authenticator.register, { deviceIdentifier })).toEqual(
      form('register', `deviceIdentifier=${deviceIdentifier}`),
    )
  })

  test('authenticator.remove', async () => {
    expect(await send(authenticator.remove, { deviceIdentifier })).toEqual(
      form('remove', `deviceIdentifier=${deviceIdentifier}`),
    )
  })

  test('authenticator.quorumSize', async () => {
    expect(await send(authenticator.quorumSize, { size: 3 })).toEqual(form('set-quorum-size', 'size=3'))
  })

  test('authenticator.quorumStrategy', async () => {
    expect(await send(authenticator.quorumStrategy, { strategy: 'minimum_percentage', strategy_params: 66 })).toEqual(
      form('set-quorum-strategy', 'strategy=minimum_percentage&strategy_params=66'),
    )
  })

  test('authenticator.timeLimit', async () => {
    expect(await send(authenticator.timeLimit, { timeLimit: 300 })).toEqual(
      form('set-voting-time-limit', 'timeLimit=300'),
    )
  })

  test('authenticator.maxAttempts', async () => {
    expect(await send(authenticator.maxAttempts, { numberOfAttempts: 5 })).toEqual(
      form('set-maximum-voting-attempts', 'numberOfAttempts=5'),
    )
  })
})

describe('authenticator.list', () => {
  const row = { deviceIdentifier, name: 'Phone', createdAt: '2026-02-21T15:33:44+00:00' }

  test('is a GET of a path in the singular', async () => {
    const { asked } = await read(authenticator.list, {}, { body: [] })
    expect(asked).toEqual({ method: 'GET', path: '/verified-authenticator/list-verified-authenticator', body: '' })
  })

  test.each([
    ['an array', [row]],
    ['items', { items: [row] }],
    ['one object', row],
    ['an object keyed by identifier', { [deviceIdentifier]: { name: row.name, createdAt: row.createdAt } }],
    ['snake_case', [{ device_unique_identifier: deviceIdentifier, device_name: 'Phone', created_at: row.createdAt }]],
  ])('is understood as %s', async (_, body) => {
    expect((await read(authenticator.list, {}, { body })).found).toMatchObject([row])
  })
})

describe('authenticator.strategy', () => {
  const rules = {
    quorumSize: 3,
    strategy: 'minimum_percentage',
    percentageRequired: 66,
    timeLimitSeconds: 300,
    maximumAttempts: 5,
  }

  test('is a GET', async () => {
    const { asked } = await read(authenticator.strategy, {}, { body: {} })
    expect(asked).toEqual({ method: 'GET', path: '/verified-authenticator/retrieve-strategy', body: '' })
  })

  const camel = {
    quorumSize: 3,
    strategy: 'minimum_percentage',
    percentageRequired: 66,
    timeLimit: 300,
    maximumAttempts: 5,
  }
  test.each([
    ['camelCase', camel],
    [
      'snake_case',
      {
        quorum_size: 3,
        quorum_strategy: 'minimum_percentage',
        percentage_required: 66,
        time_limit: 300,
        maximum_attempts: 5,
      },
    ],
    [
      "the setters' own names",
      { size: 3, strategy: 'minimum_percentage', strategy_params: 66, timeLimit: 300, numberOfAttempts: 5 },
    ],
    [
      "the names of the setters' paths",
      {
        quorumSize: 3,
        quorumStrategy: 'MINIMUM_PERCENTAGE',
        strategyParams: '66',
        votingTimeLimit: '300',
        maximumVotingAttempts: '5',
      },
    ],
    [
      'other likely names',
      { quorum: 3, strategy: 'minimumPercentage', percentage: 66, voting_time_limit: 300, max_attempts: 5 },
    ],
    [
      'grouped',
      {
        quorum: { size: 3, strategy: 'minimum_percentage', strategyParams: [66] },
        voting: { timeLimit: 300, attempts: 5 },
      },
    ],
    ['one object in an array', [camel]],
  ])('is understood in %s', async (_, body) => {
    expect((await read(authenticator.strategy, {}, { body })).found).toEqual(rules)
  })

  test.each([
    ['unanimous', 'unanimous'],
    ['CONSENSUS', 'consensus'],
    ['affirmative', 'affirmative'],
    ['minimum-percentage', 'minimum_percentage'],
    ['a word of its own', null],
  ])('the strategy %j is %s', async (strategy, understood) => {
    expect((await read(authenticator.strategy, {}, { body: { strategy } })).found.strategy).toBe(understood)
  })

  test.each([[[]], [{}], ['null'], ['']])('%j names no rule', async (body) => {
    expect(Object.values((await read(authenticator.strategy, {}, { body })).found)).toEqual([
      null,
      null,
      null,
      null,
      null,
    ])
  })

  test.each([json('text'), 'true'])('%j makes no sense', async (body) => {
    await expect(read(authenticator.strategy, {}, { body })).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' })
  })
})

describe('voting configurations', () => {
  const root = '/verified-authenticator/voting-configuration'

  test('votingConfiguration.register is JSON', async () => {
    const { body, ...rest } = await send(votingConfiguration.register, {
      name: 'Board',
      timeLimit: 300,
      strategy: 'minimum_percentage',
      percentageRequired: 66,
      deviceIdentifiers: [deviceIdentifier],
    })
    expect(rest).toEqual({ method: 'POST', path: `${root}/register`, type: 'application/json' })
    expect(JSON.parse(body)).toEqual({
      name: 'Board',
      timeLimit: 300,
      strategy: 'minimum_percentage',
      percentageRequired: 66,
      deviceIdentifiers: [deviceIdentifier],
    })
  })

  test('votingConfiguration.register sends no percentage with another strategy, and [] for all devices', async () => {
    const { body } = await send(votingConfiguration.register, {
      name: 'Board',
      timeLimit: 300,
      strategy: 'unanimous',
      percentageRequired: undefined,
      deviceIdentifiers: [],
    })
    expect(JSON.parse(body)).toEqual({ name: 'Board', timeLimit: 300, strategy: 'unanimous', deviceIdentifiers: [] })
  })

  test('votingConfiguration.update is JSON with what changes', async () => {
    const { body, ...rest } = await send(votingConfiguration.update, { id: 'c-1', timeLimit: 60, name: undefined })
    expect(rest).toEqual({ method: 'POST', path: `${root}/update`, type: 'application/json' })
    expect(JSON.parse(body)).toEqual({ id: 'c-1', timeLimit: 60 })
  })

  const row = {
    id: 'c-1',
    name: 'Board',
    timeLimit: 300,
    strategy: 'minimum_percentage',
    percentageRequired: 66,
    deviceIdentifiers: [deviceIdentifier],
  }
  const { id: _, ...nameless } = row
  const board = {
    configurationId: 'c-1',
    name: 'Board',
    timeLimitSeconds: 300,
    strategy: 'minimum_percentage',
    percentageRequired: 66,
    deviceIdentifiers: [deviceIdentifier],
  }
  const snake = {
    id: 'c-1',
    name: 'Board',
    time_limit: 300,
    strategy: 'minimum_percentage',
    percentage_required: 66,
    device_identifiers: [deviceIdentifier],
  }

  test.each([
    ['an array', [row], board],
    ['items', { items: [row] }, board],
    ['one object', row, board],
    ['an object keyed by id', { 'c-1': nameless }, board],
    ['a list with holes, as PHP spells it', { 4: row }, board],
    ['snake_case', [snake], board],
    ['records without an id: the name is the id', [nameless], { ...board, configurationId: 'Board' }],
    ['votingConfigurationId', [{ ...nameless, votingConfigurationId: 'c-1' }], board],
    ['devices as objects', [{ ...row, deviceIdentifiers: [{ deviceIdentifier }] }], board],
    ['devices as a PHP list with holes', [{ ...row, deviceIdentifiers: { 3: deviceIdentifier } }], board],
    [
      'no devices, no percentage',
      [{ id: 'c-1', name: 'Board', timeLimit: 300, strategy: 'unanimous' }],
      { ...board, strategy: 'unanimous', percentageRequired: null, deviceIdentifiers: [] },
    ],
  ])('votingConfiguration.list is understood as %s', async (_, body, expected) => {
    const { found, asked } = await read(votingConfiguration.list, {}, { body })
    expect(found).toEqual([expected])
    expect(asked).toEqual({ method: 'GET', path: `${root}/list`, body: '' })
  })

  test.each([
    ['an object', row],
    ['snake_case', snake],
    ['a list of one', [row]],
    ['items', { items: [row] }],
  ])('votingConfiguration.get is understood as %s', async (_, body) => {
    const { found, asked } = await read(votingConfiguration.get, { id: 'Board of A/B' }, { body })
    expect(found).toEqual(board)
    expect(asked).toEqual({ method: 'GET', path: `${root}/retrieve/Board%20of%20A%2FB`, body: '' })
  })

  test('votingConfiguration.get: a field called `data` or `items` is no envelope of a record', async () => {
    const body = { id: 'c-1', name: 'Board', items: [{ id: 'x', name: 'y' }], data: [] }
    expect((await read(votingConfiguration.get, { id: 'c-1' }, { body })).found).toMatchObject({
      configurationId: 'c-1',
      name: 'Board',
    })
  })

  test('votingConfiguration.get: nothing in it is none, 404 is NOT_FOUND', async () => {
    expect((await read(votingConfiguration.get, { id: 'c-1' }, { body: [] })).found).toBeNull()
    await expect(read(votingConfiguration.get, { id: 'c-1' }, { status: 404 })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
  })
})
