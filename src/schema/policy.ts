// Policies and their templates, as clients see them.
import { type PolicyEvent, type PolicyRecord, type PolicyTemplate, policy } from '../privicore/policy.ts'
import { votingConfiguration } from '../privicore/verified-authenticator.ts'
import {
  activatePolicy,
  deactivatePolicy,
  deletePolicy,
  eventsOf,
  findNamedPolicy,
  findPolicy,
  findPolicyByName,
  findPolicyTemplate,
  listPolicies,
  listPolicyTemplates,
  registerPolicy,
  stateOf,
} from '../resolvers/policy.ts'
import { findVotingConfiguration } from '../resolvers/verified-authenticator.ts'
import { builder } from './builder.ts'
import { afterSuccess, commandMutation } from './command.ts'
import { implementNode } from './node.ts'
import { encodeNodeId } from './node-id.ts'
import { ahead, rest } from './rest.ts'
import { VotingConfigurationType } from './verified-authenticator/voting-configuration.ts'

const PolicyState = builder.enumType('PolicyState', {
  description: 'Whether a policy holds anything up.',
  values: {
    ACTIVE: { value: 'active', description: 'It applies: its events wait for a vote.' },
    INACTIVE: { value: 'inactive', description: 'It applies to nothing. Policies are made so.' },
  } as const,
})

const PolicyEventType = builder.objectRef<PolicyEvent>('PolicyEvent').implement({
  description: 'Something that happens, and that a policy can apply to.',
  fields: (t) => ({
    eventId: t.exposeID('eventId', { nullable: false, description: 'What registerPolicy takes as one of eventIds.' }),
    name: t.exposeString('name', {
      nullable: true,
      description: "Privicore's own name of it; null where no template names it.",
    }),
    label: t.exposeString('label', { nullable: true, description: 'What to show to people.' }),
  }),
})

export const PolicyTemplateType = builder.objectRef<PolicyTemplate>('PolicyTemplate')

implementNode(PolicyTemplateType, {
  description: 'What policies are made of: the events that one can apply to, and the settings that it takes.',
  id: (template) => template.templateId,
  load: (ctx, ids) => Promise.all(ids.map((id) => findPolicyTemplate(ctx, id))),
  fields: (t) => ({
    templateId: t.exposeID('templateId', { nullable: false, description: "Privicore's id of the template." }),
    name: t.exposeString('name', { nullable: true, description: 'What to show to people.' }),
    description: t.exposeString('description', { nullable: true, description: 'What it is for, in a sentence.' }),
    events: t.field({
      type: [PolicyEventType],
      nullable: false,
      description: 'What a policy made from it can apply to.',
      resolve: (template) => template.events,
    }),
    configurationKeys: t.field({
      type: ['String'],
      nullable: false,
      description: 'Names of the settings that a policy made from it takes.',
      resolve: (template) => template.configurationKeys,
    }),
    votingAttributes: t.field({
      type: ['String'],
      nullable: false,
      description: 'What is shown to those who vote about it.',
      resolve: (template) => template.votingAttributes,
    }),
  }),
})

export const PolicyType = builder.objectRef<PolicyRecord>('Policy')

implementNode(PolicyType, {
  description: 'Makes what happens wait for a vote, while it is ACTIVE.',
  id: (record) => record.policyId,
  load: (ctx, ids) => Promise.all(ids.map((id) => findPolicy(ctx, id))),
  fields: (t) => ({
    policyId: t.exposeID('policyId', { nullable: false, description: "Privicore's id of the policy." }),
    name: t.exposeString('name', { nullable: false, description: 'As its owner named it.' }),
    state: t.field({
      type: PolicyState,
      nullable: true,
      description:
        'Whether it applies. Where the policy itself does not say, the list of active ones does: one call, however many. Null, with an error, where that list cannot be read.',
      extensions: { ...rest(policy.listActive) },
      resolve: (record, _, ctx) => stateOf(ctx, record),
    }),
    template: t.field({
      type: PolicyTemplateType,
      nullable: true,
      description: 'What it was made of: one call, however many. Null where Privicore does not say, or has it no more.',
      extensions: { ...rest(policy.templates), ...ahead(policy.templates) },
      resolve: ({ templateId }, _, ctx) => (templateId === null ? null : findPolicyTemplate(ctx, templateId)),
    }),
    events: t.field({
      type: [PolicyEventType],
      nullable: true,
      description: 'What it applies to: one call, however many. Null where Privicore does not say.',
      extensions: { ...rest(policy.templates), ...ahead(policy.templates) },
      resolve: (record, _, ctx) => eventsOf(ctx, record),
    }),
    votingConfiguration: t.field({
      type: VotingConfigurationType,
      nullable: true,
      description:
        'The rules by which the vote is held: one call, however many. Null where it names none, or one that is gone.',
      extensions: { ...rest(votingConfiguration.list, votingConfiguration.get), ...ahead(votingConfiguration.list) },
      resolve: ({ votingConfigurationId }, _, ctx) =>
        votingConfigurationId === null ? null : findVotingConfiguration(ctx, votingConfigurationId),
    }),
    configuration: t.expose('configuration', {
      type: 'JSON',
      nullable: true,
      description: "An object: its settings by the names of the template's configurationKeys.",
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: true, description: 'When it was registered.' }),
  }),
})

