import { describe, expect, test } from 'vitest'
import type { Command, Read } from '../../src/privicore/endpoint.ts'
import { policy } from '../../src/privicore/policy.ts'
import { Secret } from '../../src/privicore/secret.ts'
import { type Answer, clientOf, json, startUpstream } from '../support/upstream.ts'

const token = new Secret('a-token')
const createdAt = '2026-02-21T15:33:44+00:00'

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

describe('policy.templates', () => {
  const said = {
    name: 'Data exchange',
    description: 'Votes before data is exchanged',
    events: {
      'e-1': { 'data_token.exchange': 'Data is exchanged' },
      'e-2': { 'data_token.request': 'Data is asked for' },
    },
    configuration: ['reason'],
    votingAttributes: ['context', 'profileId'],
  }
  const template = {
    templateId: 't-1',
    name: 'Data exchange',
    description: 'Votes before data is exchanged',
    events: [
      { eventId: 'e-1', name: 'data_token.exchange', label: 'Data is exchanged' },
      { eventId: 'e-2', name: 'data_token.request', label: 'Data is asked for' },
    ],
    configurationKeys: ['reason'],
    votingAttributes: ['context', 'profileId'],
  }
  const { votingAttributes, ...rest } = said

  test.each([
    ['an object keyed by id', { 't-1': said }],
    ['an array', [{ id: 't-1', ...said }]],
    ['items', { items: [{ id: 't-1', ...said }] }],
    ['items keyed by id', { items: { 't-1': said } }],
    ['one object', { id: 't-1', ...said }],
    ['snake_case', { 't-1': { ...rest, voting_attributes: votingAttributes } }],
    [
      'events as an array',
      {
        't-1': {
          ...said,
          events: [
            { eventId: 'e-1', name: 'data_token.exchange', label: 'Data is exchanged' },
            { id: 'e-2', name: 'data_token.request', label: 'Data is asked for' },
          ],
        },
      },
    ],
    ['lists with holes, as PHP spells them', { 't-1': { ...said, configuration: { 1: 'reason' } } }],
  ])('is understood as %s', async (_, body) => {
    const { found, asked } = await read(policy.templates, {}, { body })
    expect(found).toEqual([template])
    expect(asked).toEqual({ method: 'GET', path: '/policy/list-policy-templates', body: '' })
  })

  test('keeps ids that are whole numbers', async () => {
    const { found } = await read(policy.templates, {}, { body: { 7: said, 9: said } })
    expect(found.map(({ templateId }) => templateId)).toEqual(['7', '9'])
  })

  test("takes PHP's [] for an empty object, and what is missing for empty", async () => {
    const { found } = await read(
      policy.templates,
      {},
      { body: { a: { ...said, events: [], configuration: [] }, b: {} } },
    )
    expect(found).toEqual([
      { ...template, templateId: 'a', events: [], configurationKeys: [] },
      { templateId: 'b', name: null, description: null, events: [], configurationKeys: [], votingAttributes: [] },
    ])
  })

  test('an event without a name, or without a label, is still one', async () => {
    const events = { 'e-1': [], 'e-2': 'a label alone', 'e-3': { 'x.y': null } }
    const { found } = await read(policy.templates, {}, { body: { a: { events } } })
    expect(found[0]?.events).toEqual([
      { eventId: 'e-1', name: null, label: null },
      { eventId: 'e-2', name: null, label: 'a label alone' },
      { eventId: 'e-3', name: 'x.y', label: null },
    ])
  })

  test.each([['[]'], ['{}'], ['null'], ['']])('%j is none', async (body) => {
    expect((await read(policy.templates, {}, { body })).found).toEqual([])
  })
})

describe('policy.register', () => {
  test('is JSON, with the voting configuration under both names', async () => {
    const { body, ...rest } = await send(policy.register, {
      policyTemplateId: 't-1',
      applyingEventIds: ['e-1'],
      name: 'Four eyes',
      configuration: { reason: 'x', nested: { a: [1] } },
      votingConfigurationId: 'v-1',
    })
    expect(rest).toEqual({ method: 'POST', path: '/policy/register', type: 'application/json' })
    expect(JSON.parse(body)).toEqual({
      policyTemplateId: 't-1',
      applyingEventIds: ['e-1'],
      name: 'Four eyes',
      configuration: { reason: 'x', nested: { a: [1] } },
      votingConfigurationId: 'v-1',
      configurationId: 'v-1',
    })
  })

  test('sends neither name where there is none, and an empty configuration as an object', async () => {
    const { body } = await send(policy.register, {
      policyTemplateId: 't-1',
      applyingEventIds: ['e-1'],
      name: 'Four eyes',
      configuration: {},
    })
    expect(body).toBe('{"policyTemplateId":"t-1","applyingEventIds":["e-1"],"name":"Four eyes","configuration":{}}')
  })
})

