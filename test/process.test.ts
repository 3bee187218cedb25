// The product as its users start it: a process of its own.
import { expect, test } from 'vitest'
import { startSandbox } from '../sandbox/sandbox.ts'
import { startProcess } from './support/process.ts'

const ask = async (url: string, query: string, token?: string) => {
  const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) }
  const response = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) })
  return (await response.json()) as { data?: any; errors?: any[] }
}

test('npm start runs the gateway on its embedded sandbox, with a token to try it', async () => {
  const gateway = startProcess({}, ['npm', 'start'])
  const url = await gateway.ready
  const token = /"token":"([^"]+)"/.exec(gateway.output())?.[1]
  const { data } = await ask(url, '{ devices { name } health { status } }', token)
  expect(data.devices.length).toBeGreaterThan(5)
  expect(data.health.status).toBe('OK')
  expect(gateway.output()).toContain('embedded sandbox')
})

test('a second start finds everything compiled, and does not load what takes types away', async () => {
  const first = startProcess()
  await first.ready
  first.child.kill('SIGTERM')
  await first.exit
  const tell = `process.on('exit', () => console.error('strips types:', process.moduleLoadList.some((name) => /amaro/.test(name))))`
  const module = `data:text/javascript,${encodeURIComponent(tell)}`
  const second = startProcess({}, [process.execPath, '--import', module, 'src/start.js'])
  await second.ready
  second.child.kill('SIGTERM')
  expect(await second.exit).toBe(0)
  expect(second.output()).toContain('strips types: false')
})

test('every problem of the environment is told before anything listens, with exit code 1', async () => {
  const gateway = startProcess({ PORT: 'x', MAX_DEPTH: '-1', NODE_ENV: 'production' })
  expect(await gateway.exit).toBe(1)
  for (const name of ['PORT', 'MAX_DEPTH', 'PRIVICORE_API_URL']) expect(gateway.output()).toContain(name)
  expect(gateway.output()).not.toMatch(/\bat .*\.ts/)
})

test('a port in use is told plainly, with exit code 1', async () => {
  const first = startProcess()
  const { port } = new URL(await first.ready)
  const second = startProcess({ PORT: port })
  expect(await second.exit).toBe(1)
  expect(second.output()).toContain('is the port in use')
})

test('alive and ready are told apart; neither depends on Privicore', async () => {
  const gateway = startProcess({ PRIVICORE_API_URL: 'http://127.0.0.1:9' })
  const url = await gateway.ready
  expect((await fetch(`${url}/health/live`)).status).toBe(200)
  expect((await fetch(`${url}/health/ready`)).status).toBe(200)
  expect(await (await fetch(`${url}/metrics`)).text()).toContain('# TYPE privicore_graphql_operations_total counter')
})

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s lets requests in flight finish, then ends with exit code 0',
  async (signal) => {
    const privicore = await startSandbox()
    try {
      privicore.fault('device.list', { kind: 'latency', ms: 500 })
      const gateway = startProcess({ PRIVICORE_API_URL: privicore.url })
      const url = await gateway.ready
      const answer = ask(url, '{ devices { name } }', privicore.tokens.alice)
      await expect.poll(() => privicore.count('device.list')).toBe(1)
      gateway.child.kill(signal)
      expect((await answer).data.devices.length).toBeGreaterThan(5)
      expect(await gateway.exit).toBe(0)
      expect(gateway.output()).toContain('"msg":"stopped"')
    } finally {
      await privicore.close()
    }
  },
)
