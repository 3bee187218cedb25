// One GraphQL operation: who asks, how long there is, and the only doors to Privicore. Knows no GraphQL and no area.
import { OperationCache } from './cache/operation.ts'
import { type CommandRecord, isSettled } from './commands/command.ts'
import type { Commands } from './commands/commands.ts'
import type { CallOptions, Privicore } from './privicore/client.ts'
import type { AnyRead, Command, Read } from './privicore/endpoint.ts'
import { hasCode, PrivicoreError } from './privicore/errors.ts'
import { pause } from './privicore/pause.ts'
import type { Secret } from './privicore/secret.ts'

/** Whoever sent the request: a Privicore token, handed through, and a keyed digest that stands for it everywhere else. */
export interface Caller {
  readonly token: Secret
  readonly digest: string
}

/** What all operations of a gateway share. */
export interface Services {
  readonly privicore: Privicore
  readonly commands: Commands
  /** Makes a Caller of a token. */
  readonly callers: (token: string | null) => Caller | null
}

/** Kept back from the operation's time when waiting for a command, so that the answer is still written in time. */
const ANSWER_RESERVE_MS = 500

/** Follow-ups are eventually consistent (privicore.md §1.1): how often, and how far apart, a 404 just after success is asked again. */
const FOLLOW_UP = { tries: 7, pauseMs: 1_000, firstPauseMs: 100 }
/** How long a success counts as just now. */
const JUST_NOW_MS = 10_000

/** Finds one record by its id, out of a list that one call answers. */
export interface Lookup<Row> {
  readonly list: Read<string, object, Row[]>
  readonly id: (row: Row) => string
  /** Another id it goes by; the id of another record wins. */
  readonly alias?: (row: Row) => string
  /** Answers one record alone, by its `id`: asked where nothing else of the list is wanted in the operation. */
  readonly one?: Read<string, { readonly id: string }, Row | null>
}

/** A command that was sent, with what came beside its id. */
export interface Sent<Beside = undefined> {
  readonly command: CommandRecord
  readonly beside: Beside
}

export interface ContextOptions {
  readonly services: Services
  readonly caller: Caller | null
  readonly requestId: string
  /** Aborts when the client leaves or the operation's time runs out; its reason is a PrivicoreError. */
  readonly signal: AbortSignal
  /** When the operation's time runs out, on the clock of performance.now(). */
  readonly deadline: number
}

export class Context {
  readonly caller: Caller | null
  readonly requestId: string
  readonly signal: AbortSignal
  readonly #services: Services
  readonly #deadline: number
  readonly #cache = new OperationCache()

  constructor(options: ContextOptions) {
    this.caller = options.caller
    this.requestId = options.requestId
    this.signal = options.signal
    this.#services = options.services
    this.#deadline = options.deadline
  }

