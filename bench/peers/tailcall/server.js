// Tailcall's binary with its configuration; the port is part of that file. GLIBC: a folder with a newer C library than the system's,
// which is then used.
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const config = join(tmpdir(), `privicore-bench-tailcall-${process.pid}.graphql`)
const text = readFileSync(new URL('config.graphql', import.meta.url), 'utf8')
writeFileSync(config, text.replace('port: 8000', `port: ${process.env.PORT}`).replaceAll('{{.env.STUB_URL}}', process.env.STUB_URL))

const binary = new URL('node_modules/@tailcallhq/core-linux-x64-gnu/bin/tailcall', import.meta.url).pathname
const { GLIBC } = process.env
const command = [binary, 'start', config]
if (GLIBC) command.unshift(join(GLIBC, 'ld-linux-x86-64.so.2'), '--library-path', `${GLIBC}:/usr/lib/x86_64-linux-gnu`)
const env = { ...process.env, TAILCALL_TELEMETRY_DISABLED: 'true', TC_TRACKER: 'false' }
const child = spawn(command[0], command.slice(1), { stdio: 'inherit', env })
child.on('exit', (code) => {
  process.exitCode = code ?? 1
})
process.on('SIGTERM', () => child.kill())
