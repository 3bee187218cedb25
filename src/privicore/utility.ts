// Utility, on the wire: health, and the outcome of a command (privicore.md §1.2 and §2).
import type { CallOptions, Privicore } from './client.ts'
import { type Fields, integer, isFields, Misfit, named, text } from './decode.ts'
import { type Method, read } from './endpoint.ts'
import { readErrorBody } from './error-body.ts'
import { parseBody, type WireAnswer } from './http.ts'
import { coded, refusal } from './refusal.ts'

/** What Privicore says of itself; null where it answered 2xx without saying anything. */
export type HealthText = string | null

/** `unknown`: Privicore answered 404. Whether that is "not yet", "rejected" or "never" depends on who asks. */
export type CommandState = 'pending' | 'succeeded' | 'rejected' | 'unknown'

export interface CommandReport {
  readonly state: CommandState
  readonly reason: string | null
}

const healthStatus = named('status', 'health', 'state')

export const utility = {
  health: read('utility.health', {
    get: '/health',
    auth: 'none',
    sureness: 'sure',
    decode: (body): HealthText => text(isFields(body) ? healthStatus(body) : body),
  }),
  requestStatus: read('utility.requestStatus', {
    get: '/request-status/{commandId}',
    auth: 'none',
    sureness: 'seen',
    decode: decodeReport,
  }),
}

const PENDING = new Set(['started', 'pending', 'submitted'])
const REJECTED = new Set(['rejected', 'failed'])
const COMMAND_STATUS: Record<number, CommandState> = { 1: 'pending', 2: 'succeeded', 3: 'rejected' }

const commandStatus = named('commandStatus')
const reasonOf = named('body', 'reason', 'message')

const SUCCEEDED: CommandReport = { state: 'succeeded', reason: null }

/** The body of a 200. No body, however it is spelled, and any word that is neither pending nor rejected, is success. */
function decodeReport(body: unknown): CommandReport {
  const said = Array.isArray(body) && body.length === 1 ? body[0] : body
  if (saysNothing(said)) return SUCCEEDED
  if (typeof said === 'string') {
    const word = said.trim().toLowerCase()
    return { state: PENDING.has(word) ? 'pending' : REJECTED.has(word) ? 'rejected' : 'succeeded', reason: null }
  }
  const report = isFields(said) ? reportOf(said) : null
  if (report === null) throw new Misfit('command_status', 'an outcome', said)
  return report
}

/** An empty body as PHP spells it is `[]` or `{}`; `true` says no more than the status does. */
function saysNothing(said: unknown): boolean {
  if (said === undefined || said === null || said === true) return true
  return typeof said === 'object' && Object.keys(said).length === 0
}

/** What `command_status` and `body` say, in an answer as in a pushed message; null where there is no status. */
export function reportOf(said: Fields): CommandReport | null {
  const state = COMMAND_STATUS[integer(commandStatus(said)) ?? 0]
  if (state === undefined) return null
  return { state, reason: state === 'rejected' ? reasonIn(reasonOf(said)) : null }
}

/** A text, or in any of the shapes that a refused call's body has. */
function reasonIn(value: unknown): string | null {
  const stated = text(value)
  if (stated !== null) return stated
  const { reason, violations } = readErrorBody(value)
  return reason ?? violations[0]?.message ?? null
}

/** Asks for outcomes by GET or by POST, whichever this server answers. */
export class StatusPoller {
  readonly #privicore: Privicore
  /** The method that worked; until one has, a 404 may only mean that the method is the wrong one. */
  #method: Method | null = null

  constructor(privicore: Privicore) {
    this.#privicore = privicore
  }

  /** One poll. @throws PrivicoreError for everything that is no outcome (5xx, timeouts, nonsense) */
  async poll(commandId: string, options: CallOptions = {}): Promise<CommandReport> {
    const usual = this.#method ?? 'GET'
    const first = await this.#ask(commandId, usual, options)
    if (first.status === 405 || (first.status === 404 && this.#method === null)) {
      const other = usual === 'GET' ? 'POST' : 'GET'
      const second = await this.#ask(commandId, other, options)
      if (second.status !== 405 && second.status !== 404) {
        if (second.status < 300) this.#method = other
        return report(second)
      }
      return report(first.status === 405 ? second : first)
    }
    if (first.status < 300) this.#method = usual
    return report(first)
  }

  async #ask(commandId: string, method: Method, options: CallOptions): Promise<WireAnswer> {
    try {
      return await this.#privicore.exchange(utility.requestStatus, { commandId }, { ...options, method })
    } catch (failure) {
      throw coded(utility.requestStatus, failure)
    }
  }
}

function report(answer: WireAnswer): CommandReport {
  if (answer.status === 404) return { state: 'unknown', reason: null }
  if (answer.status === 202) return { state: 'pending', reason: null }
  if (answer.status < 200 || answer.status > 299) throw refusal(utility.requestStatus, answer)
  return decodeReport(parseBody(answer.text, utility.requestStatus.id))
}
