import { blake2b } from '@noble/hashes/blake2.js'
import { describe, expect, test } from 'vitest'
import { bareKey, faultOfSignedKey, publicKey } from '../../src/privicore/public-key.ts'
import { Secret } from '../../src/privicore/secret.ts'
import { clientOf, json, startUpstream } from '../support/upstream.ts'

const token = new Secret('a-token')

function signed(tag: string, keyHex: string): string {
  const head = Buffer.from(tag + keyHex, 'hex')
  return Buffer.concat([head, blake2b(head, { dkLen: 64 })]).toString('hex')
}

const keyHex = 'ab'.repeat(32)
const signedHex = signed('31420500', keyHex)

describe('a signed key', () => {
  test.each([
    ['of the one version', signedHex],
    ['of the other version', signed('31400500', keyHex)],
    ['of a version that nobody has heard of', signed('00000000', keyHex)],
    ['in upper case', signedHex.toUpperCase()],
  ])('%s is right', (_, hex) => {
    expect(faultOfSignedKey(hex)).toBeNull()
    expect(bareKey(hex).toLowerCase()).toBe(keyHex)
  })

  test.each([
    ['empty', '', /200 hex characters/],
    ['too short', signedHex.slice(2), /200 hex characters/],
    ['too long', `${signedHex}00`, /200 hex characters/],
    ['not hex', `${signedHex.slice(0, -1)}g`, /hexadecimal/],
    ['with a wrong hash', `${signedHex.slice(0, -1)}${signedHex.endsWith('0') ? '1' : '0'}`, /hash/],
    ['with another key', signedHex.replace('abab', 'abac'), /hash/],
  ])('%s is not', (_, hex, why) => {
    expect(faultOfSignedKey(hex)).toMatch(why)
  })

  test('agrees with a known answer: BLAKE2b-512 is unkeyed', () => {
    const abc = Buffer.from(blake2b(Buffer.from('abc'), { dkLen: 64 })).toString('hex')
    expect(abc).toMatch(/^ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b7/)
  })
})

test('publicKey.generate needs nobody, and is never asked twice', async () => {
  const upstream = await startUpstream({ body: { private: 'cd'.repeat(32), public: signedHex } })
  const pair = await clientOf(upstream).read(publicKey.generate, {})
  expect(pair.privateKeyHex.reveal()).toBe('cd'.repeat(32))
  expect(String(pair.privateKeyHex)).toBe('[secret]')
  expect(pair.publicKey).toEqual({ signedHex, status: null, createdAt: null })
  const { method, path, headers } = upstream.last()
  expect({ method, path }).toEqual({ method: 'GET', path: '/generate-keys' })
  expect(headers['x-dpt-authorization']).toBeUndefined()
  upstream.answer = { status: 503 }
  await expect(clientOf(upstream).read(publicKey.generate, {})).rejects.toMatchObject({ code: 'UPSTREAM_UNAVAILABLE' })
  expect(upstream.asked).toHaveLength(2)
})

test('publicKey.register is a form with the token in its header', async () => {
  const upstream = await startUpstream({ status: 202, body: ['cmd-1'] })
  const sent = await clientOf(upstream).send(publicKey.register, { publicKey: signedHex }, { token })
  expect(sent.commandId).toBe('cmd-1')
  const { method, path, headers, body } = upstream.last()
  expect({ method, path, body }).toEqual({
    method: 'POST',
    path: '/public-key/register-public-key',
    body: `publicKey=${signedHex}`,
  })
  expect(headers['x-dpt-authorization']).toBe('a-token')
  expect(headers['content-type']).toBe('application/x-www-form-urlencoded')
})

describe.each([
  ['publicKey.own', publicKey.own, '/public-key/retrieve-public-key'],
  ['publicKey.cab', publicKey.cab, '/dptcab/public-key'],
] as const)('%s', (_, endpoint, expected) => {
  test.each([
    ['the key alone', { publicKey: signedHex }, { status: null, createdAt: null }],
    [
      'all of it',
      { publicKey: signedHex, createdAt: '2026-02-21T15:33:44+00:00', status: 'active' },
      { status: 'active', createdAt: '2026-02-21T15:33:44+00:00' },
    ],
    [
      'snake_case',
      { public_key: signedHex, created_at: '2026-02-21T15:33:44+00:00' },
      { status: null, createdAt: '2026-02-21T15:33:44+00:00' },
    ],
    ['a bare string', json(signedHex), { status: null, createdAt: null }],
  ])('is read from %s', async (__, answer, rest) => {
    const upstream = await startUpstream({ body: answer })
    expect(await clientOf(upstream).read(endpoint, {}, { token })).toEqual({ signedHex, ...rest })
    const { method, path, headers } = upstream.last()
    expect({ method, path }).toEqual({ method: 'GET', path: expected })
    expect(headers['x-dpt-authorization']).toBe('a-token')
  })

  test('none is NOT_FOUND', async () => {
    const upstream = await startUpstream({ status: 404 })
    await expect(clientOf(upstream).read(endpoint, {}, { token })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})
