// Knows the form of every value of the dialect switches of commands, polling and errors (section 1).
import { expect, test } from 'vitest'
import { deviceNamed, start } from '../client.ts'
import { type Context, forms, type Look, seen, text } from './forms.ts'

const REMOVE = ['/device/remove', { deviceIdentifier: 'x' }] as const
const accepted: Look = async ({ form }) => seen(await form(...REMOVE))

forms('commandBody', accepted, {
  array: { status: 202, body: [text], header: true },
  string: { status: 202, body: text, header: true },
  commandId: { status: 202, body: { commandId: text }, header: true },
  headerName: { status: 202, body: { 'X-DPT-CAB-ID': text }, header: true },
  none: { status: 202, body: undefined, header: true },
})
forms('commandHeader', accepted, {
  present: { status: 202, body: [text], header: true },
  absent: { status: 202, body: [text], header: false },
})
test('without a body, the header is never absent', async () => {
  const { form } = await start({ dialect: { commandBody: 'none', commandHeader: 'absent' } })
  expect((await form(...REMOVE)).id).not.toBe('')
})
forms(
  'acceptedStatus',
  async ({ sandbox, form }) => {
    const deviceIdentifier = deviceNamed(sandbox, 'Home NAS')
    const reply = await form('/device/remove', { deviceIdentifier })
    return { ...seen(reply), done: !sandbox.state.profile('alice').devices.has(deviceIdentifier) }
  },
  {
    '202': { status: 202, body: [text], header: true, done: false },
    '200-with-id': { status: 200, body: [text], header: true, done: false },
    '200-completed': { status: 200, body: undefined, header: false, done: true },
  },
)
test('200-completed still answers with an id where a follow-up needs it, or something is refused or waits', async () => {
  const { sandbox, form, outcome } = await start({ dialect: { acceptedStatus: '200-completed' } })
  expect(await outcome(form('/device/request-unique-identifier', { deviceName: 'Watch' }))).toBe('succeeded')
  expect(await outcome(form(...REMOVE))).toBe('device.not_found')
  sandbox.hold('device.remove')
  const held = await form('/device/remove', { deviceIdentifier: deviceNamed(sandbox, 'Home NAS') })
  expect(held).toMatchObject({ status: 202, body: [held.id] })
})

const status = (settle: (context: Context, id: string) => void): Look => {
  return async (context) => {
    context.sandbox.hold('device.remove')
    const { id } = await context.form(...REMOVE)
    settle(context, id)
    const { status, body } = await context.get(`/request-status/${id}`)
    return { status, body }
  }
}
const pending = status(() => undefined)
const success = status(({ sandbox }, id) => {
  const command = sandbox.state.commands.get(id)
  if (command) command.plan.apply = () => undefined
  sandbox.settle(id)
})
const refusal = status(({ sandbox }, id) => sandbox.settle(id, { rejected: 'device.busy' }))

forms('statusPending', pending, {
  '202': { status: 202, body: [] },
  started: { status: 200, body: 'started' },
  'started-array': { status: 200, body: ['started'] },
  pending: { status: 200, body: 'pending' },
  submitted: { status: 200, body: 'submitted' },
  'command-status': { status: 200, body: { command_status: 1 } },
})
forms('statusSucceeded', success, {
  empty: { status: 200, body: undefined },
  succeeded: { status: 200, body: 'succeeded' },
  'succeeded-array': { status: 200, body: ['succeeded'] },
  'command-status': { status: 200, body: { command_status: 2 } },
  'other-text': { status: 200, body: 'processed' },
})
forms('statusRejected', refusal, {
  rejected: { status: 200, body: 'rejected' },
  'rejected-array': { status: 200, body: ['rejected'] },
  failed: { status: 200, body: 'failed' },
  'command-status': { status: 200, body: { command_status: 3, body: 'device.busy' } },
  '404': { status: 404, body: { message: 'record not found' } },
})
forms(
  'statusMethod',
  async ({ sandbox, form, get, json }) => {
    sandbox.hold('device.remove')
    const path = `/request-status/${(await form(...REMOVE)).id}`
    return [(await get(path)).status, (await json(path, {})).status]
  },
  { get: [202, 405], 'post-405': [405, 202], 'post-404': [404, 202] },
)
test('freshUnknownMs: a fresh id is unknown for a moment', async () => {
  const { sandbox, form, get } = await start({ dialect: { freshUnknownMs: 5_000 } })
  const { id } = await form(...REMOVE)
  expect((await get(`/request-status/${id}`)).status).toBe(404)
  const command = sandbox.state.commands.get(id)
  if (command) command.acceptedAt -= 5_000
  expect((await get(`/request-status/${id}`)).status).not.toBe(404)
})

const BLANK = 'This value should not be blank.'
forms(
  'errorBody',
  async ({ form, get }) => {
    const invalid = await form('/device/remove')
    const missing = await get('/voting/check-pool-status/x')
    return [invalid.status, invalid.body ?? invalid.text, missing.status, missing.body ?? missing.text]
  },
  {
    'field-lists': [422, { errors: { deviceIdentifier: [BLANK] } }, 404, { message: 'record not found' }],
    'field-texts': [422, { errors: { deviceIdentifier: BLANK } }, 404, { message: 'record not found' }],
    violations: [
      422,
      { violations: [{ propertyPath: 'deviceIdentifier', message: BLANK }] },
      404,
      { violations: [{ propertyPath: '', message: 'record not found' }] },
    ],
    message: [422, { message: `deviceIdentifier: ${BLANK}` }, 404, { message: 'record not found' }],
    error: [422, { error: `deviceIdentifier: ${BLANK}` }, 404, { error: 'record not found' }],
    errors: [422, { errors: [`deviceIdentifier: ${BLANK}`] }, 404, { errors: ['record not found'] }],
    text: [422, `deviceIdentifier: ${BLANK}`, 404, 'record not found'],
    array: [422, [`deviceIdentifier: ${BLANK}`], 404, ['record not found']],
    empty: [422, '', 404, ''],
    html: [422, expect.stringMatching(/^<html>/), 404, expect.stringMatching(/^<html>/)],
  },
)
test('ids malformed: they need encoding, and work when they have it', async () => {
  const { form, get, outcome } = await start({ dialect: { ids: 'malformed' } })
  const asked = await form('/device/request-unique-identifier', { deviceName: 'Watch' })
  expect(encodeURIComponent(asked.id)).not.toBe(asked.id)
  await outcome(asked)
  expect((await get(`/request-status/${encodeURIComponent(asked.id)}`)).status).toBe(200)
  const { deviceIdentifier } = (await form('/device/retrieve-unique-identifier', { id: asked.id })).body
  const path = `/device/retrieve-device-configuration/${encodeURIComponent(deviceIdentifier)}`
  expect((await get(path)).status).toBe(200)
})
