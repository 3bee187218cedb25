// Privicore's sources disagree in some fifty places. Whatever it turns out to speak, clients see one API: every pair of spellings.
import { afterAll, describe, expect, test } from 'vitest'
import { type Dialect, variants } from '../../sandbox/sandbox.ts'
import { gateway } from '../support/gateway.ts'
import { admitAnApplication, beRefused, decideByVote, keepData, manageDevices, signUpAndLeave } from './day.ts'
import { pairwise } from './pairs.ts'

const combinations = pairwise(variants) as Partial<Dialect>[]

const open = async (dialect: Partial<Dialect>) => {
  const started = await gateway({ sandbox: { dialect, commandLatencyMs: 5 }, push: true })
  return started
}

test('every pair of values is spoken', () => {
  const spoken = new Set<string>()
  for (const combination of combinations) {
    const values = Object.entries(combination).map(([name, value]) => `${name}=${value}`)
    for (const a of values) for (const b of values) spoken.add(`${a}&${b}`)
  }
  const missing = Object.entries(variants).flatMap(([a, as]) =>
    Object.entries(variants).flatMap(([b, bs]) =>
      a >= b ? [] : as.flatMap((x) => bs.map((y) => `${a}=${x}&${b}=${y}`)),
    ),
  )
  expect(missing.filter((pair) => !spoken.has(pair))).toEqual([])
})

const unusual = (dialect: Partial<Dialect>) =>
  Object.entries(dialect)
    .filter(([name, value]) => (variants as Record<string, readonly unknown[]>)[name]?.[0] !== value)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')

describe.each(combinations.map((dialect, index) => ({ dialect, index, spoken: unusual(dialect) })))(
  'dialect $index ($spoken)',
  ({ dialect }) => {
    test('serves a whole day', { timeout: 60_000 }, async () => {
      const started = await open(dialect)
      const refusal = beRefused(started, dialect)
      refusal.catch(() => {})
      await signUpAndLeave(started, dialect)
      await manageDevices(started, dialect)
      await decideByVote(started)
      await admitAnApplication(started)
      await keepData(started, dialect)
      await refusal
    })
  },
)

afterAll(() => expect(combinations.length).toBeLessThan(100))
