// GraphiQL in a real browser, as a newcomer meets it.
import { expect, test } from 'vitest'
import { noBrowser, openBrowser } from './support/browser.ts'
import { startProcess } from './support/process.ts'

test.skipIf(noBrowser)('a newcomer sees devices at once, and approves one', { timeout: 60_000 }, async () => {
  const gateway = startProcess()
  const url = await gateway.ready
  const browser = await openBrowser()
  const page = await browser.newPage()
  const foreign: string[] = []
  page.on('request', (request) => {
    if (!request.url().startsWith(url) && !/^(data|blob):/.test(request.url())) foreign.push(request.url())
  })
  await page.goto(`${url}/graphql`)

  // The first tab is ready to run: its query, and the demo token among its headers.
  await page.getByRole('button', { name: /execute query/i }).click()
  const answer = page.locator('.result-window')
  await expect.poll(() => answer.textContent(), { timeout: 10_000 }).toContain('"deviceIdentifier"')
  expect(await answer.textContent()).toContain('"APPROVED"')

  // The same page approves a pending device, with the token it was given.
  const token = /"token":"([^"]+)"/.exec(gateway.output())?.[1]
  const approved = await page.evaluate(
    async ({ token }) => {
      const ask = async (query: string) => {
        const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
        return (await fetch('/graphql', { method: 'POST', headers, body: JSON.stringify({ query }) })).json()
      }
      const { data } = await ask('{ devices(status: PENDING) { deviceIdentifier } }')
      return ask(
        `mutation { approveDevice(input: { deviceIdentifier: "${data.devices[0].deviceIdentifier}" }) { command { status } device { status } userErrors { message } } }`,
      )
    },
    { token },
  )
  expect(approved).toMatchObject({ data: { approveDevice: { device: { status: 'APPROVED' }, userErrors: [] } } })
  expect(foreign, 'GraphiQL is served whole: nothing is fetched from elsewhere').toEqual([])
})
