import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/privicore/secret.ts'
import { voting } from '../../src/privicore/voting.ts'
import { type Answer, clientOf, json, startUpstream } from '../support/upstream.ts'

const token = new Secret('a-token')
const question = { votingConfigurationId: 'v-1', question: 'Shall we?', title: 'Release' }
const header = { 'X-Dpt-Cab-Id': 'cmd-1' }

describe('voting.create', () => {
  test('is JSON with the token in its header', async () => {
    const upstream = await startUpstream({ status: 202, body: ['cmd-1'] })
    await clientOf(upstream).send(
      voting.create,
      { ...question, skipAuthenticatorDevices: ['d-1'], nonce: 'n-1' },
      { token },
    )
    const { headers, body, ...rest } = upstream.last()
    expect(rest).toEqual({ method: 'POST', path: '/voting/create' })
    expect(JSON.parse(body)).toEqual({ ...question, skipAuthenticatorDevices: ['d-1'], nonce: 'n-1' })
    expect(headers['content-type']).toBe('application/json')
    expect(headers['x-dpt-authorization']).toBe('a-token')
  })

  test('leaves out what is not given', async () => {
    const upstream = await startUpstream({ status: 202, body: ['cmd-1'] })
    await clientOf(upstream).send(voting.create, question, { token })
    expect(JSON.parse(upstream.last().body)).toEqual(question)
  })

  const command = { commandId: 'cmd-1', beside: undefined }
  const pool = { commandId: null, beside: 'pool-1' }
  const both = { commandId: 'cmd-1', beside: 'pool-1' }
  test.each<[string, Answer, object]>([
    ['a command id in an array', { body: ['cmd-1'] }, command],
    ['a bare command id', { body: json('cmd-1') }, command],
    ['commandId', { body: { commandId: 'cmd-1' } }, command],
    ['X-DPT-CAB-ID', { body: { 'X-DPT-CAB-ID': 'cmd-1' } }, command],
    ['a command id in the header alone', { headers: header }, command],
    ['poolId', { body: { poolId: 'pool-1' } }, pool],
    ['pool_id', { body: { pool_id: 'pool-1' } }, pool],
    ['id, which is the pool', { body: { id: 'pool-1' } }, pool],
    ['a pool of its own', { body: { pool: { id: 'pool-1' } } }, pool],
    ['commandId and poolId', { body: { commandId: 'cmd-1', poolId: 'pool-1' } }, both],
    ['commandId and id', { body: { commandId: 'cmd-1', id: 'pool-1' } }, both],
    ['poolId, and the command id in the header', { headers: header, body: { poolId: 'pool-1' } }, both],
    ['id, and the command id in the header', { headers: header, body: { id: 'pool-1' } }, both],
  ])('is understood as %s, with 202 and with 200', async (_, answer, expected) => {
    for (const status of [202, 200]) {
      const upstream = await startUpstream({ ...answer, status })
      expect(await clientOf(upstream).send(voting.create, question, { token })).toEqual(expected)
    }
  })

  test('202 that names neither makes no sense', async () => {
    const upstream = await startUpstream({ status: 202, body: {} })
    await expect(clientOf(upstream).send(voting.create, question, { token })).rejects.toMatchObject({
      code: 'UPSTREAM_PROTOCOL',
    })
  })
})

