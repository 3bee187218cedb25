// One device, as a record of the device, storage and authenticator lists (privicore.md §6 to §8). Its keys are not known for
// sure: what is there is read. Knows no row of the catalogue.
import { type Fields, flag, freeObject, instant, integer, isFields, named, requiredText, text } from './decode.ts'

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

/** The identifier's name drifts (privicore.md §6). */
export const IDENTIFIER_NAMES = ['deviceIdentifier', 'deviceId', 'deviceUniqueIdentifier'] as const
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
    score: rounded(scoreOf(record)),
    createdAt: instant(createdAtOf(record)),
    meta: freeObject(metaOf(record)),
    directory: directoryEntry(record),
  }
}

/** A score may be a fraction; what is shown is a whole number. */
function rounded(value: unknown): number | null {
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value
  return typeof number === 'number' ? integer(Math.round(number)) : null
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
