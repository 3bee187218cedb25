// Knows the storage rows (privicore.md section 7).
import { ok } from '../answers.ts'
import { Rejected } from '../commands.ts'
import { ownDevice, roleRecords } from '../device-record.ts'
import type { Routes } from '../router.ts'
import { text } from '../validation.ts'
import { accept, type World } from '../world.ts'

export function storage(world: World): Routes {
  return {
    'storage.register': {
      method: 'POST',
      path: '/storage/register',
      auth: 'token',
      fields: { deviceIdentifier: text },
      answer: (call, { profile }) =>
        accept(world, call.endpoint, profile, {
          apply: () => {
            const { deviceIdentifier, approved } = ownDevice(world, profile, call.text('deviceIdentifier'))
            if (!approved) throw new Rejected('device.not_approved')
            if (profile.storage.has(deviceIdentifier)) throw new Rejected('storage.already_registered')
            profile.storage.set(deviceIdentifier, { deviceIdentifier, createdAt: Date.now() })
          },
        }),
    },

    'storage.list': {
      method: 'GET',
      path: '/storage/list-storage-devices',
      auth: 'token',
      answer: (_call, { profile }) => ok(roleRecords(world, profile, 'storage')),
    },

    'storage.sync': {
      method: 'POST',
      path: '/storage/sync-device',
      auth: 'token',
      fields: { deviceIdentifier: text },
      answer: (call, { profile }) =>
        accept(world, call.endpoint, profile, {
          slow: true,
          apply: () => {
            const { deviceIdentifier, online } = ownDevice(world, profile, call.text('deviceIdentifier'))
            if (!profile.storage.has(deviceIdentifier)) throw new Rejected('storage.not_registered')
            if (!online) throw new Rejected('device.offline')
          },
        }),
    },

    'storage.remove': {
      method: 'POST',
      path: '/storage/remove',
      auth: 'token',
      fields: { deviceIdentifier: text },
      answer: (call, { profile }) =>
        accept(world, call.endpoint, profile, {
          apply: () => {
            const { deviceIdentifier } = ownDevice(world, profile, call.text('deviceIdentifier'))
            if (!profile.storage.delete(deviceIdentifier)) throw new Rejected('storage.not_registered')
          },
        }),
    },
  }
}
