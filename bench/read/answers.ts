// Whether a contestant answers what it should, to whom it should, before anything is timed.
import { ask, canAnswer, type Server } from './contestants.ts'
import { answerBody, QUERY_NAMES, type QueryName, tokenOf } from './rows.ts'
import type { Stub } from './stub-process.ts'

/** Users who ask at the same time, of whom none may be handed another's data. */
const CROWD = 40
/** Long enough for all of the crowd to be under way at once. */
const CROWD_DELAY_MS = 30
/** No timed run uses them. */
const FIRST_OF_CROWD = 500_000

/** Keys of objects sorted: servers differ in their order, and none is wrong. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, canonical(inner)]),
  )
}

/** The bytes, or for a peer its JSON with sorted keys. */
function matches(server: Server, text: string, query: QueryName): boolean {
  const expected = answerBody(query)
  const { exact, ownEnums } = server.contestant
  if (exact) return text === expected
  const meaning = (answer: string) => JSON.stringify(canonical(JSON.parse(ownEnums ? answer.toLowerCase() : answer)))
  try {
    return meaning(text) === meaning(expected)
  } catch {
    return false
  }
}

/** @returns what is wrong with it; empty when nothing is */
export async function faultsOf(server: Server, stub: Stub): Promise<string[]> {
  const faults: string[] = []
  for (const query of QUERY_NAMES) {
    if (!canAnswer(server.contestant, query)) continue
    const { text } = await ask(server, query, tokenOf(0))
    if (!matches(server, text, query)) faults.push(`${query}: another answer, ${difference(text, answerBody(query))}`)
  }
  if (server.contestant.offline || faults.length > 0) return faults
  await stub.set({ personal: true, delayMs: CROWD_DELAY_MS })
  const query = canAnswer(server.contestant, 'dashboard') ? 'dashboard' : 'nPlusOne'
  // Twice: the second answer may come from a memory.
  for (let turn = 0; turn < 2; turn++) {
    const mixed = await Promise.all(
      Array.from({ length: CROWD }, async (_, index) => {
        const token = tokenOf(FIRST_OF_CROWD + index)
        const { text } = await ask(server, query, token)
        // Every name says whose it is: another's would be left over.
        return text.includes(token) && matches(server, text.replaceAll(` of ${token}`, ''), query) ? 0 : 1
      }),
    )
    const wrong = mixed.reduce<number>((sum, each) => sum + each, 0)
    if (wrong > 0) faults.push(`${query}: ${wrong} of ${CROWD} users who asked at once were not given their own data`)
  }
  await stub.set({ personal: false, delayMs: 0 })
  return faults
}

function difference(found: string, expected: string): string {
  let at = 0
  while (at < found.length && found[at] === expected[at]) at++
  return `at byte ${at}: ${JSON.stringify(found.slice(at, at + 80))} instead of ${JSON.stringify(expected.slice(at, at + 80))}`
}
