// Storage devices, as clients see them.
import { type DeviceRecord, device } from '../privicore/device.ts'
import { storage } from '../privicore/storage.ts'
import { findDevice } from '../resolvers/device.ts'
import {
  findStorageDevice,
  listStorageDevices,
  registerStorageDevice,
  removeStorageDevice,
  synchronizeStorageDevice,
} from '../resolvers/storage.ts'
import { builder } from './builder.ts'
import { afterSuccess, commandMutation } from './command.ts'
import { DeviceInput, DeviceType } from './device.ts'
import { implementNode } from './node.ts'
import { encodeNodeId } from './node-id.ts'
import { ahead, rest } from './rest.ts'

export const StorageDeviceType = builder.objectRef<DeviceRecord>('StorageDevice')

implementNode(StorageDeviceType, {
  description: 'The role of a device that keeps data. Without one, exchangeDataForToken never completes.',
  id: (record) => record.deviceIdentifier,
  load: (ctx, ids) => Promise.all(ids.map((id) => findStorageDevice(ctx, id))),
  fields: (t) => ({
    deviceIdentifier: t.exposeID('deviceIdentifier', {
      nullable: false,
      description: "Privicore's identifier of the device.",
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      nullable: true,
      description: 'As the record of the role says; null where it does not.',
    }),
    device: t.field({
      type: DeviceType,
      nullable: true,
      description: 'The device that has the role: one call, however many. Null where the profile has no such device.',
      extensions: { ...ahead(device.list) },
      resolve: (record, _, ctx) => findDevice(ctx, record.deviceIdentifier),
    }),
  }),
})

builder.queryField('storageDevices', (t) =>
  t.field({
    type: [StorageDeviceType],
    nullable: true,
    description: 'The devices that keep the data of the profile, in the order of Privicore. Scope storage.',
    extensions: { ...rest(storage.list), ...ahead(storage.list) },
    resolve: (_, __, ctx) => listStorageDevices(ctx),
  }),
)

commandMutation('registerStorageDevice', {
  description:
    'Makes an APPROVED device keep the data of the profile. REJECTED where the device may not. Scope storage.',
  calls: [storage.register],
  input: DeviceInput,
  run: (ctx, { deviceIdentifier }) => registerStorageDevice(ctx, deviceIdentifier),
  fields: (t) => ({
    storageDevice: afterSuccess(t, {
      type: StorageDeviceType,
      description: 'The new role of the device.',
      find: (ctx, { input }) => findStorageDevice(ctx, input.deviceIdentifier),
    }),
  }),
})

commandMutation('synchronizeStorageDevice', {
  description:
    'Brings what a storage device keeps up to date with the others. Takes long, and the device must be online: follow the command rather than waiting for it. Scope storage.',
  calls: [storage.sync],
  input: DeviceInput,
  run: (ctx, { deviceIdentifier }) => synchronizeStorageDevice(ctx, deviceIdentifier),
  fields: (t) => ({
    storageDevice: afterSuccess(t, {
      type: StorageDeviceType,
      description: 'The device that is up to date.',
      find: (ctx, { input }) => findStorageDevice(ctx, input.deviceIdentifier),
    }),
  }),
})

commandMutation('removeStorageDevice', {
  description: 'Ends the role: the device keeps no more data. The device itself stays. Scope storage.',
  calls: [storage.remove],
  input: DeviceInput,
  run: (ctx, { deviceIdentifier }) => removeStorageDevice(ctx, deviceIdentifier),
  fields: (t) => ({
    device: afterSuccess(t, {
      type: DeviceType,
      description: 'The device, which stays.',
      find: (ctx, { input }) => findDevice(ctx, input.deviceIdentifier),
    }),
    deletedStorageDeviceId: afterSuccess(t, {
      type: 'ID',
      description: 'Node id of the storage device that is gone: evict it from your cache.',
      find: async (_, { input }) => encodeNodeId('StorageDevice', input.deviceIdentifier),
    }),
  }),
})