  /**
   * Asks Privicore; the same question within one operation is one call, unless the row hands its answer out once.
   * @throws PrivicoreError
   */
  read<Args extends object, Result>(
    endpoint: Read<string, Args, Result>,
    args: Args,
    credentials: Pick<CallOptions, 'basic'> = {},
  ): Promise<Result> {
    const ask = () =>
      this.#services.privicore.read(endpoint, args, {
        ...credentials,
        token: this.caller?.token ?? null,
        signal: this.signal,
      })
    if (endpoint.once || credentials.basic !== undefined) return ask()
    return this.#cache.share(readKey(endpoint, args), ask)
  }

  /** Starts reads without arguments that the operation will ask for later. What fails is told to whoever asks. */
  readAhead(endpoints: readonly AnyRead[]): void {
    for (const endpoint of endpoints) this.read(endpoint as Read<string, object, unknown>, {}).catch(() => {})
  }

  /** The same, with null for what Privicore does not know. */
  async find<Args extends object, Result>(endpoint: Read<string, Args, Result>, args: Args): Promise<Result | null> {
    try {
      return await this.read(endpoint, args)
    } catch (error) {
      if (hasCode(error, 'NOT_FOUND')) return null
      throw error
    }
  }

  /** One record out of a list: however many are looked up in one operation, it is one call. null when the list has it not. */
  lookup<Row>({ list, one, ...ids }: Lookup<Row>, id: string): Promise<Row | null> {
    return this.#cache.find(
      {
        ...ids,
        name: readKey(list, {}),
        list: () => this.read(list, {}),
        one: one && ((wanted) => this.#findAlone(one, wanted)),
      },
      id,
    )
  }

  /** undefined where Privicore may not have that row of the catalogue at all: then only the list can tell. */
  async #findAlone<Row>(
    one: Read<string, { readonly id: string }, Row | null>,
    id: string,
  ): Promise<Row | null | undefined> {
    try {
      return await this.read(one, { id })
    } catch (error) {
      if (!(error instanceof PrivicoreError)) throw error
      if (error.status === 404 && this.#services.privicore.hasAnswered(one)) return null
      if (error.status === 404 || error.status === 405) return undefined
      if (error.code === 'NOT_FOUND') return null
      throw error
    }
  }

  /**
   * Sends a command, once. It goes on when the client leaves.
   * @throws PrivicoreError; OUTCOME_UNKNOWN where it was sent and the answer never came
   */
  async send<Args extends object, Beside>(endpoint: Command<string, Args, Beside>, args: Args): Promise<Sent<Beside>> {
    const { privicore, commands } = this.#services
    const accepted = await privicore.send(endpoint, args, {
      token: this.caller?.token ?? null,
      signal: this.signal,
      timeoutMs: this.#timeLeft(),
    })
    const command = commands.accepted(endpoint.id, accepted.commandId, endpoint.auth === 'none' ? null : this.#owner())
    if (isSettled(command)) this.#cache.forget()
    return { command, beside: accepted.beside }
  }

  /** The command as it is now; null when Privicore does not know it, or it is somebody else's. */
  findCommand(commandId: string): Promise<CommandRecord | null> {
    return this.#services.commands.find(commandId, this.#owner(), this.signal)
  }

  /** Waits for the outcome, at most `timeoutMs` and never past the operation's time; then it is still PENDING. */
  async settle(command: CommandRecord, timeoutMs = Number.POSITIVE_INFINITY): Promise<CommandRecord> {
    const most = Math.max(0, Math.min(timeoutMs, this.#timeLeft() - ANSWER_RESERVE_MS))
    const settled = await this.#services.commands.settled(command.commandId, most, this.signal)
    // What was read before may be the old truth.
    if (settled?.status === 'SUCCEEDED') this.#cache.forget()
    return settled ?? command
  }

  /**
   * Reads what a command has made, once it has succeeded; null if it was rejected or is still pending when time runs out.
   * Just after success Privicore may not know it yet: null, NOT_FOUND and what is not `current` are asked again for a while.
   */
  async afterSuccess<T>(
    command: CommandRecord,
    find: () => Promise<T | null>,
    current: (found: T) => boolean = () => true,
  ): Promise<T | null> {
    if ((await this.settle(command)).status !== 'SUCCEEDED') return null
    for (let attempt = 1; ; attempt++) {
      const found = await find().catch((error: unknown) => {
        if (hasCode(error, 'NOT_FOUND')) return null
        throw error
      })
      const wait = attempt === 1 ? FOLLOW_UP.firstPauseMs : FOLLOW_UP.pauseMs
      if (found !== null && current(found)) return found
      if (attempt === FOLLOW_UP.tries || this.#timeLeft() < wait + ANSWER_RESERVE_MS) return found
      await pause(wait, this.signal)
      this.#cache.forget()
    }
  }

  /**
   * Reads what a command has made, by the command's id alone; null until it has settled. A 404 is asked again for a while where
   * the command has succeeded just now.
   */
  async followUp<T>(commandId: string, find: () => Promise<T>): Promise<T | null> {
    try {
      return await find()
    } catch (error) {
      if (!hasCode(error, 'NOT_FOUND')) throw error
    }
    const command = await this.findCommand(commandId)
    // One that this gateway has not sent may have succeeded at any time.
    if (command?.status !== 'SUCCEEDED' || command.acceptedAt === null || command.settledAt === null) return null
    if (Date.now() - Date.parse(command.settledAt) > JUST_NOW_MS) return null
    this.#cache.forget()
    return this.afterSuccess(command, find)
  }

  /** The same operation, with its time and its end, for the caller that a new token belongs to. */
  as(token: Secret): Context {
    return new Context({
      services: this.#services,
      caller: this.#services.callers(token.reveal()),
      requestId: this.requestId,
      signal: this.signal,
      deadline: this.#deadline,
    })
  }

  #owner(): string | null {
    return this.caller?.digest ?? null
  }

  #timeLeft(): number {
    return this.#deadline - performance.now()
  }
}

/** Two reads of one key are the same question. */
function readKey(endpoint: Read<string, unknown, unknown>, args: object): string {
  return `${endpoint.id} ${JSON.stringify(args)}`
}
