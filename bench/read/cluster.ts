// Runs a program in several processes that share its port. Arguments: node's flags, the program. PROCESSES: how many. CPU_GROUPS: the
// control groups that bound what each may take, one a process, between colons; none where each has a core.
import cluster from 'node:cluster'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const args = process.argv.slice(2)
const groups = process.env.CPU_GROUPS?.split(':').filter(Boolean) ?? []
cluster.setupPrimary({ exec: args.at(-1) ?? '', execArgv: args.slice(0, -1), args: [] })
const workers = Array.from({ length: Number(process.env.PROCESSES) }, (_, index) => {
  const worker = cluster.fork()
  const group = groups[index]
  if (group !== undefined) writeFileSync(join(group, 'cgroup.procs'), String(worker.process.pid))
  return worker
})
process.on('SIGTERM', () => {
  for (const worker of workers) worker.process.kill('SIGTERM')
})
