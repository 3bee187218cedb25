// The door for commands: sent once, waited for, followed, and what they have made read after them. Knows no GraphQL and no area.
import { type CommandRecord, isSettled } from '../commands/command.ts'
import type { Waiter } from '../commands/watcher.ts'
import type { Auth, Command } from '../privicore/endpoint.ts'
import { hasCode } from '../privicore/errors.ts'
import { pause } from '../privicore/pause.ts'
import type { PushHold } from '../privicore/push.ts'
import type { Found, Scope } from './scope.ts'

/** Follow-ups are eventually consistent (privicore.md §1.1): how often, and how far apart, a 404 just after success is asked again. */
const FOLLOW_UP = { tries: 7, pauseMs: 1_000, firstPauseMs: 100 }
/** How long a success counts as just now. */
const JUST_NOW_MS = 10_000

/** A command that was sent, with what came beside its id. */
export interface Sent<Beside = undefined> {
  readonly command: CommandRecord
  readonly beside: Beside
}

export class CallerCommands {
  readonly #scope: Scope

  constructor(scope: Scope) {
    this.#scope = scope
  }

  /**
   * Sends a command, once. It goes on when the client leaves.
   * @throws PrivicoreError; OUTCOME_UNKNOWN where it was sent and the answer never came
   */
  async send<Args extends object, Beside>(endpoint: Command<string, Args, Beside>, args: Args): Promise<Sent<Beside>> {
    const { privicore, commands, cache } = this.#scope.services
    const owner = endpoint.auth === 'none' ? null : this.#scope.owner
    // Outcomes are pushed once: the channel must be there before the command is sent.
    const [sending, hold] = await Promise.all([cache?.sending(owner, endpoint.id), this.#listenFirst(endpoint.auth)])
    this.#scope.hasChanged()
    try {
      const sent = privicore.send(endpoint, args, {
        token: this.#scope.caller?.token ?? null,
        signal: this.#scope.signal,
        timeoutMs: this.#scope.timeLeft,
      })
      const accepted = await this.#scope.see(sent, endpoint)
      const command = await commands.accepted(endpoint.id, accepted.commandId, owner, hold?.release)
      if (isSettled(command)) {
        sending?.over()
        await cache?.settled(command)
        this.#scope.hasChanged()
      } else sending?.accepted(command.commandId)
      return { command, beside: accepted.beside }
    } catch (error) {
      hold?.release()
      // Where nobody knows whether it was carried out, what it changes counts as changing for as long as a command is followed.
      if (!hasCode(error, 'OUTCOME_UNKNOWN')) sending?.over()
      throw error
    }
  }

  /** The command as it is now, asked for once in a query; null when Privicore does not know it, or it is somebody else's. */
  find(commandId: string): Promise<CommandRecord | null> {
    this.#scope.spoil()
    return this.#scope.cache.share(`command ${commandId}`, () => this.#ask(commandId), !this.#scope.options.serial)
  }

  async #ask(commandId: string): Promise<CommandRecord | null> {
    const { services, owner, signal } = this.#scope
    const command = await services.commands.find(commandId, owner, signal)
    if (command !== null) await services.cache?.settled(command)
    return command
  }

  /** Waits for the outcome, at most `timeoutMs` and never past the operation's time; then it is still PENDING. */
  async settle(command: CommandRecord, timeoutMs = Number.POSITIVE_INFINITY): Promise<CommandRecord> {
    const most = Math.max(0, Math.min(timeoutMs, this.#scope.timeToWait))
    const { caller, services, signal } = this.#scope
    const hold = caller && services.following.listen(caller)
    const settled = await services.commands.settled(command.commandId, most, signal).finally(() => hold?.release())
    if (settled !== null) await services.cache?.settled(settled)
    // What was read before may be the old truth.
    if (settled?.status === 'SUCCEEDED') this.#scope.hasChanged()
    return settled ?? command
  }

  /**
   * Reads what a command has made, once it has succeeded; null if it was rejected or is still pending when time runs out.
   * Just after success Privicore may not know it yet: null, NOT_FOUND and what is not `current` are asked again for a while.
   */
  async afterSuccess<T>(
    command: CommandRecord,
    find: () => Found<T>,
    current: (found: T) => boolean = () => true,
  ): Promise<T | null> {
    if ((await this.settle(command)).status !== 'SUCCEEDED') return null
    for (let attempt = 1; ; attempt++) {
      const found = await Promise.try(find).catch((error: unknown) => {
        if (hasCode(error, 'NOT_FOUND')) return null
        throw error
      })
      const wait = attempt === 1 ? FOLLOW_UP.firstPauseMs : FOLLOW_UP.pauseMs
      if (found !== null && current(found)) return found
      if (attempt === FOLLOW_UP.tries || this.#scope.timeToWait < wait) return found
      await pause(wait, this.#scope.signal)
      this.#scope.hasChanged()
    }
  }

  /**
   * Reads what a command has made, by the command's id alone; null until it has settled. A 404 is asked again for a while where
   * the command has succeeded just now.
   * @param whose `any`: for what an application asks for without the token that the command was sent with
   */
  async followUp<T>(commandId: string, find: () => Promise<T>, whose: 'own' | 'any' = 'own'): Promise<T | null> {
    try {
      return await find()
    } catch (error) {
      if (!hasCode(error, 'NOT_FOUND')) throw error
    }
    const command = await (whose === 'any' ? this.#findAny(commandId) : this.find(commandId))
    // One that this gateway has not sent may have succeeded at any time.
    if (command?.status !== 'SUCCEEDED' || command.acceptedAt === null || command.settledAt === null) return null
    if (Date.now() - Date.parse(command.settledAt) > JUST_NOW_MS) return null
    this.#scope.hasChanged()
    return this.afterSuccess(command, find)
  }

  /** Whoever has sent it. Only to decide whether to ask again: nothing of it may be shown. */
  async #findAny(commandId: string): Promise<CommandRecord | null> {
    const { commands } = this.#scope.services
    let owner = this.#scope.owner
    const now = (known: CommandRecord) => {
      owner = known.owner
    }
    const leave = await commands.follow(commandId, { now, settled: () => {}, gaveUp: () => {} })
    leave?.()
    this.#scope.spoil()
    return commands.find(commandId, owner, this.#scope.signal)
  }

  /** As `find`, but what is remembered of a known command will do: whoever follows it learns the rest. */
  know(commandId: string): Promise<CommandRecord | null> {
    const { services, owner, signal } = this.#scope
    return services.commands.find(commandId, owner, signal, 'never')
  }

  /** The command now, then its outcome. @returns for the follower to leave; null when it is not known any more */
  async follow(
    commandId: string,
    follower: Waiter & { now(command: CommandRecord): void },
  ): Promise<(() => void) | null> {
    const { caller, services } = this.#scope
    const hold = caller && services.following.listen(caller)
    const leave = await services.commands.follow(commandId, follower)
    if (leave === null) hold?.release()
    return (
      leave &&
      (() => {
        leave()
        hold?.release()
      })
    )
  }

  /** The caller's push channel, joined, or given up for now; null where there is none to wait for. */
  async #listenFirst(auth: Auth): Promise<PushHold | null> {
    const { caller, services, timeLeft } = this.#scope
    if (auth !== 'token' || caller === null) return null
    return services.following.listenFirst(caller, timeLeft / 2)
  }
}
