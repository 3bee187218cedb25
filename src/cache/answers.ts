// Whole answers as bytes, kept for exactly as long as each read they were made of would be served from memory: never staler than the
// cache below, and nobody else's. Knows neither GraphQL nor HTTP.
import { hash, randomUUID } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Entry } from './memory.ts'

/** What of a remembered value says how long it counts. The value itself may go: an answer does not keep it. */
export type Stamp = Pick<Entry, 'state' | 'generation' | 'at' | 'freshUntil' | 'staleUntil'>

/** What was answered, and of what it was made. */
export interface Answer {
  readonly body: Buffer
  /** For the log. */
  readonly name: string | undefined
  readonly madeOf: readonly Stamp[]
}

/** Beside its bytes: the key, the entry, the list of reads. */
const ANSWER_BYTES = 400

export class Answers {
  readonly #answers: LRUCache<string, Answer>
  readonly #serves: (madeOf: readonly Stamp[]) => boolean
  /** Keys mean nothing outside this process. */
  readonly #salt = randomUUID()

  /** @param serves whether every one of these entries would be served now */
  constructor(maxBytes: number, serves: (madeOf: readonly Stamp[]) => boolean) {
    this.#serves = serves
    this.#answers = new LRUCache({ maxSize: maxBytes, sizeCalculation: ({ body }) => body.length + ANSWER_BYTES })
  }

  /** The same caller with the same request, to the byte. The token itself is not kept. */
  key(token: string, request: string): string {
    return hash('sha256', `${this.#salt}\n${token}\n${request}`, 'base64url')
  }

  find(key: string): Answer | undefined {
    const answer = this.#answers.get(key)
    if (answer === undefined || this.#serves(answer.madeOf)) return answer
    this.#answers.delete(key)
    return undefined
  }

  keep(key: string, { body, name, madeOf }: Omit<Answer, 'madeOf'> & { readonly madeOf: readonly Entry[] }): void {
    const stamps = madeOf.map(({ state, generation, at, freshUntil, staleUntil }) => ({
      state,
      generation,
      at,
      freshUntil,
      staleUntil,
    }))
    this.#answers.set(key, { body, name, madeOf: stamps })
  }
}
