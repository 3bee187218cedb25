import { writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { ConfigError, loadConfig } from '../src/config.ts'

const problemsOf = (env: Record<string, string>): readonly string[] => {
  try {
    loadConfig(env)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
  return []
}

const file = async (content: unknown): Promise<string> => {
  const path = join(await mkdtemp(join(tmpdir(), 'config-')), 'file.json')
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

test('an empty environment is enough', () => {
  expect(loadConfig({})).toMatchObject({
    production: false,
    port: 4000,
    host: '0.0.0.0',
    requestTimeoutMs: 15_000,
    privicore: { apiUrl: undefined, timeoutMs: 3_000 },
    commands: { pollMinMs: 250, pollMaxMs: 5_000, watchMaxMs: 900_000 },
    cache: true,
    graphiql: true,
    introspection: true,
    limits: {
      depth: 12,
      complexity: 2_000,
      aliases: 30,
      tokens: 2_000,
      bodyBytes: 1_048_576,
      uploadBytes: 5_368_709_120,
    },
  })
})

test('an empty value is an unset one', () => {
  expect(loadConfig({ PORT: '', REDIS_URL: '', CACHE: '' })).toMatchObject({
    port: 4000,
    redisUrls: undefined,
    cache: true,
  })
})

test('all problems are told at once, by name, without their values', () => {
  const problems = problemsOf({
    PORT: 'hunter2',
    PRIVICORE_API_URL: 'ftp://user:hunter2@host',
    PRIVICORE_WS_URL: 'hunter2',
    REDIS_URL: 'hunter2',
    CACHE: 'hunter2',
    CACHE_SECRET: 'hunter2',
    LOG_LEVEL: 'hunter2',
    MAX_DEPTH: '0',
    PRIVICORE_STREAM_HOSTS: 'ok.example, http://hunter2',
    PRIVICORE_ENDPOINTS: '/nowhere/hunter2.json',
  })
  const names = problems.map((problem) => problem.split(' ')[0])
  expect(names.toSorted()).toEqual([
    'CACHE',
    'CACHE_SECRET',
    'LOG_LEVEL',
    'MAX_DEPTH',
    'PORT',
    'PRIVICORE_API_URL',
    'PRIVICORE_ENDPOINTS',
    'PRIVICORE_STREAM_HOSTS',
    'PRIVICORE_WS_URL',
    'REDIS_URL',
  ])
  expect(problems.join('\n')).not.toContain('hunter2')
})

test('the first pause between polls may not be above the longest', () => {
  expect(problemsOf({ COMMAND_POLL_MIN_MS: '9000' })).toEqual([
    'COMMAND_POLL_MIN_MS must not be above COMMAND_POLL_MAX_MS',
  ])
})

test('no problem hides another', async () => {
  const overrides = await file({
    'device.nope': {},
    'device.remove': { method: 'BREW' },
    'device.list': { path: '/{x}' },
  })
  const problems = problemsOf({
    PORT: 'no',
    COMMAND_POLL_MIN_MS: '9000',
    PRIVICORE_ENDPOINTS: overrides,
    CORS_ORIGINS: 'https://app.example/path',
  })
  expect(problems).toHaveLength(6)
  for (const says of [
    'PORT must be',
    'COMMAND_POLL_MIN_MS must not be above',
    'CORS_ORIGINS must be',
    'device.nope: is not the id',
    'device.remove.method: must be one of GET',
    'device.list: has no argument x',
  ]) {
    expect(problems.filter((problem) => problem.includes(says))).toHaveLength(1)
  }
})

test.each([
  'https://app.example/',
  'https://app.example/path',
  'app.example',
  'https://*.app.example',
  'https://user@app.example',
  'https://App.example',
  'https://app.example:443',
  'null',
])('%s is no origin', (origin) => {
  expect(problemsOf({ CORS_ORIGINS: `https://ok.example, ${origin}` })).toEqual([
    expect.stringContaining('CORS_ORIGINS must be a comma list of origins'),
  ])
})

test('origins are taken as browsers send them', () => {
  const origins = ['https://app.example', 'http://localhost:3000', 'http://[::1]:3000', 'capacitor://localhost', '*']
  expect(loadConfig({ CORS_ORIGINS: origins.join(', ') }).corsOrigins).toEqual(origins)
})

describe('production', () => {
  test('does not start with documents that it would not insist on', async () => {
    const env = { PRIVICORE_API_URL: 'https://privicore.example', TRUSTED_DOCUMENTS: await file({}) }
    expect(problemsOf({ ...env, NODE_ENV: 'production' })).toEqual([
      expect.stringContaining('TRUSTED_DOCUMENTS is not supported yet'),
    ])
    expect(problemsOf(env)).toEqual([])
  })

  test('needs a Privicore, and a secret beside a Redis', () => {
    expect(
      problemsOf({ NODE_ENV: 'production', REDIS_URL: 'redis://cache' }).map((problem) => problem.split(' ')[0]),
    ).toEqual(['PRIVICORE_API_URL', 'CACHE_SECRET'])
  })

  test('shows neither GraphiQL nor the schema, unless told to', () => {
    const env = { NODE_ENV: 'production', PRIVICORE_API_URL: 'https://privicore.example' }
    expect(loadConfig(env)).toMatchObject({ graphiql: false, introspection: false })
    expect(loadConfig({ ...env, GRAPHIQL: 'on', INTROSPECTION: 'on' })).toMatchObject({
      graphiql: true,
      introspection: true,
    })
  })
})

test('secrets do not print', () => {
  const config = loadConfig({ CACHE_SECRET: 'hunter2'.repeat(8), REDIS_URL: 'redis://:hunter2@cache' })
  expect(`${JSON.stringify(config)} ${inspect(config, { depth: 9 })}`).not.toContain('hunter2')
  expect(config.redisUrls?.[0]?.reveal()).toBe('redis://:hunter2@cache')
})

describe('PRIVICORE_ENDPOINTS', () => {
  test('overrides method and path by id', async () => {
    const path = await file({ 'device.remove': { method: 'DELETE', path: '/devices/{deviceIdentifier}' } })
    expect([...loadConfig({ PRIVICORE_ENDPOINTS: path }).privicore.endpoints]).toEqual([
      ['device.remove', { method: 'DELETE', path: '/devices/{deviceIdentifier}' }],
    ])
  })

  test.each([
    [{ 'device.nope': { path: '/x' } }, 'device.nope: is not the id of an endpoint'],
    [{ 'device.remove': { path: '/x/{colour}' } }, 'device.remove: has no argument colour; it has deviceIdentifier'],
    [{ 'device.remove': { path: 'x' } }, 'device.remove.path: must be a path that begins with /'],
    [{ 'device.remove': { verb: 'GET' } }, 'device.remove: '],
    ['{', 'names a file that cannot be read as JSON (it is not JSON)'],
  ])('%j is refused', async (content, says) => {
    expect(problemsOf({ PRIVICORE_ENDPOINTS: await file(content) })[0]).toContain(says)
  })
})
