import { getIntrospectionQuery } from 'graphql'
import { describe, expect, test } from 'vitest'
import { gateway, type TestGateway } from '../support/gateway.ts'

const refusedBeforeAnyCall = async ({ run, privicore }: TestGateway, document: string, says: RegExp) => {
  const { data, errors } = await run(document)
  expect(data).toBeUndefined()
  expect(errors?.[0]?.extensions).toEqual({ code: 'LIMIT_EXCEEDED', requestId: expect.any(String) })
  expect(errors?.[0]?.message).toMatch(says)
  expect(privicore.count()).toBe(0)
}

describe('a document may not', () => {
  test('be deeper than MAX_DEPTH', async () => {
    const tight = await gateway({ env: { MAX_DEPTH: '3' } })
    expect((await tight.run('{ health { upstream { status } } }')).errors).toBeUndefined()
    tight.privicore.reset()
    await refusedBeforeAnyCall(
      tight,
      'mutation { changePassword(input: { currentPassword: "a", newPassword: "b" }) { command { outcome { status } } } }',
      /4 levels deep; at most 3/,
    )
  })

  test('hide its depth in fragments', async () => {
    const tight = await gateway({ env: { MAX_DEPTH: '2' } })
    await refusedBeforeAnyCall(
      tight,
      '{ ...A } fragment A on Query { health { ...B } } fragment B on Health { upstream { status } }',
      /3 levels deep/,
    )
  })

  test('have more than MAX_ALIASES aliases, counted wherever a fragment is spread', async () => {
    const tight = await gateway({ env: { MAX_ALIASES: '3' } })
    expect((await tight.run('{ a: __typename b: __typename c: __typename }')).errors).toBeUndefined()
    await refusedBeforeAnyCall(
      tight,
      '{ a: health { ...F } b: health { ...F } } fragment F on Health { s: status t: status }',
      /6 aliases; at most 3/,
    )
  })

  test('touch more than MAX_COMPLEXITY objects', async () => {
    const tight = await gateway({ env: { MAX_COMPLEXITY: '30' } })
    expect((await tight.run('{ devices { name } }')).errors).toBeUndefined()
    tight.privicore.reset()
    await refusedBeforeAnyCall(tight, '{ devices { directory { directoryId } } }', /may touch 40 objects; at most 30/)
  })

  test('have more than MAX_TOKENS tokens', async () => {
    const tight = await gateway({ env: { MAX_TOKENS: '10' } })
    await refusedBeforeAnyCall(tight, `{ ${'__typename '.repeat(20)} }`, /more than 10 tokens/)
  })

  test('have fragments that double and double again without being measured', async () => {
    const bomb = Array.from({ length: 30 }, (_, n) => `fragment F${n} on Query { ...F${n + 1} ...F${n + 1} }`).join(' ')
    const { run } = await gateway()
    const startedAt = performance.now()
    const { errors } = await run(`{ ...F0 } ${bomb} fragment F30 on Query { a: __typename }`)
    expect(performance.now() - startedAt).toBeLessThan(1_000)
    expect(errors?.some(({ extensions }) => extensions?.code === 'LIMIT_EXCEEDED')).toBe(true)
  })

  test('spread a fragment into itself', async () => {
    const { run } = await gateway()
    expect((await run('{ ...A } fragment A on Query { ...A }')).errors?.[0]?.extensions?.code).toBe(
      'GRAPHQL_VALIDATION_FAILED',
    )
  })
})

test('a body may not be larger than MAX_BODY_BYTES, whether it says so or not', async () => {
  const { fetch } = await gateway({ env: { MAX_BODY_BYTES: '1000' } })
  const body = JSON.stringify({ query: `{ __typename } # ${'x'.repeat(2000)}` })
  const answers = await Promise.all([
    fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': String(body.length) },
      body,
    }),
    fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: new Blob([body]).stream(),
      duplex: 'half',
    } as RequestInit),
  ])
  for (const answer of answers) {
    expect(answer.status).toBe(413)
    expect((await answer.json()).errors[0].extensions.code).toBe('LIMIT_EXCEEDED')
  }
})

