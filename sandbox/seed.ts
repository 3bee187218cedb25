// Knows the demo data: alice and bob, with everything a first look at the API needs.
import { createHash } from 'node:crypto'
import type { Blobs } from './blobs.ts'
import { SEED_TIME, seededId } from './ids.ts'
import { sign, TAGS } from './signed-key.ts'
import type { Device, PolicyTemplate, Profile, State, VotingConfiguration } from './state.ts'

const HOUR_MS = 3_600_000
const DATA_TOKENS = 64

/** Name, then what is special: storage, authenticator, pending, keyless (pending, without a public key), offline. */
const DEVICES: [name: string, ...traits: string[]][] = [
  ['Office laptop', 'authenticator'],
  ['Work phone', 'authenticator'],
  ['Private phone', 'authenticator'],
  ['Security key station', 'authenticator'],
  ['Home NAS', 'storage'],
  ['Office NAS', 'storage'],
  ['Backup server', 'storage', 'authenticator'],
  ['Archive server', 'storage', 'offline'],
  ['Spare server'],
  ['New tablet', 'pending'],
  ['New phone', 'pending'],
  ['Reception desk', 'pending'],
  ['Meeting room display', 'pending', 'keyless'],
  ['Unboxed laptop', 'pending', 'keyless'],
]

/** An event whose name is an operation (data_token.exchange_data_for_token) holds that operation for a vote. */
const TEMPLATES: PolicyTemplate[] = [
  {
    name: 'Data exchange',
    description: 'Authenticators vote before data is stored or handed out.',
    events: eventsOf({
      'data_token.exchange_data_for_token': 'Data is exchanged for a token',
      'data_token.request_data': 'Data is requested',
    }),
    configuration: ['reason'],
    votingAttributes: ['context', 'profileId'],
  },
  {
    name: 'Data change',
    description: 'Authenticators vote before stored data is changed or removed.',
    events: eventsOf({
      'data_token.update_data': 'Data is updated',
      'data_token.delete_data': 'Data is deleted',
    }),
    configuration: ['reason', 'gracePeriod'],
    votingAttributes: ['token'],
  },
  {
    name: 'Device admission',
    description: 'Authenticators vote before a device is approved or removed.',
    events: eventsOf({ 'device.approve_device': 'A device is approved', 'device.remove': 'A device is removed' }),
    configuration: [],
    votingAttributes: ['deviceIdentifier'],
  },
  {
    name: 'Retention',
    description: 'What happens when data grows old.',
    events: eventsOf({ 'retention.expiring': 'Data is about to expire', 'retention.expired': 'Data has expired' }),
    configuration: ['retentionDays', 'notify'],
    votingAttributes: [],
  },
]

const VOTING_CONFIGURATIONS: Omit<VotingConfiguration, 'id'>[] = [
  { name: 'Everybody agrees', timeLimit: 600, strategy: 'unanimous', deviceIdentifiers: [] },
  { name: 'Majority', timeLimit: 300, strategy: 'consensus', deviceIdentifiers: [] },
  { name: 'Any one of us', timeLimit: 120, strategy: 'affirmative', deviceIdentifiers: [] },
  { name: 'Two thirds', timeLimit: 900, strategy: 'minimum_percentage', percentageRequired: 66, deviceIdentifiers: [] },
]

/** The active ones hold nothing up; activate "Vote on exchange" to see a command wait for its vote. */
const POLICIES = [
  {
    name: 'Keep for ten years',
    template: 'Retention',
    active: true,
    configuration: { retentionDays: 3650, notify: true },
  },
  {
    name: 'Warn before expiry',
    template: 'Retention',
    active: true,
    configuration: { retentionDays: 365, notify: true },
  },
  { name: 'Vote on exchange', template: 'Data exchange', voting: 'Majority', configuration: { reason: 'four eyes' } },
  { name: 'Vote on deletion', template: 'Data change', voting: 'Everybody agrees', configuration: { gracePeriod: 7 } },
  { name: 'New devices', template: 'Device admission', voting: 'Any one of us', configuration: {} },
]

const FILES = [
  { stem: 'contract', extension: 'pdf', context: 'contracts', type: 'document', label: 'Confidential' },
  { stem: 'payslip', extension: 'pdf', context: 'payroll', type: 'document', label: 'Personal' },
  { stem: 'passport-scan', extension: 'png', context: 'identity', type: 'image', label: 'Personal' },
  { stem: 'customer-list', extension: 'csv', context: 'customers', type: 'table', label: 'Internal' },
  { stem: 'x-ray', extension: 'dcm', context: 'health', type: 'image', label: 'Secret' },
] as const

