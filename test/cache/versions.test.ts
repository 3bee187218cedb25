// Instances that name callers differently, or keep things in another form, share nothing: all that is in Redis is under a version.
import { expect, onTestFinished, test } from 'vitest'
import { KEY_PREFIX } from '../../src/cache/redis.ts'
import { looker } from '../support/cache.ts'
import { startRedis } from '../support/redis.ts'
import { transfers } from '../support/transfers.ts'

test('every key and every channel begins with the version', async () => {
  const redis = await startRedis()
  onTestFinished(() => redis.close())
  const env = { REDIS_URL: redis.url, CACHE_SECRET: 'a secret of this test, long enough', CACHE_MEMORY_MB: '0' }
  const { uploadUrl, downloadUrl, url, auth, log } = await transfers({ env })
  await expect.poll(() => log.some((line) => line.includes('Redis answers'))).toBe(true)
  await uploadUrl()
  await downloadUrl(Buffer.from('ciphertext'))
  const raw = looker(redis.url)
  const kinds = new Set<string | undefined>()
  const look = async () => {
    const headers = { ...auth, 'content-type': 'application/json' }
    await fetch(`${url}/graphql`, { method: 'POST', headers, body: '{"query":"{ devices { name } }"}' })
    for (const key of await raw.keys('*')) {
      expect(key.startsWith(KEY_PREFIX), key).toBe(true)
      kinds.add(/\w[\w-]*/.exec(key.slice(KEY_PREFIX.length).replace(/^\{.*?\}:/, ''))?.[0])
    }
    return [...kinds].filter((kind) => kind !== 'lease').toSorted()
  }
  await expect.poll(look).toEqual(['answer', 'cache', 'command', 'delivery', 'era', 'ticket', 'ticket-limit'])
  const channels = (await raw.pubsub('CHANNELS')) as string[]
  expect(channels.length).toBeGreaterThan(0)
  for (const channel of channels) expect(channel.startsWith(KEY_PREFIX), channel).toBe(true)
})