test('introspection as GraphiQL does it is within the limits', async () => {
  const { run } = await gateway()
  const { errors, data } = await run(
    getIntrospectionQuery({ descriptions: true, inputValueDeprecation: true, oneOf: true }),
  )
  expect(errors).toBeUndefined()
  expect(data?.__schema.types.length).toBeGreaterThan(20)
})

test('introspection has a depth limit of its own', async () => {
  const { run } = await gateway()
  const deep = (levels: number): string => (levels === 0 ? 'name' : `ofType { ${deep(levels - 1)} }`)
  expect((await run(`{ __type(name: "Query") { ${deep(30)} } }`)).errors?.[0]?.extensions?.code).toBe('LIMIT_EXCEEDED')
})

describe('in production', () => {
  const production = { NODE_ENV: 'production' }

  test('the schema is not shown', async () => {
    const { run } = await gateway({ env: production })
    const { errors } = await run('{ __schema { types { name } } }')
    expect(errors?.[0]?.extensions?.code).toBe('GRAPHQL_VALIDATION_FAILED')
    expect((await run('{ __typename }')).data).toEqual({ __typename: 'Query' })
  })

  test('nothing of it is suggested either', async () => {
    const { run } = await gateway({ env: production })
    const { errors } = await run('{ devicez { name } }')
    expect(errors?.[0]?.message).toBe('Cannot query field "devicez" on type "Query".')
  })

  test('GraphiQL is not served', async () => {
    const { fetch } = await gateway({ env: production })
    const response = await fetch('/graphql', { headers: { accept: 'text/html' } })
    expect(await response.text()).not.toContain('GraphiQL')
  })

  test('no web page may call it, unless it is listed', async () => {
    const ask = async (env: Record<string, string>, origin: string) => {
      const { fetch } = await gateway({ env: { ...production, ...env } })
      const response = await fetch('/graphql', {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST' },
      })
      return response.headers.get('access-control-allow-origin')
    }
    expect(await ask({}, 'http://localhost:3000')).toBeNull()
    expect(await ask({ CORS_ORIGINS: 'https://app.example' }, 'https://app.example')).toBe('https://app.example')
    expect(await ask({ CORS_ORIGINS: 'https://app.example' }, 'https://evil.example')).toBeNull()
  })
})

test('while developing, pages on localhost may call it, and no others', async () => {
  const { fetch } = await gateway()
  const allowed = async (origin: string) =>
    (
      await fetch('/graphql', { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } })
    ).headers.get('access-control-allow-origin')
  expect(await allowed('http://localhost:5173')).toBe('http://localhost:5173')
  expect(await allowed('https://evil.example')).toBeNull()
  expect(await allowed('http://localhost.evil.example')).toBeNull()
})

describe('a document that has come before', () => {
  /** 2^n ways to one field, in a few hundred characters. */
  const bomb = (levels: number, directive = '') =>
    Array.from(
      { length: levels },
      (_, n) => `fragment F${n + 1} on Query { ...F${n} ${directive} ...F${n} ${directive} }`,
    ).join(' ')

  test('is not walked once for every way through its fragments', async () => {
    const { run } = await gateway()
    for (const directive of ['', '@include(if: true)']) {
      const document = `{ ...F12 ${directive} profile { profileId } devices { name } } fragment F0 on Query { __typename } ${bomb(12, directive)}`
      const startedAt = performance.now()
      for (let time = 0; time < 3; time++) await run(document, {}, { token: null })
      expect(performance.now() - startedAt).toBeLessThan(1_500)
    }
  })

  test('is refused where it comes to too many fields', async () => {
    const { run } = await gateway()
    const { errors } = await run(`{ ...F40 } fragment F0 on Query { __typename } ${bomb(40)}`)
    expect(errors?.[0]?.extensions?.code).toBe('LIMIT_EXCEEDED')
    expect(errors?.[0]?.message).toMatch(/more than 10000 fields/)
  })
})

test('comments are not tokens: a document has a length of its own', async () => {
  const { run } = await gateway()
  const { errors } = await run(`{ __typename } #${'x'.repeat(200_000)}`)
  expect(errors?.[0]?.extensions?.code).toBe('LIMIT_EXCEEDED')
})
