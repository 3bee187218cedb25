// The log: JSON lines on stdout, pretty on a terminal. Secrets print as [secret] by their type; bodies and variables never come here.
import { createRequire } from 'node:module'
import { type DestinationStream, destination, type Logger, pino } from 'pino'

export type { Logger }

export function createLogger(level: string, stream: DestinationStream = stdout()): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  )
}

/** Lines are written behind the back of the event loop; fatal ones, and those at exit, are flushed. */
function stdout(): DestinationStream {
  if (!process.stdout.isTTY) return destination({ fd: 1, sync: false })
  try {
    // A development dependency: not there in a production install.
    const pretty = createRequire(import.meta.url)('pino-pretty') as (options: object) => DestinationStream
    return pretty({ colorize: true, translateTime: 'HH:MM:ss.l', sync: true })
  } catch {
    return destination({ fd: 1, sync: false })
  }
}
