// What is nobody's own is served to a caller only while Privicore lets him in: an answer that was given before is no way around it.
import { expect, test } from 'vitest'
import { gateway } from '../support/gateway.ts'
import { listen } from '../support/subscribing.ts'

test('a public answer is not given again to a caller who was refused meanwhile', async () => {
  const { gateway: started, privicore } = await gateway()
  const url = await listen(started)
  const ask = async (query: string) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${privicore.tokens.alice}` }
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query }) })
    return (await response.json()) as { data?: unknown; errors?: { extensions: { code: string } }[] }
  }
  const key = '{ cabPublicKey { __typename } }'
  for (let time = 0; time < 5; time++) expect((await ask(key)).errors).toBeUndefined()
  expect(privicore.count('publicKey.cab')).toBe(1)
  privicore.revoke(privicore.tokens.alice)
  expect((await ask('{ devices { name } }')).errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED')
  expect((await ask(key)).errors?.[0]?.extensions.code).toBe('UNAUTHENTICATED')
})
