// Devices, as clients see them. The specimen: docs/adding-an-endpoint.md walks through this area.
import { type DeviceConfiguration, type DeviceRecord, type DirectoryEntry, device } from '../privicore/device.ts'
import { storage } from '../privicore/storage.ts'
import { authenticator } from '../privicore/verified-authenticator.ts'
import {
  approveDevice,
  configureDevice,
  findDevice,
  findDeviceConfiguration,
  findDeviceIdentifier,
  listDevices,
  readDeviceIdentifier,
  rejectDevice,
  removeDevice,
  requestDevice,
  rolesOf,
} from '../resolvers/device.ts'
import { builder } from './builder.ts'
import { afterSuccess, commandMutation } from './command.ts'
import { implementNode } from './node.ts'
import { encodeNodeId } from './node-id.ts'
import { ahead, rest } from './rest.ts'

const DeviceStatus = builder.enumType('DeviceStatus', {
  description: 'Whether a device may work for its profile.',
  values: {
    PENDING: { value: 'pending', description: 'Waits for approveDevice or rejectDevice.' },
    APPROVED: { value: 'approved', description: 'May store data, or vote.' },
    UNKNOWN: { value: 'unknown', description: 'Privicore did not say.' },
  } as const,
})

const DeviceRole = builder.enumType('DeviceRole', {
  description: 'What a device does for its profile.',
  values: {
    STORAGE: { value: 'storage', description: 'It keeps data.' },
    AUTHENTICATOR: { value: 'authenticator', description: 'It votes.' },
  } as const,
})

const DirectoryEntryType = builder.objectRef<DirectoryEntry>('DirectoryEntry').implement({
  description: 'Where the profile of a device stands in a directory, for profiles that live in one.',
  fields: (t) => ({
    directoryId: t.exposeID('directoryId', { nullable: true, description: 'Id of the directory.' }),
    directoryName: t.exposeString('directoryName', { nullable: true, description: 'Name of the directory.' }),
    directoryShortName: t.exposeString('directoryShortName', {
      nullable: true,
      description: 'Short name of the directory.',
    }),
    givenName: t.exposeString('givenName', { nullable: true, description: 'Given name of the person.' }),
    familyName: t.exposeString('familyName', { nullable: true, description: 'Family name of the person.' }),
  }),
})

export const DeviceType = builder.objectRef<DeviceRecord>('Device')

implementNode(DeviceType, {
  description: 'A device of the profile. Once approved it can become a storage device, an authenticator, or both.',
  id: (record) => record.deviceIdentifier,
  load: (ctx, ids) => Promise.all(ids.map((id) => findDevice(ctx, id))),
  fields: (t) => ({
    deviceIdentifier: t.exposeID('deviceIdentifier', {
      nullable: false,
      description: "Privicore's identifier of the device.",
    }),
    name: t.exposeString('name', { nullable: true, description: 'As its owner named it.' }),
    status: t.field({
      type: DeviceStatus,
      nullable: false,
      description: 'Whether it may work for the profile.',
      resolve: (record) => record.approval,
    }),
    roles: t.field({
      type: [DeviceRole],
      nullable: true,
      description:
        'What it does for the profile, out of the lists of storage devices and authenticators: one call each, whatever the number of devices. Null, with an error, where one of the lists cannot be read. Scopes storage and verified_authenticator.',
      extensions: { ...rest(storage.list, authenticator.list), ...ahead(storage.list, authenticator.list) },
      resolve: (record, _, ctx) => rolesOf(ctx, record.deviceIdentifier),
    }),
    score: t.exposeInt('score', {
      nullable: true,
      description: "Privicore's rating of the device; null where it gives none.",
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: true, description: 'When it was requested.' }),
    meta: t.expose('meta', { type: 'JSON', nullable: true, description: 'Free fields, as configureDevice set them.' }),
    directory: t.expose('directory', {
      type: DirectoryEntryType,
      nullable: true,
      description: 'Null for profiles that live in no directory.',
    }),
  }),
})

const DeviceConfigurationFile = builder
  .objectRef<NonNullable<DeviceConfiguration['file']>>('DeviceConfigurationFile')
  .implement({
    description: 'The older form of a device configuration: a file. Secret material.',
    fields: (t) => ({
      name: t.exposeString('name', { nullable: false, description: 'File name.' }),
      content: t.field({
        type: 'Byte',
        nullable: false,
        description: 'YAML, as Privicore sends it.',
        resolve: (file) => file.content.reveal(),
      }),
    }),
  })

interface ConfigurationOfDevice extends DeviceConfiguration {
  readonly deviceIdentifier: string
}

const DeviceConfigurationType = builder.objectRef<ConfigurationOfDevice>('DeviceConfiguration').implement({
  description: 'What a device needs to reach the message broker. Secret material: never cached, never logged.',
  fields: (t) => ({
    deviceIdentifier: t.exposeID('deviceIdentifier', { nullable: false, description: 'The device it belongs to.' }),
    clientId: t.string({
      nullable: true,
      description: 'Client id of the device.',
      resolve: (it) => it.clientId?.reveal(),
    }),
    clientSecret: t.string({ nullable: true, description: 'Secret.', resolve: (it) => it.clientSecret?.reveal() }),
    rabbitUser: t.string({
      nullable: true,
      description: 'User at the message broker.',
      resolve: (it) => it.rabbitUser?.reveal(),
    }),
    rabbitPass: t.string({ nullable: true, description: 'Secret.', resolve: (it) => it.rabbitPass?.reveal() }),
    rabbitHost: t.exposeString('rabbitHost', { nullable: true, description: 'Host of the message broker.' }),
    rabbitPort: t.exposeInt('rabbitPort', { nullable: true, description: 'Port of the message broker.' }),
    file: t.expose('file', {
      type: DeviceConfigurationFile,
      nullable: true,
      description: 'The older form: a file, as Privicore sends it. Then the other fields are null.',
    }),
  }),
})

