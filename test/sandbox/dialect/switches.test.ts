// Knows that no dialect switch goes untested, and that a wrong one is refused.
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { defaultDialect, variants } from '../../../sandbox/sandbox.ts'
import { start } from '../client.ts'

test('every switch is looked at by a test', () => {
  const folder = new URL('.', import.meta.url)
  const files = [...readdirSync(folder).map((name) => new URL(name, folder)), new URL('../push.test.ts', folder)]
  const source = files.map((file) => readFileSync(file, 'utf8')).join()
  const isTested = (name: string) => new RegExp(`\\b${name}\\b`).test(source)
  expect(Object.keys(variants).filter((name) => !isTested(name))).toEqual([])
})

test('a switch or value that does not exist is refused', async () => {
  const { sandbox } = await start()
  expect(() => sandbox.set({ comandBody: 'array' } as never)).toThrow('no such dialect switch')
  expect(() => sandbox.set({ commandBody: 'xml' as never })).toThrow('commandBody is one of')
  sandbox.dialect.commandBody = 'string'
  expect(sandbox.dialect).toEqual({ ...defaultDialect(), commandBody: 'string' })
})
