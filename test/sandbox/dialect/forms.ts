// Knows how to look at one dialect switch: every value of it must have an expected form, or this does not compile.
import { expect, test } from 'vitest'
import type { Dialect } from '../../../sandbox/sandbox.ts'
import { type Reply, start } from '../client.ts'

export type Context = Awaited<ReturnType<typeof start>>
export type Look = (context: Context) => Promise<unknown>

/** What is seen through `look` with each value of the switch. */
export function forms<Switch extends keyof Dialect>(
  name: Switch,
  look: Look,
  expected: Record<Dialect[Switch] & string, unknown>,
  beside: Partial<Dialect> = {},
): void {
  test.each(Object.entries(expected))(`${name} %s`, async (value, form) => {
    const context = await start({ dialect: { ...beside, [name]: value } })
    expect(await look(context)).toEqual(form)
  })
}

export const text = expect.any(String)
export const time = expect.stringMatching(/\+00:00$/)
export const hex = (pattern: string) => expect.stringMatching(new RegExp(`^${pattern}$`))

export const seen = ({ status, body, id }: Reply) => ({ status, body, header: id !== '' })
