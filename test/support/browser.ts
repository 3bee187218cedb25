// A real Chromium, where this machine has one.
import { type Browser, chromium } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { findProgram } from './programs.ts'

const executablePath = findProgram(['chromium', 'chromium-browser', 'google-chrome'])

/** For `test.skipIf`: `npm test` installs a Chromium where it may; elsewhere these tests are left out. CI must have one. */
export const noBrowser = executablePath === undefined && process.env.CI === undefined

export async function openBrowser(): Promise<Browser> {
  if (executablePath === undefined)
    throw new Error('no Chromium on the PATH: install it, e.g. apt-get install chromium')
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
  onTestFinished(() => browser.close())
  return browser
}