/** Both profiles exist, with passwords and public keys, in an empty sandbox too. */
export function seedProfiles(state: State): Profile[] {
  for (const template of TEMPLATES) state.templates.set(templateId(template.name), template)
  return ['alice', 'bob'].map((username, index) => {
    const profile = state.addProfile(seededId(username, index), username, `${username}-password`, SEED_TIME)
    profile.publicKey = { hex: seededKey(username), createdAt: SEED_TIME }
    return profile
  })
}

export function seedDemo(state: State, blobs: Blobs): void {
  for (const profile of state.profiles.values()) {
    seedDevices(profile)
    seedVoting(profile)
    seedPolicies(profile)
    seedApplication(profile)
    seedDataTokens(profile, blobs)
  }
}

export function seededKey(name: string): string {
  return sign(createHash('sha256').update(`public key of ${name}`).digest(), TAGS[0])
}

function seedDevices(profile: Profile): void {
  for (const [index, [name, ...traits]] of DEVICES.entries()) {
    const deviceIdentifier = seededId(`${profile.username}: device ${name}`, index)
    const createdAt = SEED_TIME + index * HOUR_MS
    const device: Device = {
      deviceIdentifier,
      name: `${profile.directory.givenName}: ${name}`,
      createdAt,
      approved: !traits.includes('pending'),
      publicKey: traits.includes('keyless') ? null : seededKey(deviceIdentifier),
      online: !traits.includes('offline') && !traits.includes('pending'),
      score: 60 + ((index * 7) % 40),
      meta: { room: `${1 + (index % 4)}.0${1 + (index % 6)}` },
    }
    profile.devices.set(deviceIdentifier, device)
    const role = { deviceIdentifier, createdAt: createdAt + HOUR_MS }
    if (traits.includes('storage')) profile.storage.set(deviceIdentifier, role)
    if (traits.includes('authenticator')) profile.authenticators.set(deviceIdentifier, role)
  }
}

function seedVoting(profile: Profile): void {
  for (const [index, configuration] of VOTING_CONFIGURATIONS.entries()) {
    const id = seededId(`${profile.username}: voting ${configuration.name}`, index)
    profile.votingConfigurations.set(id, { id, ...configuration, deviceIdentifiers: [] })
  }
}

function seedPolicies(profile: Profile): void {
  const configurations = [...profile.votingConfigurations.values()]
  for (const [index, { name, template, active = false, voting, configuration }] of POLICIES.entries()) {
    const id = seededId(`${profile.username}: policy ${name}`, index)
    const events = TEMPLATES.find((one) => one.name === template)?.events ?? {}
    profile.policies.set(id, {
      id,
      name,
      policyTemplateId: templateId(template),
      applyingEventIds: Object.keys(events),
      votingConfigurationId: configurations.find((one) => one.name === voting)?.id ?? null,
      configuration: { ...configuration },
      active,
      createdAt: SEED_TIME + index * HOUR_MS,
    })
  }
}

function seedApplication(profile: Profile): void {
  const id = seededId(`${profile.username}: application`)
  profile.applications.set(id, {
    id,
    title: `${profile.directory.givenName}'s dashboard`,
    redirectUri: 'https://dashboard.example/callback',
    profileId: profile.profileId,
    clientId: seededId(`${profile.username}: client`),
    clientSecret: seededId(`${profile.username}: client secret`),
    scopes: [],
    createdAt: SEED_TIME,
    retrieved: true,
  })
}

function seedDataTokens(profile: Profile, blobs: Blobs): void {
  for (let index = 0; index < DATA_TOKENS; index++) {
    const { stem, extension, context, type, label } = FILES[index % FILES.length] ?? FILES[0]
    const token = seededId(`${profile.username}: data ${index}`, index)
    const fileName = `${stem}-${String(index + 1).padStart(3, '0')}`
    const stored = blobs.put(createHash('sha512').update(`ciphertext of ${token}`).digest())
    profile.dataTokens.set(token, {
      token,
      temporaryToken: token,
      stream: null,
      context,
      meta: {
        file: { fileName, extension, size: 2048 + index * 512, path: `/${context}` },
        information_security_risk: { classification: 'C2', label, handling: 'encrypted' },
        data: { type },
      },
      createdAt: SEED_TIME + index * HOUR_MS,
      expiresAt: Number.POSITIVE_INFINITY,
      stored,
    })
  }
}

function templateId(name: string): string {
  return seededId(`policy template ${name}`)
}

function eventsOf(labels: Record<string, string>): PolicyTemplate['events'] {
  return Object.fromEntries(
    Object.entries(labels).map(([name, label]) => [seededId(`event ${name}`), { [name]: label }]),
  )
}
