// Knows the upstream and downstream hosts: bytes go in once and come out once, the same.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { MEMORY_BYTES } from '../../sandbox/blobs.ts'
import { start } from './client.ts'

const BYTES = { 'Content-Type': 'application/octet-stream' }

async function space(fields: Record<string, string> = {}) {
  const context = await start({ dialect: { stream: 'url', outputType: '1' } })
  const { form, get, outcome, sandbox } = context
  const reservation = await form('/data-token/reserve-token-space', { context: 'films', ...fields })
  await outcome(reservation)
  const { token, stream } = (await get(`/data-token/retrieve-temporary-data-token/${reservation.id}`)).body
  const reserved = sandbox.state.profile('alice').dataTokens.get(token)
  if (!reserved) throw new Error('no reservation')
  const put = (body: BodyInit, init: RequestInit = {}) =>
    fetch(stream, { method: 'POST', headers: BYTES, body, ...init })
  /** A link to what is stored, as the push channel would give it. */
  const link = () => {
    if (!reserved.stored) throw new Error('nothing stored')
    return `${sandbox.downstreamUrl}/?auth=${sandbox.offerDownload(reserved.token)}`
  }
  return { ...context, token, reserved, stream, put, link }
}

const bytesOf = async (response: Response) => Buffer.from(await response.arrayBuffer())

test.each([
  ['in memory', 1000],
  ['in a file', MEMORY_BYTES * 2 + 17],
])('what goes up comes down: %s', async (_where, size) => {
  const { put, link, sandbox } = await space()
  const payload = randomBytes(size)
  expect((await put(payload)).status).toBe(200)
  expect(sandbox.state.uploads).toMatchObject([{ size, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }])
  const response = await fetch(link())
  expect(response.headers.get('content-length')).toBe(String(size))
  expect((await bytesOf(response)).equals(payload)).toBe(true)
  expect(sandbox.count('dataToken.upstream')).toBe(1)
  expect(sandbox.count('dataToken.download')).toBe(1)
})

test('an upload link works once, with raw bytes, by POST', async () => {
  const { put, stream, sandbox } = await space()
  expect((await fetch(stream)).status).toBe(405)
  expect((await put('x', { headers: { 'Content-Type': 'text/plain' } })).status).toBe(415)
  expect((await put('x')).status).toBe(200)
  expect((await put('y')).status).toBe(404)
  expect((await fetch(`${sandbox.upstreamUrl}/`, { method: 'POST', headers: BYTES })).status).toBe(401)
})

test('an upload link ends with the reservation', async () => {
  const { put, reserved } = await space()
  reserved.expiresAt = Date.now() - 1
  expect((await put('x')).status).toBe(404)
})

test('an upload that breaks off stores nothing, and has used its link up', async () => {
  const { put, reserved, sandbox } = await space()
  const source = new ReadableStream({
    pull(controller) {
      if (sandbox.state.uploads.some(({ size }) => size > 0)) controller.error(new Error('gone'))
      else controller.enqueue(new Uint8Array(64 * 1024))
    },
  })
  await expect(put(source, { duplex: 'half' } as RequestInit)).rejects.toThrow()
  await expect.poll(() => sandbox.requests.at(-1)?.aborted).toBe(true)
  expect(reserved.stored).toBeNull()
  expect(sandbox.state.uploads[0]?.sha256).toBeNull()
  expect((await put('again')).status).toBe(404)
})

test('a download can be taken in parts; the one with the last byte ends it', async () => {
  const { put, link } = await space()
  await put('0123456789')
  const url = link()
  const part = (range: string) => fetch(url, { headers: { Range: range } })
  const first = await part('bytes=0-3')
  expect(first.status).toBe(206)
  expect(first.headers.get('content-range')).toBe('bytes 0-3/10')
  expect(String(await bytesOf(first))).toBe('0123')
  expect((await part('bytes=10-')).status).toBe(416)
  expect(String(await bytesOf(await part('bytes=-2')))).toBe('89')
  expect((await part('bytes=0-3')).status).toBe(404)
})

test('faults reach the stream hosts', async () => {
  const { put, link, sandbox } = await space()
  await put('0123456789')
  sandbox.fault('dataToken.download', { kind: 'reset-mid-body' }, 1)
  await expect(fetch(link()).then(bytesOf)).rejects.toThrow()
  sandbox.fault('dataToken.download', { kind: 'status', status: 503 }, 1)
  const url = link()
  expect((await fetch(url)).status).toBe(503)
  expect((await fetch(url)).status).toBe(200)
})

test('closing removes the temporary files', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'streams-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  vi.stubEnv('TMPDIR', folder)
  onTestFinished(() => void vi.unstubAllEnvs())
  const { put, sandbox } = await space()
  await put(randomBytes(MEMORY_BYTES + 1))
  expect(readdirSync(folder)).toHaveLength(1)
  await sandbox.close()
  expect(readdirSync(folder)).toEqual([])
})
