// Nobody ever reads another's data, and whoever reads Redis learns nothing.
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { createCallers } from '../../src/server/credentials.ts'
import { FLEET_SECRET, instance, looker } from '../support/cache.ts'
import { startRedis } from '../support/redis.ts'

const CALLERS = 200
const READS = ['device.list', 'storage.list', 'policy.list', 'profile.id', 'dataToken.list']

test('200 callers on three instances, interleaved with commands, read their own canaries and no other', async () => {
  const server = await startRedis()
  try {
    const fleet = await Promise.all([1, 2, 3].map(() => instance({ redisUrl: server.url })))
    const callers = createCallers(FLEET_SECRET)
    const tokens = Array.from(
      { length: CALLERS },
      (_, n) => `token-of-${n}-${createHash('md5').update(`${n}`).digest('hex')}`,
    )
    const crossed: string[] = []
    let reads = 0
    const live = async (n: number) => {
      const token = tokens[n] as string
      const digest = callers(token)?.digest as string
      for (let turn = 0; turn < 12; turn++) {
        const here = fleet[(n + turn) % fleet.length] as (typeof fleet)[number]
        const id = READS[(n * 7 + turn) % READS.length] as string
        const field = turn % 3 === 0 ? `${id} ["secret-argument-${n}"]` : id
        const answer = await here.ask(digest, id, async () => [{ canary: `canary-${n}`, token }], { field })
        reads++
        if (answer[0]?.canary !== `canary-${n}`) crossed.push(`${n} read ${answer[0]?.canary}`)
        if (turn % 5 === 4) void here.cache.sending(digest, 'device.approve')
      }
    }
    await Promise.all(tokens.map((_, n) => live(n)))
    expect(crossed).toEqual([])
    expect(reads).toBe(CALLERS * 12)

    const raw = looker(server.url)
    const keys = await raw.keys('*')
    expect(keys.length).toBeGreaterThan(CALLERS)
    const dump = await Promise.all(
      keys.map(async (key) => `${key} ${((await raw.dumpBuffer(key)) ?? Buffer.alloc(0)).toString('latin1')}`),
    )
    // DUMP may compress; the fields themselves do not.
    const fields = await Promise.all(
      keys.map(async (key) => {
        if ((await raw.type(key)) !== 'hash') return ''
        const all = await raw.hgetallBuffer(key)
        return Object.entries(all)
          .map(([name, value]) => `${name} ${value.toString('latin1')}`)
          .join('\n')
      }),
    )
    const everything = [...dump, ...fields].join('\n')
    expect(everything).toContain('device.list')
    for (const secret of ['canary', 'token-of', 'secret-argument', ...tokens]) expect(everything).not.toContain(secret)
    // And nothing stays for ever.
    for (const key of keys) expect(await raw.pttl(key)).not.toBe(-1)
  } finally {
    await server.close()
  }
})
