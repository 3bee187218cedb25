// Devices, on the wire (privicore.md §6). The keys of a device record are not known for sure: what is there is read.
import {
  type Fields,
  fields,
  flag,
  freeObject,
  instant,
  integer,
  isFields,
  listOf,
  named,
  requiredText,
  text,
  textOrBare,
} from './decode.ts'
import { command, read } from './endpoint.ts'
import { Secret } from './secret.ts'

export type DeviceApproval = 'pending' | 'approved' | 'unknown'

/** Profiles that live in a directory (privicore.md §11). */
export interface DirectoryEntry {
  readonly directoryId: string | null
  readonly directoryName: string | null
  readonly directoryShortName: string | null
  readonly givenName: string | null
  readonly familyName: string | null
}

export interface DeviceRecord {
  readonly deviceIdentifier: string
  readonly name: string | null
  readonly approval: DeviceApproval
  readonly score: number | null
  /** RFC 3339. */
  readonly createdAt: string | null
  readonly meta: Fields | null
  readonly directory: DirectoryEntry | null
}

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

const IDENTIFIER_NAMES = ['deviceIdentifier', 'deviceId', 'deviceUniqueIdentifier'] as const
const identifierOf = named(...IDENTIFIER_NAMES)
const nameOf = named('name', 'deviceName')
const approvedOf = named('approved')
const statusOf = named('status')
const scoreOf = named('score')
const createdAtOf = named('createdAt')
const metaOf = named('meta')

const STATUS_WORDS: Record<string, DeviceApproval> = {
  approved: 'approved',
  active: 'approved',
  pending: 'pending',
  requested: 'pending',
  unapproved: 'pending',
  not_approved: 'pending',
}

/** One device record, as device, storage and authenticator lists hold them. */
export function toDevice(record: Fields, place: string): DeviceRecord {
  return {
    deviceIdentifier: requiredText(identifierOf(record) ?? record.id, `${place}.deviceIdentifier`),
    name: text(nameOf(record)),
    approval: approval(record),
    score: integer(scoreOf(record)),
    createdAt: instant(createdAtOf(record)),
    meta: freeObject(metaOf(record)),
    directory: directoryEntry(record),
  }
}

function approval(record: Fields): DeviceApproval {
  const stated = approvedOf(record) ?? statusOf(record)
  if (typeof stated === 'string') {
    const word = STATUS_WORDS[stated.toLowerCase()]
    if (word !== undefined) return word
  }
  const approved = flag(stated)
  return approved === null ? 'unknown' : approved ? 'approved' : 'pending'
}

const directoryFields = {
  directoryId: named('directoryId'),
  directoryName: named('directoryName'),
  directoryShortName: named('directoryShortName'),
  givenName: named('givenName'),
  familyName: named('familyName'),
}
const directoryOf = named('directory')

function directoryEntry(record: Fields): DirectoryEntry | null {
  const nested = directoryOf(record)
  const source = isFields(nested) ? { ...nested, ...record } : record
  const directoryId = text(directoryFields.directoryId(source))
  const directoryName = text(directoryFields.directoryName(source))
  const directoryShortName = text(directoryFields.directoryShortName(source))
  const givenName = text(directoryFields.givenName(source))
  const familyName = text(directoryFields.familyName(source))
  return (directoryId ?? directoryName ?? directoryShortName ?? givenName ?? familyName)
    ? { directoryId, directoryName, directoryShortName, givenName, familyName }
    : null
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
    file: file === null ? null : { name: requiredText(record.name, 'configuration.name'), content: new Secret(file) },
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
