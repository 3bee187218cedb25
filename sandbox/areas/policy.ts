// Knows the policy rows (privicore.md section 9).
import { type Answer, notFound, ok, timestamp } from '../answers.ts'
import { Rejected } from '../commands.ts'
import { uuid } from '../ids.ts'
import { votingConfiguration } from '../pools.ts'
import type { Call, Routes } from '../router.ts'
import type { Policy, Profile } from '../state.ts'
import { listOf, object, optional, text } from '../validation.ts'
import { accept, type World } from '../world.ts'

export function policy(world: World): Routes {
  const { state } = world

  const byId = (call: Call, profile: Profile, change: (found: Policy) => void) =>
    accept(world, call.endpoint, profile, {
      apply: () => change(ownPolicy(world, profile, call.text('policyId'))),
    })

  const list = (profile: Profile, isListed: (one: Policy) => boolean) => {
    const seen = state.seen(profile)
    return policyList(world, seen, [...seen.policies.values()].filter(isListed))
  }

  return {
    'policy.templates': {
      method: 'GET',
      path: '/policy/list-policy-templates',
      auth: 'token',
      answer: () => ok(Object.fromEntries(state.templates)),
    },

    'policy.register': {
      method: 'POST',
      path: '/policy/register',
      auth: 'token',
      encoding: 'json',
      fields: {
        policyTemplateId: text,
        applyingEventIds: listOf(text, 1),
        name: text,
        configuration: object,
        votingConfigurationId: optional(text),
        configurationId: optional(text),
      },
      answer: (call, { profile }) =>
        accept(world, call.endpoint, profile, {
          apply: () => {
            register(world, profile, call)
          },
        }),
    },

    'policy.listActive': {
      method: 'GET',
      path: '/policy/list-active-policies',
      auth: 'token',
      answer: (_call, { profile }) => list(profile, ({ active }) => active),
    },

    'policy.listInactive': {
      method: 'GET',
      path: '/policy/list-inactive-policies',
      auth: 'token',
      answer: (_call, { profile }) => list(profile, ({ active }) => !active),
    },

    'policy.list': {
      method: 'GET',
      path: '/policy/list-registered-policies',
      auth: 'token',
      answer: (_call, { profile }) => list(profile, () => true),
    },

    'policy.activate': {
      method: 'POST',
      path: '/policy/activate',
      auth: 'token',
      fields: { policyId: text },
      answer: (call, { profile }) =>
        byId(call, profile, (found) => {
          if (found.active) throw new Rejected('policy.already_active')
          found.active = true
        }),
    },

    'policy.deactivate': {
      method: 'POST',
      path: '/policy/deactivate',
      auth: 'token',
      fields: { policyId: text },
      answer: (call, { profile }) =>
        byId(call, profile, (found) => {
          if (!found.active) throw new Rejected('policy.not_active')
          found.active = false
        }),
    },

    'policy.delete': {
      method: 'POST',
      path: '/policy/delete',
      auth: 'token',
      fields: { policyId: text },
      answer: (call, { profile }) =>
        byId(call, profile, ({ id }) => {
          profile.policies.delete(id)
        }),
    },

    'policy.get': {
      method: 'GET',
      path: '/policy/retrieve-policy/{name}',
      auth: 'token',
      answer: (call, { profile }) => {
        const seen = state.seen(profile)
        const found = byName(seen, call.param('name'))
        if (!found) throw notFound()
        return ok(policyRecord(world, seen, found))
      },
    },
  }
}

function register({ state, dialect }: World, profile: Profile, call: Call): void {
  const policyTemplateId = call.text('policyTemplateId')
  const template = state.templates.get(policyTemplateId)
  if (!template) throw new Rejected('policy.template_not_found')
  const applyingEventIds = call.list('applyingEventIds')
  if (applyingEventIds.some((id) => !template.events[id])) throw new Rejected('policy.event_not_found')
  if (byName(profile, call.text('name'))) throw new Rejected('policy.name_taken')
  // The server reads one of the two names; which, is for the dialect to say.
  const link = call.optionalText(dialect.policyVotingKey)
  const voting = link === undefined ? undefined : votingConfiguration(profile, link)
  if (link !== undefined && !voting) throw new Rejected('voting_configuration.not_found')
  const id = uuid()
  profile.policies.set(id, {
    id,
    name: call.text('name'),
    policyTemplateId,
    applyingEventIds,
    votingConfigurationId: voting?.id ?? null,
    configuration: call.object('configuration'),
    active: false,
    createdAt: Date.now(),
  })
}

/** Throws Rejected. */
function ownPolicy(world: World, profile: Profile, id: string): Policy {
  const found = profile.policies.get(id)
  if (found) return found
  throw new Rejected(world.state.owns('policies', id) ? 'profile.not_an_owner' : 'policy.not_found')
}

function byName(profile: Profile, name: string): Policy | undefined {
  return [...profile.policies.values()].find((one) => one.name === name)
}

function policyList(world: World, profile: Profile, policies: Policy[]): Answer {
  const records = policies.map((one) => policyRecord(world, profile, one))
  switch (world.dialect.policyList) {
    case 'array':
      return ok(records)
    case 'items':
      return ok({ items: records })
    case 'keyed':
      // PHP writes an empty object as an empty array.
      return ok(records.length === 0 ? [] : Object.fromEntries(records.map((one) => [one.id, one])))
  }
}

function policyRecord({ dialect }: World, profile: Profile, one: Policy) {
  const { id, name, ...rest } = one
  if (dialect.policyFields === 'minimal') return { id, name }
  // Where voting configurations have no id, their name stands for it here as well.
  const voting = profile.votingConfigurations.get(one.votingConfigurationId ?? '')
  const votingConfigurationId = (dialect.votingConfigurationKey === 'name' ? voting?.name : voting?.id) ?? null
  return { id, name, ...rest, votingConfigurationId, createdAt: timestamp(one.createdAt) }
}
