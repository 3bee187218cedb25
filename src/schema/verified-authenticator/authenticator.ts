// Authenticators, as clients see them: the devices that vote.
import { type DeviceRecord, device } from '../../privicore/device.ts'
import { authenticator } from '../../privicore/verified-authenticator.ts'
import { findDevice } from '../../resolvers/device.ts'
import {
  findAuthenticator,
  listAuthenticators,
  registerAuthenticator,
  removeAuthenticator,
} from '../../resolvers/verified-authenticator.ts'
import { builder } from '../builder.ts'
import { afterSuccess, commandMutation } from '../command.ts'
import { DeviceInput, DeviceType } from '../device.ts'
import { implementNode } from '../node.ts'
import { encodeNodeId } from '../node-id.ts'
import { ahead, rest } from '../rest.ts'

export const AuthenticatorType = builder.objectRef<DeviceRecord>('Authenticator')

implementNode(AuthenticatorType, {
  description: 'The role of a device that votes, for policies and for votings.',
  id: (record) => record.deviceIdentifier,
  load: (ctx, ids) => Promise.all(ids.map((id) => findAuthenticator(ctx, id))),
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

builder.queryField('authenticators', (t) =>
  t.field({
    type: [AuthenticatorType],
    nullable: true,
    description: 'The devices that vote for the profile, in the order of Privicore. Scope verified_authenticator.',
    extensions: { ...rest(authenticator.list), ...ahead(authenticator.list) },
    resolve: (_, __, ctx) => listAuthenticators(ctx),
  }),
)

commandMutation('registerAuthenticator', {
  description:
    'Makes an APPROVED device vote for the profile. REJECTED where the device may not. Scope verified_authenticator.',
  calls: [authenticator.register],
  input: DeviceInput,
  run: (ctx, { deviceIdentifier }) => registerAuthenticator(ctx, deviceIdentifier),
  fields: (t) => ({
    authenticator: afterSuccess(t, {
      type: AuthenticatorType,
      description: 'The new role of the device.',
      find: (ctx, { input }) => findAuthenticator(ctx, input.deviceIdentifier),
    }),
  }),
})

commandMutation('removeAuthenticator', {
  description: 'Ends the role: the device votes no more. The device itself stays. Scope verified_authenticator.',
  calls: [authenticator.remove],
  input: DeviceInput,
  run: (ctx, { deviceIdentifier }) => removeAuthenticator(ctx, deviceIdentifier),
  fields: (t) => ({
    device: afterSuccess(t, {
      type: DeviceType,
      description: 'The device, which stays.',
      find: (ctx, { input }) => findDevice(ctx, input.deviceIdentifier),
    }),
    deletedAuthenticatorId: afterSuccess(t, {
      type: 'ID',
      description: 'Node id of the authenticator that is gone: evict it from your cache.',
      find: async (_, { input }) => encodeNodeId('Authenticator', input.deviceIdentifier),
    }),
  }),
})
