// Runs the program named by the first argument in several processes that share its port. PROCESSES: how many.
import cluster from 'node:cluster'

cluster.setupPrimary({ exec: process.argv[2] ?? '' })
const workers = Array.from({ length: Number(process.env.PROCESSES) }, () => cluster.fork())
process.on('SIGTERM', () => {
  for (const worker of workers) worker.process.kill('SIGTERM')
})
