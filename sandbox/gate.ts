// Knows when a policy holds a command for a vote, and what the vote does to it (privicore.md section 1.1, point 6).
import type { Command, Commands } from './commands.ts'
import { uuid } from './ids.ts'
import { type Pools, votingConfiguration } from './pools.ts'
import type { Policy, Profile, State } from './state.ts'

/** Opens the pool that decides the command; false when no active policy asks for one. */
export function openVote(
  state: State,
  pools: Pools,
  commands: Commands,
  command: Command,
  operation: string | undefined,
): boolean {
  const { profile } = command
  const policy = profile && operation && gatingPolicy(state, profile, operation)
  if (!profile || !policy) return false
  const pool = pools.open({
    id: uuid(),
    profile,
    configuration: policy.votingConfigurationId ?? '',
    title: policy.name,
    question: `${operation}: allow it?`,
    ended: (outcome) => commands.settle(command, outcome === 'approved' ? {} : { rejected: 'voting.denied' }),
  })
  command.poolId = pool.id
  return true
}

function gatingPolicy(state: State, profile: Profile, operation: string): Policy | undefined {
  return [...profile.policies.values()].find((policy) => {
    if (!policy.active || !votingConfiguration(profile, policy.votingConfigurationId ?? '')) return false
    const events = state.templates.get(policy.policyTemplateId)?.events ?? {}
    return policy.applyingEventIds.some((id) => Object.hasOwn(events[id] ?? {}, operation))
  })
}
