// Knows the device rows (privicore.md section 6).
import { type Answer, notFound, ok, timestamp } from '../answers.ts'
import { Rejected } from '../commands.ts'
import { deviceRecord, ownDevice } from '../device-record.ts'
import { malformed, seededId, uuid } from '../ids.ts'
import type { Caller, Routes } from '../router.ts'
import type { Device, Profile } from '../state.ts'
import { text } from '../validation.ts'
import { accept, type World } from '../world.ts'

export function device(world: World): Routes {
  const { state, dialect } = world

  return {
    'device.request': {
      method: 'POST',
      path: '/device/request-unique-identifier',
      auth: 'token',
      fields: { deviceName: text },
      answer: (call, { profile }) =>
        accept(world, call.endpoint, profile, {
          keyed: true,
          apply: (command) => {
            command.result = addDevice(world, profile, call.text('deviceName')).deviceIdentifier
          },
        }),
    },

    'device.identifier': {
      method: 'POST',
      path: '/device/retrieve-unique-identifier',
      auth: 'token',
      fields: { id: text },
      answer: (call, { profile }) => {
        const identifier = world.commands.result(call.text('id'), 'device.request', profile.profileId)
        const found = profile.devices.get(identifier ?? '')
        if (!found) throw notFound()
        return identifierAnswer(world, profile, found)
      },
    },

    'device.list': {
      method: 'GET',
      path: '/device/retrieve-profile-devices',
      auth: 'token',
      answer: (_call, { profile }) => {
        const seen = state.seen(profile)
        const records = [...seen.devices.values()].map((one) => deviceRecord(world, seen, one))
        if (dialect.deviceList === 'items') return ok({ items: records })
        return ok(dialect.deviceList === 'single' && records.length === 1 ? records[0] : records)
      },
    },

    'device.configure': {
      method: 'POST',
      path: '/device/configure-meta',
      auth: 'token',
      fields: { deviceIdentifier: text, name: text },
      answer: (call, { profile }) =>
        accept(world, call.endpoint, profile, {
          apply: () => {
            const found = ownDevice(world, profile, call.text('deviceIdentifier'))
            found.name = call.text('name')
            Object.assign(found.meta, call.others(['deviceIdentifier', 'name']))
          },
        }),
    },

    'device.approve': {
      method: 'POST',
      path: '/device/approve-device',
      auth: 'token',
      fields: { deviceIdentifier: text },
      answer: (call, { profile }) =>
        accept(world, call.endpoint, profile, {
          apply: () => {
            const found = pendingDevice(world, profile, call.text('deviceIdentifier'))
            if (!found.publicKey) throw new Rejected('device.public_key_missing')
            found.approved = true
          },
        }),
    },

    'device.reject': {
      method: 'POST',
      path: '/device/reject-device',
      auth: 'token',
      fields: { deviceIdentifier: text },
      answer: (call, { profile }) =>
        accept(world, call.endpoint, profile, {
          apply: () => {
            profile.devices.delete(pendingDevice(world, profile, call.text('deviceIdentifier')).deviceIdentifier)
          },
        }),
    },

    'device.configuration': {
      method: 'GET',
      path: '/device/retrieve-device-configuration/{deviceIdentifier}',
      auth: 'token',
      answer: (call, caller) => configuration(world, caller, call.param('deviceIdentifier')),
    },

    'device.remove': {
      method: 'POST',
      path: '/device/remove',
      auth: 'token',
      fields: { deviceIdentifier: text },
      answer: (call, { profile }) =>
        accept(world, call.endpoint, profile, {
          apply: () => {
            const { deviceIdentifier } = ownDevice(world, profile, call.text('deviceIdentifier'))
            for (const records of [profile.devices, profile.storage, profile.authenticators]) {
              records.delete(deviceIdentifier)
            }
          },
        }),
    },
  }
}

function addDevice(world: World, profile: Profile, name: string): Device {
  const deviceIdentifier = world.dialect.ids === 'malformed' ? malformed(uuid()) : uuid()
  const added: Device = {
    deviceIdentifier,
    name,
    createdAt: Date.now(),
    approved: false,
    publicKey: null,
    online: false,
    score: 0,
    meta: {},
  }
  profile.devices.set(deviceIdentifier, added)
  return added
}

function pendingDevice(world: World, profile: Profile, deviceIdentifier: string): Device {
  const found = ownDevice(world, profile, deviceIdentifier)
  if (found.approved) throw new Rejected('device.not_pending')
  return found
}

function identifierAnswer({ dialect }: World, profile: Profile, one: Device): Answer {
  if (dialect.deviceIdentifierAnswer === 'text') return ok(one.deviceIdentifier)
  const identifier = { [dialect.deviceIdentifierKey]: one.deviceIdentifier }
  if (dialect.deviceIdentifierAnswer === 'object') return ok(identifier)
  const createdAt = timestamp(one.createdAt)
  return ok({ ...identifier, createdAt, profile: profile.profileId, approved: one.approved ? 1 : 0 })
}

function configuration({ dialect }: World, { profile }: Caller, deviceIdentifier: string): Answer {
  const one = profile.devices.get(deviceIdentifier)
  if (!one) throw notFound()
  const settings = {
    'device-identifier': one.deviceIdentifier,
    'client-id': `client-of-${one.deviceIdentifier}`,
    'client-secret': seededId(`client-secret of ${one.deviceIdentifier}`),
    'rabbit-user': `device-${one.deviceIdentifier}`,
    'rabbit-pass': seededId(`rabbit-pass of ${one.deviceIdentifier}`),
    'rabbit-host': 'broker.privicore.example',
    'rabbit-port': 5671,
  }
  if (dialect.deviceConfiguration === 'kebab') return ok(settings)
  const yaml = Object.entries(settings).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
  return ok({ name: 'device.yaml', file: Buffer.from(yaml.join('')).toString('base64') })
}
