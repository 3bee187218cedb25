// Node ids: `Type:id` as base64url. Knows no type.

export function encodeNodeId(typename: string, id: string): string {
  return Buffer.from(`${typename}:${id}`).toString('base64url')
}

/** null for what is not a Node id of this gateway. */
export function decodeNodeId(nodeId: string): { typename: string; id: string } | null {
  if (!/^[\w-]+$/.test(nodeId)) return null
  const text = Buffer.from(nodeId, 'base64url').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 1 || colon === text.length - 1) return null
  const typename = text.slice(0, colon)
  const id = text.slice(colon + 1)
  // Only what encodes to itself is one: an id has one spelling.
  return encodeNodeId(typename, id) === nodeId ? { typename, id } : null
}
