import { expect } from 'vitest'
import { seededKey } from '../../../sandbox/seed.ts'
import { deviceNamed } from '../client.ts'
import { type Context, forms, hex, type Look, text, time } from './forms.ts'

forms('publicKeyTag', async ({ get }) => (await get('/generate-keys')).body.public, {
  '31420500': hex('31420500[0-9a-f]{192}'),
  '31400500': hex('31400500[0-9a-f]{192}'),
})
forms('publicKeyCase', async ({ get }) => (await get('/public-key/retrieve-public-key')).body.publicKey, {
  lower: seededKey('alice'),
  upper: seededKey('alice').toUpperCase(),
})
forms('publicKeyExtras', async ({ get }) => (await get('/public-key/retrieve-public-key')).body, {
  present: { publicKey: text, createdAt: time, status: text },
  absent: { publicKey: text },
})

async function reserved({ form, get, outcome }: Context) {
  const reservation = await form('/data-token/reserve-token-space', { context: 'c' })
  await outcome(reservation)
  return (await get(`/data-token/retrieve-temporary-data-token/${reservation.id}`)).body
}
forms('temporaryToken', reserved, { object: { token: text, stream: text }, text })
forms('stream', reserved, {
  token: { token: text, stream: hex('[0-9a-f]{64}') },
  url: { token: text, stream: hex('http://127.0.0.1:\\d+/\\?auth=[0-9a-f]{64}') },
  absent: { token: text },
})
forms(
  'requestDataBody',
  async ({ form }) => {
    const { id, body, headers } = await form('/data-token/request-data', { token: 'x' })
    return [body, { commandId: id, requestId: headers.get('x-dpt-cab-request-id') }]
      .map((one) => JSON.stringify(one))
      .join()
  },
  {
    null: expect.stringMatching(/^null,/),
    object: expect.stringMatching(/^(\{.*\}),\1$/),
  },
)
forms(
  'fileMeta',
  async (context) => {
    const { token } = await reserved(context)
    const file = { token, fileName: 'a', extension: 'b', context: 'c', size: '1', path: '/' }
    const { status, body } = await context.form('/data-token/configure-file-meta', file)
    return [status, body]
  },
  {
    object: [200, { token: text }],
    text: [200, text],
    '202': [202, [text]],
    'no-token': [200, undefined],
  },
)
const tokens: Look = async ({ get }) => (await get('/data-token/list-data-tokens?page=2&perPage=1')).body
const item = expect.objectContaining({ token: text })
forms('dataTokenList', tokens, { paged: { items: [item], meta: { count: 64, page: 2, perPage: 1 } }, array: [item] })
forms(
  'dataTokenItem',
  tokens,
  {
    flat: [
      expect.objectContaining({ context: text, fileName: text, extension: text, classification: text, type: text }),
    ],
    nested: [
      {
        token: text,
        context: text,
        createdAt: time,
        meta: {
          file: expect.objectContaining({ fileName: text }),
          information_security_risk: expect.objectContaining({ label: text }),
          data: { type: text },
        },
      },
    ],
  },
  { dataTokenList: 'array' },
)

const devices: Look = async ({ get }) => (await get('/device/retrieve-profile-devices')).body
const firstKeys: Look = async (context) => Object.keys(((await devices(context)) as object[])[0] ?? {})
const DEVICE = ['name', 'createdAt', 'approved', 'score', 'meta', 'roles']
forms(
  'deviceIdentifierKey',
  async ({ get }) => {
    const lists = [
      '/device/retrieve-profile-devices',
      '/storage/list-storage-devices',
      '/verified-authenticator/list-verified-authenticator',
    ]
    return Promise.all(lists.map(async (path) => Object.keys((await get(path)).body[0])[0]))
  },
  {
    deviceIdentifier: Array(3).fill('deviceIdentifier'),
    deviceId: Array(3).fill('deviceId'),
    deviceUniqueIdentifier: Array(3).fill('deviceUniqueIdentifier'),
    device_unique_identifier: Array(3).fill('device_unique_identifier'),
  },
)
forms(
  'deviceIdentifierAnswer',
  async ({ form, outcome }) => {
    const asked = await form('/device/request-unique-identifier', { deviceName: 'Watch' })
    await outcome(asked)
    return (await form('/device/retrieve-unique-identifier', { id: asked.id })).body
  },
  {
    object: { deviceIdentifier: text },
    extras: { deviceIdentifier: text, createdAt: time, profile: text, approved: 0 },
    text,
  },
)
forms(
  'deviceList',
  async (context) => {
    const all = context.sandbox.state.profile('alice').devices
    for (const id of [...all.keys()].slice(1)) all.delete(id)
    const one = await devices(context)
    all.clear()
    return [one, await devices(context)]
  },
  {
    array: [[expect.objectContaining({ name: text })], []],
    items: [{ items: [expect.objectContaining({ name: text })] }, { items: [] }],
    single: [expect.objectContaining({ name: text }), []],
  },
)
forms(
  'deviceApproval',
  async (context) => {
    const [approved, pending] = [0, 9].map(
      (
        (all) => (index: number) =>
          all[index]
      )((await devices(context)) as Record<string, unknown>[]),
    )
    return [approved?.approved ?? approved?.status, pending?.approved ?? pending?.status]
  },
  { number: [1, 0], boolean: [true, false], status: ['approved', 'pending'] },
)
forms('deviceExtras', firstKeys, {
  present: ['deviceIdentifier', ...DEVICE],
  absent: ['deviceIdentifier', 'name', 'createdAt', 'approved'],
})
const DIRECTORY = ['directoryId', 'directoryName', 'directoryShortName', 'givenName', 'familyName']
forms(
  'directoryFields',
  async (context) => {
    const profile = await context.get('/profile/retrieve-profile-id')
    return [await firstKeys(context), Object.keys(profile.body)]
  },
  {
    absent: [['deviceIdentifier', ...DEVICE], ['profileId']],
    present: [
      ['deviceIdentifier', ...DEVICE, ...DIRECTORY],
      ['profileId', ...DIRECTORY],
    ],
  },
)
forms(
  'deviceConfiguration',
  async ({ sandbox, get }) => {
    return (await get(`/device/retrieve-device-configuration/${deviceNamed(sandbox, 'Home NAS')}`)).body
  },
  {
    kebab: {
      'device-identifier': text,
      'client-id': text,
      'client-secret': text,
      'rabbit-user': text,
      'rabbit-pass': text,
      'rabbit-host': text,
      'rabbit-port': 5671,
    },
    file: { name: 'device.yaml', file: text },
  },
)
