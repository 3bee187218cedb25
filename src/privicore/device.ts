// Devices, on the wire (privicore.md §6).
import { fields, integer, listOf, named, text, textOrBare } from './decode.ts'
import { IDENTIFIER_NAMES, toDevice } from './device-record.ts'
import { command, read } from './endpoint.ts'
import { Secret } from './secret.ts'

export type { DeviceApproval, DeviceRecord, DirectoryEntry } from './device-record.ts'

/** Secret material: never cached, never logged. */
export interface DeviceConfiguration {
  readonly clientId: Secret | null
  readonly clientSecret: Secret | null
  readonly rabbitUser: Secret | null
  readonly rabbitPass: Secret | null
  readonly rabbitHost: string | null
  readonly rabbitPort: number | null
  /** The older form; `content` is base64. */
  readonly file: { readonly name: string; readonly content: Secret } | null
}

const clientIdOf = named('clientId')
const clientSecretOf = named('clientSecret')
const rabbitUserOf = named('rabbitUser')
const rabbitPassOf = named('rabbitPass')
const rabbitHostOf = named('rabbitHost')
const rabbitPortOf = named('rabbitPort')

const secretText = (value: unknown): Secret | null => {
  const found = text(value)
  return found === null ? null : new Secret(found)
}

function toConfiguration(body: unknown): DeviceConfiguration {
  const record = fields(body, 'configuration')
  const file = text(record.file)
  return {
    clientId: secretText(clientIdOf(record)),
    clientSecret: secretText(clientSecretOf(record)),
    rabbitUser: secretText(rabbitUserOf(record)),
    rabbitPass: secretText(rabbitPassOf(record)),
    rabbitHost: text(rabbitHostOf(record)),
    rabbitPort: integer(rabbitPortOf(record)),
    file: file === null ? null : { name: text(record.name) ?? 'configuration', content: new Secret(file) },
  }
}

export const device = {
  /** Answered by device.identifier, with the command's id as key. */
  request: command('device.request', {
    post: '/device/request-unique-identifier',
    form: ['deviceName'],
    sureness: 'sure',
  }),
  /** id: command id of the request. */
  identifier: read('device.identifier', {
    post: '/device/retrieve-unique-identifier',
    form: ['id'],
    sureness: 'sure',
    decode: textOrBare('deviceIdentifier', ...IDENTIFIER_NAMES),
  }),
  list: read('device.list', {
    get: '/device/retrieve-profile-devices',
    sureness: 'sure',
    decode: listOf(toDevice, 'device'),
  }),
  configure: command('device.configure', {
    post: '/device/configure-meta',
    form: ['deviceIdentifier', 'name?'],
    extra: true,
    sureness: 'seen',
  }),
  approve: command('device.approve', {
    post: '/device/approve-device',
    form: ['deviceIdentifier'],
    sureness: 'sure',
  }),
  reject: command('device.reject', {
    post: '/device/reject-device',
    form: ['deviceIdentifier'],
    sureness: 'seen',
  }),
  configuration: read('device.configuration', {
    get: '/device/retrieve-device-configuration/{deviceIdentifier}',
    sureness: 'sure',
    decode: toConfiguration,
  }),
  remove: command('device.remove', {
    post: '/device/remove',
    form: ['deviceIdentifier'],
    sureness: 'sure',
  }),
}
