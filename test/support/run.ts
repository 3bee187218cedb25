// `npm test`: sees to the programs that tests need (a Redis, a Chromium), then runs every test.
import { spawnSync } from 'node:child_process'
import { findProgram } from './programs.ts'

const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome']
const REDIS = ['redis-server', 'valkey-server']

// Also beside a REDIS_URL: some tests kill, pause or fill a Redis, which must be one of their own.
if (!findProgram(REDIS) && !install('redis-server', 'redis') && !process.env.REDIS_URL) {
  fail('The tests need a Redis. Set REDIS_URL, or run: sudo apt-get install redis-server')
}
if (!findProgram(CHROMIUM) && !install('chromium')) {
  say('No Chromium found: the tests in a browser are skipped. To run them: sudo apt-get install chromium')
}
const vitest = spawnSync('vitest', ['run', ...process.argv.slice(2)], { stdio: 'inherit' })
process.exitCode = vitest.status ?? 1

/** Debian's package where we are root, Homebrew's where there is one. */
function install(debian: string, homebrew?: string): boolean {
  if (findProgram(['apt-get']) && process.getuid?.() === 0) {
    say(`Installing Debian's ${debian} …`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const apt = (...args: string[]) =>
      spawnSync('apt-get', ['-qq', ...args], { stdio: ['ignore', 'ignore', 'inherit'], env }).status === 0
    return apt('update') && apt('install', '-y', '--no-install-recommends', debian)
  }
  if (homebrew !== undefined && findProgram(['brew'])) {
    say(`Installing Homebrew's ${homebrew} …`)
    return spawnSync('brew', ['install', '--quiet', homebrew], { stdio: 'inherit' }).status === 0
  }
  return false
}

function say(message: string): void {
  process.stderr.write(`${message}\n`)
}

function fail(message: string): never {
  say(message)
  process.exit(1)
}