test.each([
  [policy.activate, '/policy/activate'],
  [policy.deactivate, '/policy/deactivate'],
  [policy.delete, '/policy/delete'],
])('$id is a form', async (endpoint, path) => {
  expect(await send(endpoint, { policyId: 'p-1' })).toEqual({
    method: 'POST',
    path,
    body: 'policyId=p-1',
    type: 'application/x-www-form-urlencoded',
  })
})

const row = {
  id: 'p-1',
  name: 'Four eyes',
  policyTemplateId: 't-1',
  applyingEventIds: ['e-1', 'e-2'],
  votingConfigurationId: 'v-1',
  configuration: { reason: 'x' },
  active: true,
  createdAt,
}
const found = {
  policyId: 'p-1',
  name: 'Four eyes',
  templateId: 't-1',
  eventIds: ['e-1', 'e-2'],
  votingConfigurationId: 'v-1',
  configuration: { reason: 'x' },
  active: true,
  createdAt,
}
const bare = {
  policyId: 'p-1',
  name: 'Four eyes',
  templateId: null,
  eventIds: null,
  votingConfigurationId: null,
  configuration: null,
  active: null,
  createdAt: null,
}
const snake = {
  id: 'p-1',
  name: 'Four eyes',
  policy_template_id: 't-1',
  applying_event_ids: ['e-1', 'e-2'],
  voting_configuration_id: 'v-1',
  configuration: { reason: 'x' },
  is_active: 1,
  created_at: createdAt,
}

describe.each([
  [policy.list, '/policy/list-registered-policies'],
  [policy.listActive, '/policy/list-active-policies'],
  [policy.listInactive, '/policy/list-inactive-policies'],
])('$id', (endpoint, path) => {
  const { id, ...withoutId } = row
  test.each([
    ['an array', [row], found],
    ['items', { items: [row] }, found],
    ['items keyed by id', { items: { [id]: withoutId } }, found],
    ['an object keyed by id', { [id]: withoutId }, found],
    ['an object keyed by id, repeated in it', { [id]: row }, found],
    ['one object', row, found],
    ['snake_case', [snake], found],
    ['id and name alone', [{ id, name: row.name }], bare],
    ['configurationId', [{ id, name: row.name, configurationId: 'v-1' }], { ...bare, votingConfigurationId: 'v-1' }],
    ['a configuration that PHP left empty', [{ id, name: row.name, configuration: [] }], bare],
    ['events with holes', [{ ...row, applyingEventIds: { 0: 'e-1', 2: 'e-2' } }], found],
    ['events as objects', [{ ...row, applyingEventIds: [{ id: 'e-1' }, { eventId: 'e-2' }] }], found],
    ['a row and a row that is null', [null, row], found],
    ['no name: its id', [{ id, name: null }], { ...bare, name: id }],
    ['no events', [{ ...row, applyingEventIds: [] }], { ...found, eventIds: [] }],
  ])('is understood as %s', async (_, body, expected) => {
    const answered = await read(endpoint, {}, { body })
    expect(answered.found).toEqual([expected])
    expect(answered.asked).toEqual({ method: 'GET', path, body: '' })
  })

  test.each([['[]'], ['{}'], [''], ['{"items":null}']])('%j is none', async (body) => {
    expect((await read(endpoint, {}, { body })).found).toEqual([])
  })
})

test.each([
  [{ active: 1 }, true],
  [{ active: '0' }, false],
  [{ isActive: false }, false],
  [{ status: 'ACTIVE' }, true],
  [{ state: 'inactive' }, false],
  [{ status: 'something else' }, null],
  [{}, null],
])('%j is active: %s', async (fields, active) => {
  const answered = await read(policy.list, {}, { body: [{ id: 'p-1', name: 'x', ...fields }] })
  expect(answered.found[0]?.active).toBe(active)
})

test.each([[[{ name: 'x' }]], [['p-1']], [json('p-1')]])('%j is no list of policies', async (body) => {
  await expect(read(policy.list, {}, { body })).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' })
})

describe('policy.get', () => {
  test.each([
    ['Four eyes', '/policy/retrieve-policy/Four%20eyes'],
    ['a/b?c#d%', '/policy/retrieve-policy/a%2Fb%3Fc%23d%25'],
    ['Zwei Köpfe', '/policy/retrieve-policy/Zwei%20K%C3%B6pfe'],
  ])('asks by the name %j, encoded', async (name, path) => {
    const { asked } = await read(policy.get, { name }, { body: row })
    expect(asked).toEqual({ method: 'GET', path, body: '' })
  })

  test.each([
    ['an object', row, found],
    ['snake_case', snake, found],
    ['a list of one', [row], found],
    ['the id alone', { id: 'p-1' }, { ...bare, name: null }],
    ['a bare id', json('p-1'), { ...bare, name: null }],
    ['nothing', [], null],
  ])('is understood as %s', async (_, body, expected) => {
    expect((await read(policy.get, { name: 'Four eyes' }, { body })).found).toEqual(expected)
  })

  test('404 is NOT_FOUND', async () => {
    await expect(read(policy.get, { name: 'x' }, { status: 404 })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})
