// Policies and their templates: what can be asked of them and done with them.
import type { Sent } from '../context/commands.ts'
import type { Context, Lookup } from '../context/context.ts'
import type { Found } from '../context/scope.ts'
import { PrivicoreError } from '../privicore/errors.ts'
import { type PolicyEvent, type PolicyRecord, type PolicyTemplate, policy } from '../privicore/policy.ts'
import { objectOf } from './input.ts'

const byTemplateId: Lookup<PolicyTemplate> = { list: policy.templates, id: (template) => template.templateId }
const byPolicyId: Lookup<PolicyRecord> = { list: policy.list, id: (record) => record.policyId }
const activeById: Lookup<PolicyRecord> = { list: policy.listActive, id: (record) => record.policyId }

export function listPolicyTemplates(ctx: Context): Promise<PolicyTemplate[]> {
  return ctx.read(policy.templates, {})
}

export function findPolicyTemplate(ctx: Context, templateId: string): Found<PolicyTemplate> {
  return ctx.lookup(byTemplateId, templateId)
}

export type PolicyState = 'active' | 'inactive'

/** @param state null: all, in the order of Privicore */
export async function listPolicies(ctx: Context, state: PolicyState | null): Promise<PolicyRecord[]> {
  if (state === null) return ctx.read(policy.list, {})
  const active = state === 'active'
  const listed = await ctx.read(active ? policy.listActive : policy.listInactive, {})
  // Where the records do not say, the list they are in does.
  return listed.map((record) => (record.active === null ? { ...record, active } : record))
}

export function findPolicy(ctx: Context, policyId: string): Found<PolicyRecord> {
  return ctx.lookup(byPolicyId, policyId)
}

export async function findPolicyByName(ctx: Context, name: string): Promise<PolicyRecord | null> {
  const found = await ctx.find(policy.get, { name })
  return found && { ...found, name: found.name ?? name }
}

/** Where the record does not say, the list of active policies does: one call, however many policies. */
export async function stateOf(ctx: Context, record: PolicyRecord): Promise<PolicyState> {
  const active = record.active ?? (await ctx.lookup(activeById, record.policyId)) !== null
  return active ? 'active' : 'inactive'
}

/** The events it applies to, named by the templates; null where Privicore does not say which. */
export async function eventsOf(ctx: Context, record: PolicyRecord): Promise<PolicyEvent[] | null> {
  const { eventIds, templateId } = record
  if (eventIds === null || eventIds.length === 0) return eventIds === null ? null : []
  const templates = await listPolicyTemplates(ctx)
  // A record that does not name its template: event ids are unique among templates too.
  const own = templateId === null ? templates : templates.filter((template) => template.templateId === templateId)
  const known = own.flatMap((template) => template.events)
  return eventIds.flatMap((eventId) => {
    const named = known.filter((event) => event.eventId === eventId)
    return named.length === 0 ? [{ eventId, name: null, label: null }] : named
  })
}

export interface PolicyRegistration {
  readonly name: string
  readonly templateId: string
  readonly eventIds: readonly string[]
  readonly votingConfigurationId?: string | null | undefined
  readonly configuration?: unknown
}

/** @throws VALIDATION_FAILED, without a call, for a configuration that is no object */
export async function registerPolicy(ctx: Context, input: PolicyRegistration): Promise<Sent> {
  return ctx.commands.send(policy.register, {
    policyTemplateId: input.templateId,
    applyingEventIds: input.eventIds,
    name: input.name,
    configuration: objectOf(input.configuration, 'configuration') ?? {},
    votingConfigurationId: input.votingConfigurationId ?? undefined,
  })
}

/** Names a policy by its id or by its name: one of the two. */
export interface PolicyNamed {
  readonly policyId?: string | null | undefined
  readonly name?: string | null | undefined
}

/** A command about a policy, with the policy's id. */
export interface SentAboutPolicy extends Sent {
  readonly policyId: string
}

/** @throws NOT_FOUND for an unknown name */
export function activatePolicy(ctx: Context, named: PolicyNamed): Promise<SentAboutPolicy> {
  return sendAbout(ctx, policy.activate, named)
}

/** @throws NOT_FOUND for an unknown name */
export function deactivatePolicy(ctx: Context, named: PolicyNamed): Promise<SentAboutPolicy> {
  return sendAbout(ctx, policy.deactivate, named)
}

/** @throws NOT_FOUND for an unknown name */
export function deletePolicy(ctx: Context, named: PolicyNamed): Promise<SentAboutPolicy> {
  return sendAbout(ctx, policy.delete, named)
}

/** A policy that was named so, with its state resolved: to see whether a command shows already. */
export async function findNamedPolicy(
  ctx: Context,
  named: PolicyNamed,
  policyId: string,
): Promise<PolicyRecord | null> {
  const found = named.name == null ? await findPolicy(ctx, policyId) : await findPolicyByName(ctx, named.name)
  return found && { ...found, active: (await stateOf(ctx, found)) === 'active' }
}

async function sendAbout(
  ctx: Context,
  endpoint: typeof policy.activate | typeof policy.deactivate | typeof policy.delete,
  named: PolicyNamed,
): Promise<SentAboutPolicy> {
  const policyId = named.policyId ?? (await resolveName(ctx, named.name ?? ''))
  return { ...(await ctx.commands.send(endpoint, { policyId })), policyId }
}

async function resolveName(ctx: Context, name: string): Promise<string> {
  const found = await findPolicyByName(ctx, name)
  if (found === null) throw new PrivicoreError('NOT_FOUND', `${policy.get.id}: no policy of that name`)
  return found.policyId
}
