// Knows the command line: the process starts, says where it is, and ends when it is told to.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const MAIN = fileURLToPath(new URL('../../sandbox/main.ts', import.meta.url))

function run(env: Record<string, string>): ChildProcess {
  const child = spawn(process.execPath, [MAIN], { env: { ...process.env, PORT: '0', ...env }, stdio: 'pipe' })
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return child
}

test('it prints addresses and tokens that work, speaks the dialect it was given, and ends on SIGTERM', async () => {
  const child = run({ SANDBOX_ALICE_TOKEN: 'alice-token', SANDBOX_DIALECT: '{"profileId":"text"}' })
  const [output] = await once(child.stdout ?? child, 'data')
  const url = /REST +(\S+)/.exec(String(output))?.[1] ?? ''
  const headers = { 'X-DPT-AUTHORIZATION': 'alice-token' }
  const answer = await fetch(`${url}/profile/retrieve-profile-id`, { headers })
  expect(await answer.json()).toEqual(expect.any(String))
  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})

test.each([
  [{ SANDBOX_DIALECT: '{"nonsense":1}' }, 'no such dialect switch: nonsense'],
  [{ SANDBOX_LATENCY_MS: 'soon' }, 'SANDBOX_LATENCY_MS is a whole number'],
])('%j is refused with exit code 1', async (env, complaint) => {
  const child = run(env)
  const [output] = await once(child.stderr ?? child, 'data')
  expect(String(output)).toContain(complaint)
  expect(await once(child, 'exit')).toEqual([1, null])
})
