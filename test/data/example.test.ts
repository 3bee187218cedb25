// The example, as its reader meets it: in a real browser, with a real file, against a gateway that runs by itself.
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createPage } from '../../examples/encrypt-and-store/serve.ts'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { noBrowser, openBrowser } from '../support/browser.ts'
import { startProcess } from '../support/process.ts'
import { listen, sha256 } from '../support/transfers.ts'

test.skipIf(noBrowser)('a file is encrypted, stored, fetched and decrypted', { timeout: 60_000 }, async () => {
  const privicore = await startSandbox({ commandLatencyMs: 20 })
  onTestFinished(() => privicore.close())
  const gateway = startProcess({
    PRIVICORE_API_URL: privicore.url,
    PRIVICORE_WS_URL: privicore.wsUrl,
    PRIVICORE_UPSTREAM_URL: privicore.upstreamUrl,
    PRIVICORE_DOWNSTREAM_URL: privicore.downstreamUrl,
    CACHE_SECRET: 'only a test, and thirty-two characters long',
  })
  const url = await gateway.ready
  const pageUrl = await listen(createPage())
  const folder = mkdtempSync(join(tmpdir(), 'encrypt-and-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const plain = randomBytes(20 * 1024 * 1024 + 3)
  writeFileSync(join(folder, 'holiday.mp4'), plain)

  const browser = await openBrowser()
  const page = await browser.newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(error.message))
  await page.goto(pageUrl)
  const seen: number[] = []
  await page.exposeFunction('seen', (value: number) => void seen.push(value))
  await page.evaluate(
    'new MutationObserver(([{ target }]) => seen(target.value)).observe(document.getElementById("progress"), { attributes: true, attributeFilter: ["value"] })',
  )
  await page.fill('#endpoint', `${url}/graphql`)
  await page.fill('#token', privicore.tokens.alice)
  await page.setInputFiles('#file', join(folder, 'holiday.mp4'))
  await page.getByRole('button', { name: 'Encrypt and store' }).click()
  const status = page.getByRole('status')
  await expect.poll(() => status.textContent(), { timeout: 20_000 }).toMatch(/^Stored as /)
  const token = (await status.textContent())?.replace('Stored as ', '') ?? ''
  expect(Math.max(...seen)).toBe(1)

  // What Privicore has is as long as IV, ciphertext and tag, and is not the file.
  const { stored, meta } = privicore.state.dataToken(token)
  expect(stored?.size).toBe(12 + plain.length + 16)
  expect(stored?.sha256).not.toBe(sha256(plain))
  expect(meta.file).toMatchObject({ fileName: 'holiday.mp4', extension: 'mp4' })

  const saving = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Fetch holiday.mp4' }).click()
  const saved = await saving
  expect(saved.suggestedFilename()).toBe('holiday.mp4')
  expect(sha256(readFileSync(await saved.path()))).toBe(sha256(plain))
  expect(await status.textContent()).toBe(`Fetched holiday.mp4: ${plain.length} bytes`)
  expect(problems).toEqual([])

  // The log knows of transfers, and of no link, token or name.
  expect(gateway.output()).toContain('"msg":"transfer"')
  for (const secret of ['/data/', 'auth=', privicore.tokens.alice, 'holiday'])
    expect(gateway.output()).not.toContain(secret)
})
