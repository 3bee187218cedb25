// The list of data tokens against every kind of server: those that page and say how many, those that only page, those that do not.
import { describe, expect, test } from 'vitest'
import { gateway, type TestGateway } from '../support/gateway.ts'
import { startUpstream } from '../support/upstream.ts'

const TOTAL = 23
const tokens = Array.from({ length: TOTAL }, (_, index) => `tok-${index}`)

type Respond = (all: readonly string[], page: number, perPage: number) => unknown
const items = (list: readonly string[]) => list.map((token) => ({ token }))
const cut = (all: readonly string[], page: number, perPage: number) =>
  items(all.slice((page - 1) * perPage, page * perPage))

const SERVERS: Record<string, Respond> = {
  'pages and counts': (all, page, perPage) => ({
    items: cut(all, page, perPage),
    meta: { count: all.length, page, perPage },
  }),
  'pages without a count': (all, page, perPage) => ({ items: cut(all, page, perPage) }),
  'pages as bare arrays': cut,
  'answers everything at once': (all) => items(all),
  'pages of at most 4': (all, page, perPage) => {
    const applied = Math.min(4, perPage)
    return { items: cut(all, page, applied), meta: { count: all.length, page, perPage: applied } }
  },
  'pages of at most 4, silently': (all, page, perPage) => ({
    items: cut(all, page, Math.min(4, perPage)),
    meta: { count: all.length },
  }),
}

interface Page {
  readonly edges: readonly { readonly cursor: string; readonly node: { readonly token: string } }[]
  readonly pageInfo: Record<'hasNextPage' | 'hasPreviousPage', boolean> & Record<'startCursor' | 'endCursor', string>
  readonly totalCount: number | null
}

async function serve(respond: Respond, all: readonly string[] = tokens) {
  const state = { all, calls: 0 }
  const upstream = await startUpstream(({ path }) => {
    const { searchParams } = new URL(path, 'http://x')
    state.calls++
    const filter = searchParams.get('filters[token]')
    const matching = filter === null ? state.all : state.all.filter((token) => token === filter)
    return { body: respond(matching, Number(searchParams.get('page')), Number(searchParams.get('perPage'))) }
  })
  const { run } = await gateway({ env: { PRIVICORE_API_URL: upstream.url, CACHE: 'off' } })
  return { state, upstream, run, page: pager(run) }
}

const pager =
  (run: TestGateway['run']) =>
  async (args: Record<string, unknown>): Promise<Page> => {
    const result = await run(
      `query ($first: Int, $after: String, $last: Int, $before: String) {
        dataTokens(first: $first, after: $after, last: $last, before: $before) {
          edges { cursor node { token } }
          pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
          totalCount
        }
      }`,
      args,
    )
    expect(result.errors).toBeUndefined()
    return result.data?.dataTokens
  }

const tokensOf = (page: Page) => page.edges.map(({ node }) => node.token)

