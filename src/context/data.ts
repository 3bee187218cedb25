// The door for data that was asked for: it comes by the push channel, once, and somebody must be there. Knows no GraphQL and no area.
import type { Delivery } from '../commands/deliveries.ts'
import { PrivicoreError } from '../privicore/errors.ts'
import type { Scope } from './scope.ts'

export class CallerData {
  readonly #scope: Scope

  constructor(scope: Scope) {
    this.#scope = scope
  }

  /** Whether Privicore's push channel is configured: data that was asked for comes by no other way. */
  get hasPush(): boolean {
    return this.#scope.services.following.hasPush
  }

  /** Data was asked for: whoever comes for it later finds it, for some minutes. @param inline where it came at once */
  expect(requestId: string, inline: { readonly context: string | null; readonly bytes: Buffer } | null): void {
    const { caller, services } = this.#scope
    const { following } = services
    if (caller === null) return
    if (inline === null) following.expectData(caller, requestId)
    else {
      const { context, bytes } = inline
      following.deliveries.keep(caller.digest, { requestId, context, inline: bytes, stream: null })
    }
  }

  /** Data that has arrived already; null while it has not. */
  async find(requestId: string): Promise<Delivery | null> {
    const { caller, services } = this.#scope
    return caller && services.following.deliveries.find(caller.digest, requestId)
  }

  /** Calls `listener` once, when the data of a request is there. @returns stops it. @throws UNAUTHENTICATED without a token */
  follow(requestId: string, listener: (delivery: Delivery) => void): () => void {
    const { caller, services } = this.#scope
    if (caller === null) throw new PrivicoreError('UNAUTHENTICATED', 'requested data: needs a token')
    const { following } = services
    const hold = following.listen(caller)
    const stop = following.deliveries.wait(caller.digest, requestId, listener)
    return () => {
      stop()
      hold?.release()
    }
  }

  /** Waits until the data of a request is there; null when the operation's time runs out first. */
  async wait(requestId: string): Promise<Delivery | null> {
    const { signal, timeToWait } = this.#scope
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', abort)
        stop()
      }
      const done = (delivery: Delivery | null) => {
        end()
        resolve(delivery)
      }
      const abort = () => {
        end()
        reject(signal.reason)
      }
      const stop = this.follow(requestId, done)
      const timer = setTimeout(() => done(null), Math.max(0, timeToWait))
      signal.addEventListener('abort', abort)
    })
  }
}
