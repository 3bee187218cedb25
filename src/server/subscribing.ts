// Executing a subscription: the source's events, each executed as an operation. As graphql's own subscribe, with less kept for each
// of thousands that wait: one object between the source and whoever reads.
import { createSourceEventStream, type ExecutionArgs, type ExecutionResult, execute, GraphQLError } from 'graphql'

export async function subscribeLightly(
  args: ExecutionArgs,
): Promise<ExecutionResult | AsyncIterableIterator<ExecutionResult>> {
  const source = await createSourceEventStream(args)
  return Symbol.asyncIterator in source ? new Events(args, source[Symbol.asyncIterator]()) : (source as ExecutionResult)
}

class Events implements AsyncIterableIterator<ExecutionResult> {
  readonly #args: ExecutionArgs
  readonly #source: AsyncIterator<unknown>

  constructor(args: ExecutionArgs, source: AsyncIterator<unknown>) {
    this.#args = args
    this.#source = source
  }

  async next(): Promise<IteratorResult<ExecutionResult>> {
    const event = await this.#source.next().catch((error: unknown) => {
      // As the executor tells it: an error of the operation, with its cause.
      throw new GraphQLError('The subscription has failed.', { originalError: error as Error })
    })
    if (event.done) return { value: undefined, done: true }
    return { value: await execute({ ...this.#args, rootValue: event.value }), done: false }
  }

  async return(): Promise<IteratorResult<ExecutionResult>> {
    await this.#source.return?.()
    return { value: undefined, done: true }
  }

  async throw(error: unknown): Promise<IteratorResult<ExecutionResult>> {
    await this.#source.return?.()
    throw error
  }

  [Symbol.asyncIterator](): this {
    return this
  }
}