builder.queryFields((t) => ({
  devices: t.field({
    type: [DeviceType],
    nullable: true,
    description: 'The devices of the profile, in the order of Privicore.',
    extensions: { ...rest(device.list), ...ahead(device.list) },
    args: { status: t.arg({ type: DeviceStatus, description: 'Only those of this status.' }) },
    resolve: (_, { status }, ctx) => listDevices(ctx, status ?? null),
  }),
  device: t.field({
    type: DeviceType,
    nullable: true,
    description: 'One device of the profile. Any number of these in one request cost one call.',
    extensions: { ...rest(device.list) },
    args: { deviceIdentifier: t.arg.id({ required: true, description: "Privicore's identifier of the device." }) },
    resolve: (_, { deviceIdentifier }, ctx) => findDevice(ctx, deviceIdentifier),
  }),
  deviceIdentifier: t.id({
    nullable: true,
    description: 'The identifier that requestDeviceIdentifier asked for; null until its command has settled.',
    extensions: { ...rest(device.identifier) },
    args: { commandId: t.arg.id({ required: true, description: 'commandId of requestDeviceIdentifier.' }) },
    resolve: (_, { commandId }, ctx) => findDeviceIdentifier(ctx, commandId),
  }),
  deviceConfiguration: t.field({
    type: DeviceConfigurationType,
    nullable: true,
    description:
      'How a device reaches the message broker. Secret: never cached, never logged. Null for an unknown device.',
    extensions: { ...rest(device.configuration) },
    args: { deviceIdentifier: t.arg.id({ required: true, description: "Privicore's identifier of the device." }) },
    resolve: async (_, { deviceIdentifier }, ctx) => {
      const configuration = await findDeviceConfiguration(ctx, deviceIdentifier)
      return configuration && { ...configuration, deviceIdentifier }
    },
  }),
}))

export const DeviceInput = builder.inputType('DeviceInput', {
  description: 'Names a device.',
  fields: (t) => ({
    deviceIdentifier: t.id({ required: true, description: "Privicore's identifier of the device." }),
  }),
})

const RequestDeviceIdentifierInput = builder.inputType('RequestDeviceIdentifierInput', {
  description: 'A device to be.',
  fields: (t) => ({ deviceName: t.string({ required: true, description: 'What to call it.' }) }),
})

const ConfigureDeviceInput = builder.inputType('ConfigureDeviceInput', {
  description: 'What to set on a device.',
  fields: (t) => ({
    deviceIdentifier: t.id({ required: true, description: "Privicore's identifier of the device." }),
    name: t.string({ description: 'A new name; left out, the name stays.' }),
    extra: t.field({ type: 'JSON', description: 'Free fields beside the name: an object, one field per key.' }),
  }),
})

commandMutation('requestDeviceIdentifier', {
  description:
    'Asks for an identifier for a new device. The device is PENDING until it has registered its key and was approved.',
  calls: [device.request],
  input: RequestDeviceIdentifierInput,
  run: (ctx, { deviceName }) => requestDevice(ctx, deviceName),
  fields: (t) => ({
    deviceIdentifier: afterSuccess(t, {
      type: 'ID',
      description: 'The identifier of the new device.',
      calls: [device.identifier],
      find: (ctx, { result }) => readDeviceIdentifier(ctx, result.command.commandId),
    }),
    device: afterSuccess(t, {
      type: DeviceType,
      description: 'The new device.',
      find: async (ctx, { result }) => {
        const identifier = await readDeviceIdentifier(ctx, result.command.commandId)
        return findDevice(ctx, identifier)
      },
    }),
  }),
})

commandMutation('configureDevice', {
  description: "Sets a device's name and free fields.",
  calls: [device.configure],
  input: ConfigureDeviceInput,
  run: configureDevice,
  fields: (t) => ({
    device: afterSuccess(t, {
      type: DeviceType,
      description: 'The device as it is now.',
      find: (ctx, { input }) => findDevice(ctx, input.deviceIdentifier),
    }),
  }),
})

commandMutation('approveDevice', {
  description:
    'Lets a PENDING device work for the profile. REJECTED when the device has not registered its public key.',
  calls: [device.approve],
  input: DeviceInput,
  run: (ctx, { deviceIdentifier }) => approveDevice(ctx, deviceIdentifier),
  fields: (t) => ({
    device: afterSuccess(t, {
      type: DeviceType,
      description: 'The approved device.',
      find: (ctx, { input }) => findDevice(ctx, input.deviceIdentifier),
      current: (found) => found.approval !== 'pending',
    }),
  }),
})

const deletedDeviceId = {
  type: 'ID',
  description: 'Node id of the device that is gone: evict it from your cache.',
} as const

commandMutation('rejectDevice', {
  description: 'Refuses a PENDING device. Its record is deleted.',
  calls: [device.reject],
  input: DeviceInput,
  run: (ctx, { deviceIdentifier }) => rejectDevice(ctx, deviceIdentifier),
  fields: (t) => ({
    deletedDeviceId: afterSuccess(t, {
      ...deletedDeviceId,
      find: async (_, { input }) => encodeNodeId('Device', input.deviceIdentifier),
    }),
  }),
})

commandMutation('removeDevice', {
  description: 'Removes a device for good.',
  calls: [device.remove],
  input: DeviceInput,
  run: (ctx, { deviceIdentifier }) => removeDevice(ctx, deviceIdentifier),
  fields: (t) => ({
    deletedDeviceId: afterSuccess(t, {
      ...deletedDeviceId,
      find: async (_, { input }) => encodeNodeId('Device', input.deviceIdentifier),
    }),
  }),
})
