// Knows whose a device is, and what its record looks like wherever one is listed (privicore.md sections 6 to 8).
import { timestamp } from './answers.ts'
import { Rejected } from './commands.ts'
import type { Device, Profile } from './state.ts'
import type { World } from './world.ts'

/** Throws Rejected. */
export function ownDevice(world: World, profile: Profile, deviceIdentifier: string): Device {
  const found = profile.devices.get(deviceIdentifier)
  if (found) return found
  throw new Rejected(world.state.owns('devices', deviceIdentifier) ? 'profile.not_an_owner' : 'device.not_found')
}

export function deviceRecord(world: World, profile: Profile, one: Device): Record<string, unknown> {
  const { dialect } = world
  const roles = [
    ...(profile.storage.has(one.deviceIdentifier) ? ['storage'] : []),
    ...(profile.authenticators.has(one.deviceIdentifier) ? ['verified_authenticator'] : []),
  ]
  const extras = { score: one.score, meta: one.meta, roles }
  return {
    [dialect.deviceIdentifierKey]: one.deviceIdentifier,
    name: one.name,
    createdAt: timestamp(one.createdAt),
    ...approval(world, one),
    ...(dialect.deviceExtras === 'present' ? extras : {}),
    ...(dialect.directoryFields === 'present' ? profile.directory : {}),
  }
}

/** The devices that have a role; createdAt is when they got it. */
export function roleRecords(world: World, profile: Profile, role: 'storage' | 'authenticators'): unknown[] {
  const seen = world.state.seen(profile)
  return [...seen[role].values()].flatMap(({ deviceIdentifier, createdAt }) => {
    const one = seen.devices.get(deviceIdentifier)
    return one ? [{ ...deviceRecord(world, seen, one), createdAt: timestamp(createdAt) }] : []
  })
}

function approval({ dialect }: World, { approved }: Device): Record<string, unknown> {
  switch (dialect.deviceApproval) {
    case 'number':
      return { approved: approved ? 1 : 0 }
    case 'boolean':
      return { approved }
    case 'status':
      return { status: approved ? 'approved' : 'pending' }
  }
}
