// Waiting that can be given up. Knows only time.
import { setTimeout as sleep } from 'node:timers/promises'

/** Resolves after `ms`. @throws the signal's own reason, as soon as it aborts */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal })
  } catch (error) {
    throw signal?.aborted ? signal.reason : error
  }
}
