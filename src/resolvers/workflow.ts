// A mutation of several steps: one after the other, each once, until one is refused, fails, or is still pending. Knows no area.
import { type CommandRecord, isSettled } from '../commands/command.ts'
import type { Sent } from '../context/commands.ts'
import type { Context } from '../context/context.ts'
import { hasCode, PrivicoreError } from '../privicore/errors.ts'

/** How a workflow ended. */
export interface Ended<Step, Result> {
  /** null where it did not come to its end. */
  readonly result: Result | null
  /** The step that was refused, failed or is still pending; null when all is done. */
  readonly stoppedAt: Step | null
  /** The last command that Privicore has accepted. */
  readonly command: CommandRecord | null
  /** What the caller can mend. */
  readonly refusal: PrivicoreError | null
  /** Everything else that stopped it, to be thrown by the field that the step would have filled. */
  readonly failure: unknown
}

/** A command was rejected or is still pending: the workflow ends here, and that is no error. */
class Stop extends Error {}

export class Workflow<Step> {
  readonly #ctx: Context
  #step: Step
  #command: CommandRecord | null

  /** @param command one that was accepted before, as part of the first step */
  constructor(ctx: Context, first: Step, command: CommandRecord | null = null) {
    this.#ctx = ctx
    this.#step = first
    this.#command = command
  }

  begin(step: Step): void {
    this.#step = step
  }

  /** Waits for a command that was just sent; the workflow goes on when it has succeeded. */
  async succeeded<Beside>(sent: Sent<Beside>): Promise<Sent<Beside>> {
    this.#command = sent.command
    const command = isSettled(sent.command) ? sent.command : await this.#outcome(sent.command)
    this.#command = command
    if (command.status !== 'SUCCEEDED') throw new Stop()
    return { ...sent, command }
  }

  async #outcome(command: CommandRecord): Promise<CommandRecord> {
    try {
      return await this.#ctx.commands.settle(command)
    } catch (error) {
      if (!(error instanceof PrivicoreError)) throw error
      // It was accepted, and its outcome could not be learnt: to the client it is still pending, under its id.
      return command
    }
  }

  /** @throws what stops the first step before anything is accepted: then there is nothing to tell beside it */
  async run<Result>(steps: () => Promise<Result>): Promise<Ended<Step, Result>> {
    try {
      return { result: await steps(), stoppedAt: null, command: this.#command, refusal: null, failure: null }
    } catch (error) {
      const refusal = hasCode(error, 'VALIDATION_FAILED') ? error : null
      if (this.#command === null && refusal === null) throw error
      return {
        result: null,
        stoppedAt: this.#step,
        command: this.#command,
        refusal,
        failure: refusal !== null || error instanceof Stop ? null : error,
      }
    }
  }
}

/** The workflow's result, for the field that holds it. @throws what made it fail */
export function resultOf<Result>(ended: Ended<unknown, Result>): Result | null {
  if (ended.failure !== null) throw ended.failure
  return ended.result
}
