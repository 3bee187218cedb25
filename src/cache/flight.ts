// One call that several wait for: whoever leaves leaves alone, and the last one out ends it. Knows nothing of what is fetched.
import { PrivicoreError } from '../privicore/errors.ts'

export class Flight<T> {
  readonly #abort = new AbortController()
  readonly #landing: Promise<T>
  #waiting = 0
  #landed = false
  /** Nobody waited any more: whoever comes now starts another. */
  cancelled = false

  /** @param onLanded called once, before anybody who waits hears of it */
  constructor(fly: (signal: AbortSignal) => Promise<T>, onLanded: () => void) {
    this.#landing = fly(this.#abort.signal).finally(() => {
      this.#landed = true
      onLanded()
    })
    // Everybody who waits has a promise of their own; with nobody left there is nobody to tell.
    this.#landing.catch(() => undefined)
  }

  /** @throws what the call throws; the signal's reason when it aborts first */
  join(signal?: AbortSignal): Promise<T> {
    if (signal === undefined) {
      this.#waiting++
      return this.#landing
    }
    if (signal.aborted) return Promise.reject(signal.reason)
    this.#waiting++
    return new Promise<T>((resolve, reject) => {
      const leave = () => {
        reject(signal.reason)
        if (--this.#waiting > 0 || this.#landed) return
        this.cancelled = true
        this.#abort.abort(new PrivicoreError('CANCELLED', 'nobody waits for it any more'))
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#landing.then(
        (value) => {
          signal.removeEventListener('abort', leave)
          resolve(value)
        },
        (error: unknown) => {
          signal.removeEventListener('abort', leave)
          reject(error)
        },
      )
    })
  }
}
