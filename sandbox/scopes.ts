// Knows the scopes of OAuth applications: all, an area's all, or one operation (privicore.md section 3).

const AREAS = 'data_token|device|oauth|profile|public_key|storage|verified_authenticator|voting'

export const SCOPE = new RegExp(`^(all|(${AREAS})\\.[a-z_]+)$`)

/** wanted is a scope or the name of an operation. */
export function covers(granted: readonly string[], wanted: string): boolean {
  const area = wanted.split('.')[0]
  return granted.includes('all') || granted.includes(`${area}.all`) || granted.includes(wanted)
}