describe.each(Object.entries(SERVERS))('a server that %s', (name, respond) => {
  test.each([[1], [4], [5], [7], [23], [200]])('is walked forward, %i at a time', async (first) => {
    const { page } = await serve(respond)
    const seen: string[] = []
    let after: string | undefined
    for (let pages = 0; pages < 30; pages++) {
      const here = await page({ first, after })
      expect(here.pageInfo.hasPreviousPage).toBe(seen.length > 0)
      seen.push(...tokensOf(here))
      expect(here.pageInfo.hasNextPage).toBe(seen.length < TOTAL)
      after = here.pageInfo.endCursor
      if (!here.pageInfo.hasNextPage) break
    }
    expect(seen).toEqual(tokens)
  })

  test.each([[1], [4], [5], [7], [23], [200]])('is walked backward, %i at a time', async (last) => {
    const { page } = await serve(respond)
    const seen: string[] = []
    let before: string | undefined
    for (let pages = 0; pages < 30; pages++) {
      const here = await page({ last, before })
      expect(here.pageInfo.hasNextPage).toBe(seen.length > 0)
      seen.unshift(...tokensOf(here))
      expect(here.pageInfo.hasPreviousPage).toBe(seen.length < TOTAL)
      before = here.pageInfo.startCursor
      if (!here.pageInfo.hasPreviousPage) break
    }
    expect(seen).toEqual(tokens)
  })

  test('takes a cursor with another page size', async () => {
    const { page } = await serve(respond)
    const start = await page({ first: 5 })
    const next = await page({ first: 7, after: start.edges[3]?.cursor })
    expect(tokensOf(next)).toEqual(tokens.slice(4, 11))
    const back = await page({ last: 3, before: next.edges[6]?.cursor })
    expect(tokensOf(back)).toEqual(tokens.slice(7, 10))
    const between = await page({ first: 200, after: start.edges[1]?.cursor, before: next.edges[0]?.cursor })
    expect(tokensOf(between)).toEqual(tokens.slice(2, 4))
    expect(between.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: true })
  })

  test('has an end, and can be empty', async () => {
    const { page, state } = await serve(respond)
    const all = await page({ first: 50 })
    expect(all.totalCount).toBe(TOTAL)
    const beyond = await page({ first: 5, after: all.pageInfo.endCursor })
    expect(tokensOf(beyond)).toEqual([])
    expect(beyond.pageInfo).toEqual({ hasNextPage: false, hasPreviousPage: true, startCursor: null, endCursor: null })
    state.all = []
    for (const args of [{ first: 5 }, { last: 5 }, {}]) {
      expect(await page(args)).toEqual({
        edges: [],
        pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
        totalCount: 0,
      })
    }
  })

  test('is asked for 25 when the client does not say', async () => {
    const many = Array.from({ length: 30 }, (_, index) => `tok-${index}`)
    const { page } = await serve(respond, many)
    expect(tokensOf(await page({}))).toEqual(many.slice(0, 25))
  })

  test('none at all is a page, too', async () => {
    const { page } = await serve(respond)
    expect(await page({ first: 0 })).toMatchObject({
      edges: [],
      pageInfo: { hasNextPage: true, hasPreviousPage: false },
    })
  })

  test('finds one by its token, and several in one go', async () => {
    const { run } = await serve(name.includes('4') ? respond : (all, page, perPage) => respond(all, page, perPage))
    const one = await run('{ yes: dataToken(token: "tok-9") { token } no: dataToken(token: "tok-99") { token } }')
    expect(one).toEqual({ data: { yes: { token: 'tok-9' }, no: null } })
    const ids = ['tok-3', 'tok-22', 'tok-99'].map((token) => Buffer.from(`DataToken:${token}`).toString('base64url'))
    const several = await run('query ($ids: [ID!]!) { nodes(ids: $ids) { ... on DataToken { token } } }', { ids })
    expect(several).toEqual({ data: { nodes: [{ token: 'tok-3' }, { token: 'tok-22' }, null] } })
  })
})

