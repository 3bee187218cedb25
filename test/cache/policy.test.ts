// What is remembered is plain data without secrets, for every row of the catalogue.
import { expect, test } from 'vitest'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { forgottenBy, policyOf, READS } from '../../src/cache/policy.ts'
import { catalogue } from '../../src/privicore/catalogue.ts'
import { Privicore } from '../../src/privicore/client.ts'
import type { AnyRead, Read } from '../../src/privicore/endpoint.ts'
import { Secret } from '../../src/privicore/secret.ts'

const reads = catalogue.filter((endpoint): endpoint is AnyRead => endpoint.kind === 'read')

/** Rows that answer credentials, tokens, codes, keys or payloads. */
const SECRET = [
  'profile.authenticate',
  'profile.qrToken',
  'oauth.configuration',
  'oauth.code',
  'oauth.accessToken',
  'oauth.refresh',
  'publicKey.generate',
  'dataToken.temporary',
  'device.configuration',
  'utility.requestStatus',
]

test('every read has a line, and no line is for nothing', () => {
  expect(Object.keys(READS).sort()).toEqual(reads.map(({ id }) => id).sort())
})

test.each(SECRET)('%s is never remembered', (id) => {
  expect(policyOf(id)).toMatchObject({ kind: 'never', reason: expect.any(String) })
})

test('what is handed out once, or asked without the token of the caller, is not remembered', () => {
  for (const { id, once, auth } of reads) {
    if (once || auth !== 'token') expect('area' in policyOf(id), id).toBe(false)
  }
})

test('every area that is remembered is forgotten by some command, but for what no command changes', () => {
  const changed = new Set(catalogue.flatMap(({ id, kind }) => (kind === 'command' ? forgottenBy(id) : [])))
  for (const { id } of reads) {
    const policy = policyOf(id)
    if ('area' in policy) expect(changed, id).toContain(policy.area)
  }
})

test('whatever is remembered holds no secret, and comes out of JSON as it went in', async () => {
  const sandbox = await startSandbox()
  const privicore = new Privicore({ baseUrl: sandbox.url, timeoutMs: 3_000, connections: 4 })
  try {
    const token = new Secret(sandbox.tokens.alice)
    const ask = (endpoint: AnyRead, args: object) =>
      privicore.read(endpoint as Read<string, object, unknown>, args, { token })
    const rowOf = (id: string) => reads.find((row) => row.id === id) as AnyRead
    const policies = (await ask(rowOf('policy.list'), {})) as { name: string }[]
    const configurations = (await ask(rowOf('votingConfiguration.list'), {})) as { configurationId: string }[]
    const args: Record<string, object> = {
      'policy.get': { name: policies[0]?.name },
      'votingConfiguration.get': { id: configurations[0]?.configurationId },
      'dataToken.list': { page: 1, perPage: 10 },
    }
    let seen = 0
    for (const endpoint of reads) {
      if (!('area' in policyOf(endpoint.id))) continue
      const value = await ask(endpoint, args[endpoint.id] ?? {})
      expect(value, endpoint.id).toBeDefined()
      expect(secretsIn(value), endpoint.id).toEqual([])
      expect(JSON.parse(JSON.stringify(value)), endpoint.id).toEqual(value)
      seen++
    }
    expect(seen).toBeGreaterThan(14)
  } finally {
    await privicore.close()
    await sandbox.close()
  }
})

function secretsIn(value: unknown, path = ''): string[] {
  if (value instanceof Secret) return [path]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => secretsIn(inner, `${path}.${key}`))
}
