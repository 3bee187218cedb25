// Uploads at once take turns, wait for hosts that pause, and give memory back: each of them arrives whole all the same.
import { createHash, randomFillSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { answerOf, put, sha256, streamHost, transfers } from '../support/transfers.ts'

/** Many times: whether a body ends while its last chunk waits for its turn is a matter of luck. */
test.each(Array.from({ length: 12 }, (_, n) => n))(
  'uploads side by side: each arrives whole, with its own hash (%i)',
  async () => {
    const arrivedAt = new Map<string, string>()
    const host = await streamHost((request, response) => {
      const hash = createHash('sha256')
      request.on('data', (chunk: Buffer) => hash.update(chunk))
      request.on('end', () => {
        arrivedAt.set(request.url ?? '', hash.digest('hex'))
        response.end()
      })
      // Now and then it does not read.
      const pausing = setInterval(() => (request.isPaused() ? request.resume() : request.pause()), 5)
      request.once('close', () => clearInterval(pausing))
    })
    const { uploadUrl, auth } = await transfers({ env: { PRIVICORE_UPSTREAM_URL: host.url } })
    const payloads = Array.from({ length: 6 }, (_, n) => randomFillSync(Buffer.allocUnsafeSlow(4_000_000 + n)))
    const answers = await Promise.all(
      payloads.map(async (payload, n) => {
        const sending = put(await uploadUrl(), {
          ...auth,
          ...(n % 2 === 0 && { 'content-length': String(payload.length) }),
        })
        sending.end(payload)
        return (await answerOf(sending)).body
      }),
    )
    const hashes = payloads.map(sha256)
    expect(answers).toEqual(payloads.map(({ length }, n) => ({ bytes: length, sha256: hashes[n] })))
    expect([...arrivedAt.values()].sort()).toEqual(hashes.toSorted())
  },
)
