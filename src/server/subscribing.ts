// Executing a subscription: the source's events, each executed as an operation. As graphql's own subscribe, with less kept for each
// of thousands that wait: one object between the source and whoever reads.
import { createSourceEventStream, type ExecutionArgs, type ExecutionResult, execute, GraphQLError } from 'graphql'
import type { Operation, OperationName } from './operations.ts'

/** @param args with the operation's context. @returns what clients may see: errors are coded */
export async function subscribe(
  args: ExecutionArgs,
  operation: Operation,
  name: OperationName,
): Promise<ExecutionResult | Events> {
  const source = await createSourceEventStream(args)
  if (Symbol.asyncIterator in source) return new Events(args, source[Symbol.asyncIterator](), operation, name)
  const refused = operation.answer(source)
  operation.end(name)
  return refused
}

/** Events on their way through layers that would wrap an iterable, each with five closures that last as long as the subscription. */
export class Wrapped {
  readonly events: Events

  constructor(events: Events) {
    this.events = events
  }
}

export class Events implements AsyncIterableIterator<ExecutionResult> {
  readonly #args: ExecutionArgs
  readonly #source: AsyncIterator<unknown>
  readonly #operation: Operation
  readonly #name: OperationName
  #ended = false

  constructor(args: ExecutionArgs, source: AsyncIterator<unknown>, operation: Operation, name: OperationName) {
    this.#args = args
    this.#source = source
    this.#operation = operation
    this.#name = name
  }

  /** A failure is the last event. */
  async next(): Promise<IteratorResult<ExecutionResult>> {
    if (this.#ended) return { value: undefined, done: true }
    try {
      const event = await this.#source.next()
      if (!event.done) {
        const result = await execute({ ...this.#args, rootValue: event.value })
        return { value: this.#operation.answer(result), done: false }
      }
    } catch (error) {
      // As the executor tells it: an error of the operation, with its cause.
      const failure = new GraphQLError('The subscription has failed.', { originalError: error as Error })
      const value = this.#operation.answer({ errors: [failure] })
      this.#end()
      return { value, done: false }
    }
    this.#end()
    return { value: undefined, done: true }
  }

  /** The client has left. */
  async return(): Promise<IteratorResult<ExecutionResult>> {
    if (!this.#ended) {
      this.#operation.leave()
      this.#end()
    }
    await this.#source.return?.()
    return { value: undefined, done: true }
  }

  async throw(error: unknown): Promise<IteratorResult<ExecutionResult>> {
    await this.return()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #end(): void {
    if (this.#ended) return
    this.#ended = true
    this.#operation.end(this.#name)
  }
}
