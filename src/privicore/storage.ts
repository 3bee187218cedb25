// Storage devices, on the wire (privicore.md §7): the devices that keep data. Their records are device records.
import { listOf } from './decode.ts'
import { toDevice } from './device-record.ts'
import { command, read } from './endpoint.ts'

export const storage = {
  register: command('storage.register', {
    post: '/storage/register',
    form: ['deviceIdentifier'],
    sureness: 'seen',
  }),
  list: read('storage.list', {
    get: '/storage/list-storage-devices',
    sureness: 'sure',
    decode: listOf(toDevice, 'storageDevice'),
  }),
  /** Long-running: the device must be online. */
  sync: command('storage.sync', {
    post: '/storage/sync-device',
    form: ['deviceIdentifier'],
    sureness: 'sure',
  }),
  /** The device itself stays. */
  remove: command('storage.remove', {
    post: '/storage/remove',
    form: ['deviceIdentifier'],
    sureness: 'sure',
  }),
}