describe('voting.pool', () => {
  const read = async (body: unknown, status = 200) => {
    const upstream = await startUpstream({ status, body })
    const found = await clientOf(upstream).read(voting.pool, { poolId: 'pool/1' }, { token })
    return { found, asked: upstream.last() }
  }

  test('is a GET by the id of the pool, encoded', async () => {
    const { method, path, body, headers } = (await read({})).asked
    expect({ method, path, body }).toEqual({ method: 'GET', path: '/voting/check-pool-status/pool%2F1', body: '' })
    expect(headers['x-dpt-authorization']).toBe('a-token')
  })

  const expiresAt = '2026-02-21T15:33:44+00:00'
  const open = { state: 'open', title: 'Release', question: 'Shall we?', yes: 2, no: 1, pending: 1, expiresAt }
  const said = { title: 'Release', question: 'Shall we?' }
  const ballots = ['yes', 'no', 'yes', 'pending']
  test.each<[string, unknown]>([
    ['counts', { state: 'open', ...said, yes: 2, no: 1, pending: 1, expiresAt }],
    [
      'counts as text, status in capitals',
      { status: 'OPEN', ...said, yes: '2', no: '1', pending: '1', expires_at: expiresAt },
    ],
    [
      'counts in snake_case',
      { pool_status: 'open', ...said, yes_count: 2, no_count: 1, pending_count: 1, expires_at: expiresAt },
    ],
    ['counts in a group', { status: 'open', ...said, counts: { yes: 2, no: 1, pending: 1 }, expiry: expiresAt }],
    ['counts called votes', { status: 'open', ...said, votes: { yes: 2, no: 1, pending: 1 }, expiry: expiresAt }],
    ['approved and denied', { status: 'pending', ...said, approved: 2, denied: 1, pending: 1, expiresAt }],
    ['who voted how', { status: 'active', ...said, yes: ['a', 'b'], no: ['c'], pending: ['d'], expiresAt }],
    [
      'ballots as an array',
      {
        status: 'in progress',
        ...said,
        ballots: ballots.map((vote, index) => ({ deviceIdentifier: `d-${index}`, vote })),
        expiresAt,
      },
    ],
    ['ballots as words', { status: 'inProgress', ...said, ballots, expiresAt }],
    [
      'ballots as a map',
      { status: 'open', ...said, ballots: { a: 'approved', b: 'DENIED', c: 'accept', d: null }, expiresAt },
    ],
    ['ballots as a map of flags', { status: 'open', ...said, votes: { a: true, b: false, c: 1, d: null }, expiresAt }],
    [
      'ballots as a map of objects',
      {
        status: 'open',
        ...said,
        votes: { a: { answer: 'yes' }, b: { answer: 'no' }, c: { answer: 'yes' }, d: {} },
        expiresAt,
      },
    ],
    ['a pool within', { pool: { state: 'open', ...said, yes: 2, no: 1, pending: 1, expiresAt } }],
    ['an array of one', [{ state: 'open', ...said, yes: 2, no: 1, pending: 1, expiresAt }]],
  ])('is understood as %s, and kept as it was said', async (_, body) => {
    expect((await read(body)).found).toEqual({ ...open, raw: body })
  })

  test.each([
    ['open', 'open'],
    ['APPROVED', 'approved'],
    ['accepted', 'approved'],
    ['succeeded', 'approved'],
    ['denied', 'denied'],
    ['Rejected', 'denied'],
    ['failed', 'denied'],
    ['expired', 'expired'],
    ['timed-out', 'expired'],
    ['timedOut', 'expired'],
    ['a word of its own', 'unknown'],
  ])('the word %j is %s', async (word, state) => {
    expect((await read({ status: word })).found.state).toBe(state)
    expect((await read({ state: word })).found.state).toBe(state)
    expect((await read(json(word))).found.state).toBe(state)
  })

  test.each([
    [{ status: 'closed', result: 'approved' }, 'approved'],
    [{ status: 'completed', outcome: 'denied' }, 'denied'],
    [{ expired: true }, 'expired'],
    [{ approved: true }, 'approved'],
    [{ denied: true }, 'denied'],
    [{ open: true }, 'open'],
    [{ status: 7 }, 'unknown'],
    [{}, 'unknown'],
  ])('%j is %s', async (body, state) => {
    expect((await read(body)).found.state).toBe(state)
  })

  test('says nothing where Privicore says nothing', async () => {
    expect((await read('[]')).found).toEqual({
      state: 'unknown',
      title: null,
      question: null,
      yes: null,
      no: null,
      pending: null,
      expiresAt: null,
      raw: [],
    })
  })

  test('does not take the ballots that were cast for all there are, until it is over', async () => {
    expect((await read({ state: 'open', ballots: ['yes'] })).found).toMatchObject({ yes: 1, no: 0, pending: null })
    expect((await read({ state: 'approved', ballots: ['yes'] })).found).toMatchObject({ yes: 1, no: 0, pending: 0 })
  })

  test('404 is NOT_FOUND, and no body makes no sense', async () => {
    await expect(read({}, 404)).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(read('')).rejects.toMatchObject({ code: 'UPSTREAM_PROTOCOL' })
  })
})
