// Policies, on the wire (privicore.md §9): what is made of templates, and makes operations wait for a vote.
import {
  type Fields,
  fields,
  flag,
  freeObject,
  instant,
  isFields,
  listOf,
  named,
  oneOf,
  requiredText,
  text,
  textsIn,
  word,
} from './decode.ts'
import { command, read } from './endpoint.ts'

export interface PolicyEvent {
  readonly eventId: string
  readonly name: string | null
  readonly label: string | null
}

export interface PolicyTemplate {
  readonly templateId: string
  readonly name: string | null
  readonly description: string | null
  readonly events: readonly PolicyEvent[]
  /** Names of the settings that a policy made from it takes. */
  readonly configurationKeys: readonly string[]
  readonly votingAttributes: readonly string[]
}

export interface PolicyRecord {
  readonly policyId: string
  readonly name: string
  readonly templateId: string | null
  /** null where the record does not say. */
  readonly eventIds: readonly string[] | null
  readonly votingConfigurationId: string | null
  readonly configuration: Fields | null
  /** null where the record does not say. */
  readonly active: boolean | null
  /** RFC 3339. */
  readonly createdAt: string | null
}

/** `{"id",…}`: whoever asks by name knows the name, so the answer need not repeat it. */
export interface PolicyAnswer extends Omit<PolicyRecord, 'name'> {
  readonly name: string | null
}

const templateIdOf = named('id', 'templateId', 'policyTemplateId')
const nameOf = named('name', 'policyName', 'title')
const descriptionOf = named('description')
const eventsOf = named('events')
const configurationOf = named('configuration', 'configurationKeys')
const votingAttributesOf = named('votingAttributes')
const eventIdOf = named('eventId', 'id')
const eventNameOf = named('name', 'eventName')
const labelOf = named('label', 'eventLabel')
const keysIn = textsIn('name', 'key', 'param', 'id')

/** `{"<eventId>":{"<eventName>":"<label>"}}`; PHP spells an empty one `[]`. */
function toEvents(value: unknown): PolicyEvent[] {
  if (Array.isArray(value)) return value.flatMap((event, index) => toEvent(String(index), event))
  return isFields(value) ? Object.entries(value).flatMap(([eventId, event]) => toEvent(eventId, event)) : []
}

/** @param key the event's id, where the event has no id of its own */
function toEvent(key: string, event: unknown): PolicyEvent[] {
  if (!isFields(event)) return [{ eventId: key, name: null, label: text(event) }]
  const eventId = text(eventIdOf(event)) ?? key
  const name = text(eventNameOf(event))
  const label = text(labelOf(event))
  if (name !== null || label !== null) return [{ eventId, name, label }]
  const names = Object.entries(event)
  if (names.length === 0) return [{ eventId, name: null, label: null }]
  return names.map(([own, said]) => ({ eventId, name: own, label: text(said) }))
}

function toTemplate(record: Fields): PolicyTemplate {
  return {
    templateId: requiredText(templateIdOf(record), 'policyTemplate.id'),
    name: text(nameOf(record)),
    description: text(descriptionOf(record)),
    events: toEvents(eventsOf(record)),
    configurationKeys: keysIn(configurationOf(record)),
    votingAttributes: keysIn(votingAttributesOf(record)),
  }
}

/** An object keyed by template id, whatever the ids look like; a list of templates that have their ids in them as well. */
function toTemplates(body: unknown): PolicyTemplate[] {
  if (body === undefined || body === null) return []
  if (Array.isArray(body)) {
    return body.filter((row) => row !== null).map((row) => toTemplate(fields(row, 'policyTemplate')))
  }
  const keyed = fields(body, 'policyTemplates')
  if (Array.isArray(keyed.items) || keyed.items === null || isKeyed(keyed.items)) return toTemplates(keyed.items)
  if (!isKeyed(keyed)) return [toTemplate(keyed)]
  return Object.entries(keyed).map(([id, row]) => toTemplate({ id, ...(row as Fields) }))
}

function isKeyed(value: unknown): boolean {
  return isFields(value) && Object.values(value).every(isFields)
}

const policyIdOf = named('id', 'policyId')
const policyTemplateOf = named('policyTemplateId', 'templateId', 'policyTemplate', 'template')
const eventIdsOf = named('applyingEventIds', 'eventIds', 'applyingEvents', 'events')
const votingConfigurationOf = named('votingConfigurationId', 'configurationId', 'votingConfiguration')
const settingsOf = named('configuration')
const activeOf = named('active', 'isActive', 'enabled')
const stateOf = named('state', 'status')
const createdAtOf = named('createdAt')
const eventIdsIn = textsIn('eventId', 'id')
const ownId = named('id', 'name')

/** An id, alone or in the object it belongs to. */
function idOf(value: unknown): string | null {
  return text(isFields(value) ? ownId(value) : value)
}

const ACTIVE_WORDS: Readonly<Record<string, boolean>> = {
  active: true,
  activated: true,
  enabled: true,
  inactive: false,
  deactivated: false,
  disabled: false,
}

function active(record: Fields): boolean | null {
  const stated = activeOf(record) ?? stateOf(record)
  return ACTIVE_WORDS[word(stated) ?? ''] ?? flag(stated)
}

function toAnswer(record: Fields, place: string): PolicyAnswer {
  const eventIds = eventIdsOf(record)
  return {
    policyId: requiredText(policyIdOf(record), `${place}.id`),
    name: text(nameOf(record)),
    templateId: idOf(policyTemplateOf(record)),
    eventIds: eventIds === undefined || eventIds === null ? null : eventIdsIn(eventIds),
    votingConfigurationId: idOf(votingConfigurationOf(record)),
    configuration: freeObject(settingsOf(record)),
    active: active(record),
    createdAt: instant(createdAtOf(record)),
  }
}

function toPolicy(record: Fields, place: string): PolicyRecord {
  const stated = toAnswer(record, place)
  return { ...stated, name: stated.name ?? stated.policyId }
}

const answer = oneOf(toAnswer, 'policy')

const policies = listOf(toPolicy, 'policy')

export const policy = {
  templates: read('policy.templates', {
    get: '/policy/list-policy-templates',
    sureness: 'sure',
    decode: toTemplates,
  }),
  /** Created inactive. The voting configuration goes under both names that the sources give it. */
  register: command('policy.register', {
    post: '/policy/register',
    json: ['policyTemplateId', 'applyingEventIds', 'name', 'configuration', 'votingConfigurationId?'],
    twins: { configurationId: 'votingConfigurationId' },
    sureness: 'sure',
  }),
  listActive: read('policy.listActive', { get: '/policy/list-active-policies', sureness: 'assumed', decode: policies }),
  listInactive: read('policy.listInactive', {
    get: '/policy/list-inactive-policies',
    sureness: 'assumed',
    decode: policies,
  }),
  list: read('policy.list', { get: '/policy/list-registered-policies', sureness: 'assumed', decode: policies }),
  activate: command('policy.activate', { post: '/policy/activate', form: ['policyId'], sureness: 'seen' }),
  deactivate: command('policy.deactivate', { post: '/policy/deactivate', form: ['policyId'], sureness: 'seen' }),
  delete: command('policy.delete', { post: '/policy/delete', form: ['policyId'], sureness: 'assumed' }),
  /** By name; eventually consistent after register. null where the answer holds none. */
  get: read('policy.get', {
    get: '/policy/retrieve-policy/{name}',
    sureness: 'seen',
    decode: (body) => answer(typeof body === 'string' ? { id: body } : body),
  }),
}
