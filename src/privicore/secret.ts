// A value that must never be printed: tokens, passwords, client secrets. Knows nothing of what it protects.
import { inspect } from 'node:util'

/**
 * Wraps a string so that logs, templates, JSON and inspection show `[secret]`.
 * `reveal()` is the only way to the value; call it where the value leaves for the wire, nowhere else.
 */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  reveal(): string {
    return this.#value
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}
