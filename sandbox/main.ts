// Knows the command line: starts a sandbox as the environment says, and says where it is. README.md lists the variables.
import { type Sandbox, type SandboxOptions, startSandbox } from './sandbox.ts'

const DEFAULT_PORT = 9009

function optionsFrom(env: NodeJS.ProcessEnv): SandboxOptions {
  const port = number(env, 'PORT') ?? DEFAULT_PORT
  return {
    port,
    upstreamPort: port === 0 ? 0 : port + 1,
    downstreamPort: port === 0 ? 0 : port + 2,
    host: env.HOST,
    commandLatencyMs: number(env, 'SANDBOX_LATENCY_MS'),
    retrievalLagMs: number(env, 'SANDBOX_LAG_MS'),
    dialect: json(env, 'SANDBOX_DIALECT'),
    seed: choice(env, 'SANDBOX_SEED', ['demo', 'empty']),
    autoVote: choice(env, 'SANDBOX_AUTO_VOTE', ['yes', 'no', 'none']),
    demoTokens: { alice: env.SANDBOX_ALICE_TOKEN, bob: env.SANDBOX_BOB_TOKEN },
    quiet: env.SANDBOX_QUIET === '1',
  }
}

function number(env: NodeJS.ProcessEnv, name: string): number | undefined {
  if (!env[name]) return undefined
  const value = Number(env[name])
  if (!Number.isInteger(value) || value < 0) throw new Error(`${name} is a whole number, not ${env[name]}`)
  return value
}

function choice<T extends string>(env: NodeJS.ProcessEnv, name: string, choices: readonly T[]): T | undefined {
  if (!env[name]) return undefined
  const value = choices.find((one) => one === env[name])
  if (value === undefined) throw new Error(`${name} is one of ${choices.join(', ')}, not ${env[name]}`)
  return value
}

function json(env: NodeJS.ProcessEnv, name: string): SandboxOptions['dialect'] {
  try {
    return JSON.parse(env[name] || '{}')
  } catch {
    throw new Error(`${name} is JSON, such as {"commandBody":"string"}`)
  }
}

function greeting(sandbox: Sandbox): string {
  return `Privicore sandbox
  REST        ${sandbox.url}
  WebSocket   ${sandbox.wsUrl}
  upstream    ${sandbox.upstreamUrl}
  downstream  ${sandbox.downstreamUrl}
  alice       ${sandbox.tokens.alice}  (password alice-password)
  bob         ${sandbox.tokens.bob}  (password bob-password)
  try         curl -H 'X-DPT-AUTHORIZATION: ${sandbox.tokens.alice}' ${sandbox.url}/device/retrieve-profile-devices
`
}

try {
  const sandbox = await startSandbox(optionsFrom(process.env))
  process.stdout.write(greeting(sandbox))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => sandbox.close())
} catch (error) {
  process.stderr.write(`sandbox: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
