// Voting configurations, as clients see them: named rules for policies and votings.
import { device } from '../../privicore/device.ts'
import { type VotingConfiguration, votingConfiguration } from '../../privicore/verified-authenticator.ts'
import { findDevice } from '../../resolvers/device.ts'
import {
  findRegistered,
  findUpdated,
  findVotingConfiguration,
  listVotingConfigurations,
  registerVotingConfiguration,
  shows,
  updateVotingConfiguration,
} from '../../resolvers/verified-authenticator.ts'
import { builder } from '../builder.ts'
import { afterSuccess, commandMutation } from '../command.ts'
import { DeviceType } from '../device.ts'
import { implementNode } from '../node.ts'
import { ahead, rest } from '../rest.ts'
import { QuorumStrategyEnum } from './voting-strategy.ts'

export const VotingConfigurationType = builder.objectRef<VotingConfiguration>('VotingConfiguration')

implementNode(VotingConfigurationType, {
  description: 'Rules of voting that have a name, for policies and votings to refer to.',
  id: (record) => record.configurationId,
  load: (ctx, ids) => Promise.all(ids.map((id) => findVotingConfiguration(ctx, id))),
  fields: (t) => ({
    configurationId: t.exposeID('configurationId', {
      nullable: false,
      description: "Privicore's id of the configuration; its name, where Privicore gives it no id.",
    }),
    name: t.exposeString('name', { nullable: false, description: 'As its owner named it.' }),
    strategy: t.expose('strategy', {
      type: QuorumStrategyEnum,
      nullable: true,
      description: 'Which share of the votes approves; null where Privicore does not say.',
    }),
    percentageRequired: t.exposeInt('percentageRequired', {
      nullable: true,
      description: 'Percent, 0 to 100, with MINIMUM_PERCENTAGE; null otherwise.',
    }),
    timeLimitSeconds: t.exposeInt('timeLimitSeconds', {
      nullable: true,
      description: 'Seconds until a vote that nobody has decided expires.',
    }),
    devices: t.field({
      type: [DeviceType],
      nullable: true,
      description:
        'The devices it is limited to; empty means every authenticator. One call, however many. Devices that the profile has no more are left out: compare deviceIdentifiers.',
      extensions: { ...ahead(device.list) },
      resolve: async (record, _, ctx) =>
        (await Promise.all(record.deviceIdentifiers.map((id) => findDevice(ctx, id)))).filter(
          (found) => found !== null,
        ),
    }),
    deviceIdentifiers: t.field({
      type: ['ID'],
      nullable: false,
      description: "Privicore's identifiers of the devices it is limited to; empty means every authenticator.",
      resolve: (record) => record.deviceIdentifiers,
    }),
  }),
})

builder.queryFields((t) => ({
  votingConfigurations: t.field({
    type: [VotingConfigurationType],
    nullable: true,
    description: 'The voting configurations of the profile, in the order of Privicore. Scope verified_authenticator.',
    extensions: { ...rest(votingConfiguration.list), ...ahead(votingConfiguration.list) },
    resolve: (_, __, ctx) => listVotingConfigurations(ctx),
  }),
  votingConfiguration: t.field({
    type: VotingConfigurationType,
    nullable: true,
    description:
      'One voting configuration, by its id or name. Several of these in one request cost one call. Scope verified_authenticator.',
    extensions: { ...rest(votingConfiguration.get) },
    args: {
      configurationId: t.arg.id({ required: true, description: "Privicore's id of the configuration, or its name." }),
    },
    resolve: (_, { configurationId }, ctx) => findVotingConfiguration(ctx, configurationId),
  }),
}))

const RegisterVotingConfigurationInput = builder.inputType('RegisterVotingConfigurationInput', {
  description: 'A voting configuration to be.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'What to call it: policies and votings may refer to it by name.' }),
    timeLimitSeconds: t.int({
      required: true,
      description: 'Seconds until a vote that nobody has decided expires.',
    }),
    strategy: t.field({
      type: QuorumStrategyEnum,
      required: true,
      description: 'Which share of the votes shall approve.',
    }),
    percentageRequired: t.int({
      description: 'Percent, 0 to 100. Needed with MINIMUM_PERCENTAGE, refused without: checked before it is sent.',
    }),
    deviceIdentifiers: t.idList({
      required: true,
      defaultValue: [],
      description: 'The devices it is limited to; empty means every authenticator.',
    }),
  }),
})

const UpdateVotingConfigurationInput = builder.inputType('UpdateVotingConfigurationInput', {
  description: 'What to change of a voting configuration. What is left out, or null, stays.',
  fields: (t) => ({
    configurationId: t.id({ required: true, description: "Privicore's id of the configuration." }),
    name: t.string({ description: 'A new name. Where Privicore gives no ids, it is the new id too.' }),
    timeLimitSeconds: t.int({ description: 'Seconds until a vote that nobody has decided expires.' }),
    strategy: t.field({ type: QuorumStrategyEnum, description: 'Which share of the votes shall approve.' }),
    percentageRequired: t.int({
      description:
        'Percent, 0 to 100. Needed with the strategy MINIMUM_PERCENTAGE, refused with another: checked before it is sent.',
    }),
    deviceIdentifiers: t.idList({
      description: 'The devices it shall be limited to; empty means every authenticator.',
    }),
  }),
})

const renamed = { id: 'configurationId', timeLimit: 'timeLimitSeconds' }

commandMutation('registerVotingConfiguration', {
  description: 'Makes a voting configuration. Scope verified_authenticator.',
  calls: [votingConfiguration.register],
  input: RegisterVotingConfigurationInput,
  renamed,
  run: registerVotingConfiguration,
  fields: (t) => ({
    votingConfiguration: afterSuccess(t, {
      type: VotingConfigurationType,
      description: 'The new configuration.',
      find: (ctx, { input }) => findRegistered(ctx, input.name),
    }),
  }),
})

commandMutation('updateVotingConfiguration', {
  description: 'Changes a voting configuration. Scope verified_authenticator.',
  calls: [votingConfiguration.update],
  input: UpdateVotingConfigurationInput,
  renamed,
  run: updateVotingConfiguration,
  fields: (t) => ({
    votingConfiguration: afterSuccess(t, {
      type: VotingConfigurationType,
      description: 'The configuration as it is now.',
      find: (ctx, { input }) => findUpdated(ctx, input),
      current: (found, { input }) => shows(found, input),
    }),
  }),
})