describe('calls', () => {
  test('one per page, of the size that the client asked for', async () => {
    const { page, state, upstream } = await serve(SERVERS['pages and counts'] as Respond)
    let after: string | undefined
    for (let index = 1; index <= 4; index++) {
      after = (await page({ first: 5, after })).pageInfo.endCursor
      expect(new URL(upstream.last().path, 'http://x').searchParams.get('perPage')).toBe('5')
      expect(new URL(upstream.last().path, 'http://x').searchParams.get('page')).toBe(String(index))
    }
    expect(state.calls).toBe(4)
  })

  test('at most two for any window; the end of the list needs one more to know where it is', async () => {
    const many = Array.from({ length: 997 }, (_, index) => `tok-${index}`)
    const { page, state } = await serve(SERVERS['pages and counts'] as Respond, many)
    const place = (position: number) => Buffer.from(`${position}:tok-${position}`).toString('base64url')
    for (const [position, first] of [
      [0, 2],
      [16, 25],
      [130, 200],
      [198, 199],
      [500, 37],
    ] as const) {
      state.calls = 0
      expect(tokensOf(await page({ first, after: place(position) }))).toEqual(
        many.slice(position + 1, position + 1 + first),
      )
      expect(state.calls).toBeLessThanOrEqual(2)
    }
    state.calls = 0
    expect(tokensOf(await page({ last: 10 }))).toEqual(many.slice(-10))
    expect(state.calls).toBe(2)
  })

  test('nodes of one request cost one call for a page of them', async () => {
    const { run, state } = await serve(SERVERS['pages and counts'] as Respond)
    const ids = tokens.map((token) => Buffer.from(`DataToken:${token}`).toString('base64url'))
    const { data } = await run('query ($ids: [ID!]!) { nodes(ids: $ids) { id } }', { ids })
    expect(data?.nodes.map((node: { id: string }) => node.id)).toEqual(ids)
    expect(state.calls).toBe(1)
  })
})

test('a page moves with its cursor when something was put in front of the list', async () => {
  const { page, state } = await serve(SERVERS['pages and counts'] as Respond)
  const start = await page({ first: 5 })
  state.all = ['new-1', 'new-2', ...tokens]
  expect(tokensOf(await page({ first: 5, after: start.pageInfo.endCursor }))).toEqual(tokens.slice(5, 10))
})

test('a server that ignores the filter is searched for the exact token', async () => {
  const many = Array.from({ length: 450 }, (_, index) => `tok-${index}`)
  const upstream = await startUpstream(({ path }) => {
    const { searchParams } = new URL(path, 'http://x')
    return { body: cut(many, Number(searchParams.get('page')), Number(searchParams.get('perPage'))) }
  })
  const { run } = await gateway({ env: { PRIVICORE_API_URL: upstream.url } })
  expect(await run('{ dataToken(token: "tok-44") { token } }')).toEqual({ data: { dataToken: { token: 'tok-44' } } })
  expect(upstream.asked).toHaveLength(1)
  expect(await run('{ dataToken(token: "tok-449") { token } }')).toEqual({ data: { dataToken: { token: 'tok-449' } } })
  expect(await run('{ dataToken(token: "tok-4490") { token } }')).toEqual({ data: { dataToken: null } })
})

test.each([
  ['dataTokens(first: 201)', /first.*0 to 200/],
  ['dataTokens(first: -1)', /first.*0 to 200/],
  ['dataTokens(last: 201)', /last.*0 to 200/],
  ['dataTokens(first: 1, last: 1)', /not both/],
  ['dataTokens(after: "nonsense")', /after.*no cursor/],
  ['dataTokens(before: "")', /before.*no cursor/],
  [`dataTokens(after: "${Buffer.from('x:tok-1').toString('base64url')}")`, /no cursor/],
])('%s is BAD_USER_INPUT, without a call', async (field, message) => {
  const { run, privicore } = await gateway()
  const { data, errors } = await run(`{ ${field} { totalCount } }`)
  expect(data).toEqual({ dataTokens: null })
  expect(errors?.[0]?.message).toMatch(message)
  expect(errors?.[0]?.extensions).toMatchObject({ code: 'BAD_USER_INPUT' })
  expect(privicore.count()).toBe(0)
})

test('filters go upstream under their wire names', async () => {
  const { run, privicore } = await gateway()
  const { data } = await run(
    '{ dataTokens(filter: { extension: "pdf", context: "payroll" }) { totalCount nodes { context file { extension } } } }',
  )
  expect(data?.dataTokens.totalCount).toBeGreaterThan(0)
  for (const node of data?.dataTokens.nodes ?? [])
    expect(node).toEqual({ context: 'payroll', file: { extension: 'pdf' } })
  expect(privicore.requests.at(-1)?.query.filters).toEqual({ 'meta.file.extension': 'pdf', context: 'payroll' })
})
