// Which scope a field needs, for tokens of OAuth applications: told in its description, out of the rows that it stands for.
import type { GraphQLSchema } from 'graphql'
import { findEndpoint } from '../privicore/catalogue.ts'

/** Area of a catalogue id → scope (privicore.md §3). Policies have none of their own there: only `all` covers them. */
const SCOPES: Readonly<Record<string, string>> = {
  profile: 'profile',
  oauth: 'oauth',
  publicKey: 'public_key',
  dataToken: 'data_token',
  device: 'device',
  storage: 'storage',
  authenticator: 'verified_authenticator',
  votingConfiguration: 'verified_authenticator',
  policy: 'all',
  voting: 'voting',
}

/** Ends the description of every root field that is called with the caller's token with its scope, where it does not say so itself. */
export function describeScopes(schema: GraphQLSchema): GraphQLSchema {
  for (const type of [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()]) {
    for (const field of Object.values(type?.getFields() ?? {})) {
      if (/\bscopes? /i.test(field.description ?? '')) continue
      const ids = (field.extensions.rest as readonly string[] | undefined) ?? []
      const scopes = ids.flatMap((id) => {
        const scope = SCOPES[id.split('.')[0] as string]
        return findEndpoint(id)?.auth === 'token' && scope !== undefined ? [scope] : []
      })
      if (scopes.length > 0) field.description = `${field.description} Scope ${[...new Set(scopes)].join(', ')}.`
    }
  }
  return schema
}