builder.queryFields((t) => ({
  policyTemplates: t.field({
    type: [PolicyTemplateType],
    nullable: true,
    description: 'What policies can be made of, in the order of Privicore.',
    extensions: { ...rest(policy.templates), ...ahead(policy.templates) },
    resolve: (_, __, ctx) => listPolicyTemplates(ctx),
  }),
  policyTemplate: t.field({
    type: PolicyTemplateType,
    nullable: true,
    description: 'One template. Any number of these in one request cost one call.',
    extensions: { ...rest(policy.templates) },
    args: { templateId: t.arg.id({ required: true, description: "Privicore's id of the template." }) },
    resolve: (_, { templateId }, ctx) => findPolicyTemplate(ctx, templateId),
  }),
  policies: t.field({
    type: [PolicyType],
    nullable: true,
    description: 'The policies of the profile, in the order of Privicore.',
    extensions: { ...rest(policy.list, policy.listActive, policy.listInactive), ...ahead(policy.list) },
    args: { state: t.arg({ type: PolicyState, description: 'Only those in this state.' }) },
    resolve: (_, { state }, ctx) => listPolicies(ctx, state ?? null),
  }),
  policy: t.field({
    type: PolicyType,
    nullable: true,
    description: 'One policy, by its name. Null for an unknown name; a new policy may be unknown for a few seconds.',
    extensions: { ...rest(policy.get) },
    args: { name: t.arg.string({ required: true, description: 'Any text: it is encoded for the wire.' }) },
    resolve: (_, { name }, ctx) => findPolicyByName(ctx, name),
  }),
}))

const RegisterPolicyInput = builder.inputType('RegisterPolicyInput', {
  description: 'A policy to be.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'What to call it: `policy` finds it by this.' }),
    templateId: t.id({ required: true, description: 'What it is made of.' }),
    eventIds: t.idList({ required: true, description: "What it shall apply to: eventIds of the template's events." }),
    votingConfigurationId: t.id({ description: 'The rules by which the vote is held: configurationId, or a name.' }),
    configuration: t.field({
      type: 'JSON',
      description: "An object: settings by the names of the template's configurationKeys. Left out, there are none.",
    }),
  }),
})

const PolicyInput = builder.inputType('PolicyInput', {
  isOneOf: true,
  description: 'Names a policy, by one of the two. An unknown name is an error, NOT_FOUND.',
  fields: (t) => ({
    policyId: t.id({ description: "Privicore's id of the policy." }),
    name: t.string({ description: 'Its name: costs a call to find the id.' }),
  }),
})

commandMutation('registerPolicy', {
  description: 'Makes a policy. It is INACTIVE until activatePolicy.',
  calls: [policy.register],
  input: RegisterPolicyInput,
  renamed: {
    policyTemplateId: 'templateId',
    applyingEventIds: 'eventIds',
    applyingEvents: 'eventIds',
    configurationId: 'votingConfigurationId',
  },
  run: registerPolicy,
  fields: (t) => ({
    policy: afterSuccess(t, {
      type: PolicyType,
      description: 'The new policy.',
      calls: [policy.get],
      find: (ctx, { input }) => findPolicyByName(ctx, input.name),
    }),
  }),
})

commandMutation('activatePolicy', {
  description: 'Makes a policy apply: its events wait for a vote from now on. Waits for a vote itself where one does.',
  calls: [policy.activate, policy.get],
  input: PolicyInput,
  run: activatePolicy,
  fields: (t) => ({
    policy: afterSuccess(t, {
      type: PolicyType,
      description: 'The policy, ACTIVE.',
      find: (ctx, { input, result }) => findNamedPolicy(ctx, input, result.policyId),
      current: (found) => found.active === true,
    }),
  }),
})

commandMutation('deactivatePolicy', {
  description: 'Makes a policy apply to nothing. It can be activated again.',
  calls: [policy.deactivate, policy.get],
  input: PolicyInput,
  run: deactivatePolicy,
  fields: (t) => ({
    policy: afterSuccess(t, {
      type: PolicyType,
      description: 'The policy, INACTIVE.',
      find: (ctx, { input, result }) => findNamedPolicy(ctx, input, result.policyId),
      current: (found) => found.active === false,
    }),
  }),
})

commandMutation('deletePolicy', {
  description: 'Removes a policy for good.',
  calls: [policy.delete, policy.get],
  input: PolicyInput,
  run: deletePolicy,
  fields: (t) => ({
    deletedPolicyId: afterSuccess(t, {
      type: 'ID',
      description: 'Node id of the policy that is gone: evict it from your cache.',
      find: async (_, { result }) => encodeNodeId('Policy', result.policyId),
    }),
  }),
})
