// Many slow uploads, in a process of their own: what they cost their sender must not show in what somebody else measures.
import { slowPut } from './client.ts'

interface Order {
  readonly links: readonly string[]
  readonly headers: Record<string, string>
  readonly bytesPerSecond: number
}

const stop = new AbortController()
process.on('message', (message: Order | 'stop') => {
  if (message === 'stop') {
    stop.abort()
    return
  }
  const { links, headers, bytesPerSecond } = message
  Promise.all(links.map((link) => slowPut(link, headers, bytesPerSecond, stop.signal))).then(
    (statuses) => process.send?.(statuses),
    (error: Error) => process.send?.([error.message]),
  )
})
