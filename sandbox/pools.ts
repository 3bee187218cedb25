// Knows votes: who may vote, when a pool is decided, and when it expires.
import type { Profile, Strategy } from './state.ts'
import type { Timers } from './timers.ts'

export type Vote = 'yes' | 'no'
export type PoolState = 'open' | 'approved' | 'denied' | 'expired'

export interface Pool {
  id: string
  profileId: string
  title: string
  question: string
  strategy: Strategy
  percentageRequired: number
  openedAt: number
  expiresAt: number
  state: PoolState
  /** By device identifier; null until that device has voted. */
  ballots: Map<string, Vote | null>
}

export interface PoolRequest {
  id: string
  profile: Profile
  /** Id or name. */
  configuration: string
  title: string
  question: string
  skip?: string[]
  ended?: (state: PoolState) => void
}

export interface AutoVote {
  vote: Vote | 'none'
  delayMs: number
}

export class Pools {
  readonly byId = new Map<string, Pool>()
  readonly #endings = new Map<string, { stopClock: () => void; ended: ((state: PoolState) => void) | undefined }>()
  readonly #timers: Timers
  readonly #autoVote: AutoVote

  constructor(timers: Timers, autoVote: AutoVote) {
    this.#timers = timers
    this.#autoVote = autoVote
  }

  open(request: PoolRequest): Pool {
    const { id, profile, title, question, skip = [] } = request
    const configuration = votingConfiguration(profile, request.configuration)
    if (!configuration) throw new Error(`no voting configuration ${request.configuration}`)
    const limitedTo = configuration.deviceIdentifiers
    const voters = [...profile.authenticators.keys()].filter(
      (device) => !skip.includes(device) && (limitedTo.length === 0 || limitedTo.includes(device)),
    )
    const pool: Pool = {
      id,
      profileId: profile.profileId,
      title,
      question,
      strategy: configuration.strategy,
      percentageRequired: configuration.percentageRequired ?? 100,
      openedAt: Date.now(),
      expiresAt: Date.now() + configuration.timeLimit * 1000,
      state: 'open',
      ballots: new Map(voters.map((device) => [device, null])),
    }
    this.byId.set(id, pool)
    const stopClock = this.#timers.after(configuration.timeLimit * 1000, () => this.#end(pool, 'expired'))
    this.#endings.set(id, { stopClock, ended: request.ended })
    const { vote, delayMs } = this.#autoVote
    if (vote !== 'none') this.#timers.after(delayMs, () => this.#voteAll(pool, vote))
    return pool
  }

  vote(poolId: string, deviceIdentifier: string, vote: Vote): PoolState {
    const pool = this.byId.get(poolId)
    if (!pool) throw new Error(`no such pool: ${poolId}`)
    if (!pool.ballots.has(deviceIdentifier)) throw new Error(`${deviceIdentifier} has no vote in pool ${poolId}`)
    if (pool.state !== 'open') throw new Error(`pool ${poolId} is ${pool.state}`)
    pool.ballots.set(deviceIdentifier, vote)
    const state = decide(pool)
    if (state !== 'open') this.#end(pool, state)
    return pool.state
  }

  /** Ends an open pool as its time limit would. */
  expire(poolId: string): void {
    const pool = this.byId.get(poolId)
    if (pool) this.#end(pool, 'expired')
  }

  #voteAll(pool: Pool, vote: Vote): void {
    for (const device of pool.ballots.keys()) {
      if (pool.state === 'open') this.vote(pool.id, device, vote)
    }
  }

  #end(pool: Pool, state: PoolState): void {
    if (pool.state !== 'open') return
    pool.state = state
    const ending = this.#endings.get(pool.id)
    this.#endings.delete(pool.id)
    ending?.stopClock()
    ending?.ended?.(state)
  }
}

export function tally(pool: Pool): { yes: number; no: number; pending: number } {
  const ballots = [...pool.ballots.values()]
  const yes = ballots.filter((ballot) => ballot === 'yes').length
  const no = ballots.filter((ballot) => ballot === 'no').length
  return { yes, no, pending: ballots.length - yes - no }
}

/** Approved as soon as the strategy is met; denied as soon as it no longer can be. */
export function decide(pool: Pool): PoolState {
  const { yes, pending } = tally(pool)
  const voters = pool.ballots.size
  const isEnough = (votes: number): boolean => {
    switch (pool.strategy) {
      case 'unanimous':
        return votes === voters
      case 'consensus':
        return votes > voters / 2
      case 'affirmative':
        return votes >= 1
      case 'minimum_percentage':
        return votes * 100 >= pool.percentageRequired * voters
    }
  }
  if (isEnough(yes)) return 'approved'
  return isEnough(yes + pending) ? 'open' : 'denied'
}

/** A configuration's name may serve as its id. */
export function votingConfiguration(profile: Profile, idOrName: string) {
  return (
    profile.votingConfigurations.get(idOrName) ??
    [...profile.votingConfigurations.values()].find((configuration) => configuration.name === idOrName)
  )
}
