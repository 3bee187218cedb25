// Votings, on the wire (privicore.md §10): questions put to the authenticators, and what is known of how they vote.
import { type Fields, instant, integer, isFields, Misfit, named, text, word } from './decode.ts'
import { command, read } from './endpoint.ts'

export type VotingPoolState = 'open' | 'approved' | 'denied' | 'expired' | 'unknown'

/** What Privicore said of a pool, as far as it is understood. */
export interface VotingPoolSnapshot {
  readonly state: VotingPoolState
  readonly title: string | null
  readonly question: string | null
  readonly yes: number | null
  readonly no: number | null
  readonly pending: number | null
  /** RFC 3339. */
  readonly expiresAt: string | null
  /** All that Privicore said. */
  readonly raw: unknown
}

const STATES: Readonly<Record<string, VotingPoolState>> = {
  open: 'open',
  opened: 'open',
  active: 'open',
  pending: 'open',
  started: 'open',
  running: 'open',
  ongoing: 'open',
  in_progress: 'open',
  voting: 'open',
  waiting: 'open',
  created: 'open',
  submitted: 'open',
  approved: 'approved',
  accepted: 'approved',
  passed: 'approved',
  granted: 'approved',
  succeeded: 'approved',
  success: 'approved',
  yes: 'approved',
  denied: 'denied',
  rejected: 'denied',
  refused: 'denied',
  declined: 'denied',
  disapproved: 'denied',
  failed: 'denied',
  no: 'denied',
  expired: 'expired',
  timeout: 'expired',
  timed_out: 'expired',
}

type Vote = 'yes' | 'no' | 'pending'

const VOTES: Readonly<Record<string, Vote>> = {
  yes: 'yes',
  approve: 'yes',
  approved: 'yes',
  accept: 'yes',
  accepted: 'yes',
  affirmative: 'yes',
  for: 'yes',
  true: 'yes',
  1: 'yes',
  no: 'no',
  deny: 'no',
  denied: 'no',
  reject: 'no',
  rejected: 'no',
  decline: 'no',
  declined: 'no',
  negative: 'no',
  against: 'no',
  false: 'no',
  0: 'no',
}

const stateOf = named('state', 'status', 'poolState', 'poolStatus', 'votingState', 'votingStatus')
const resultOf = named('result', 'outcome', 'decision', 'verdict')
const titleOf = named('title')
const questionOf = named('question')
const expiresAtOf = named('expiresAt', 'expiry', 'expires', 'expiration', 'expirationDate', 'deadline', 'endsAt')
const ballotsOf = named('ballots', 'votes', 'answers', 'responses')
const countsOf = named('counts', 'tally', 'summary')
const voteOf = named('vote', 'answer', 'decision', 'choice', 'ballot', 'response', 'value', 'status', 'state')
const yesOf = named('yes', 'yesCount', 'yesVotes', 'approved', 'approvals', 'approvedCount', 'accepted', 'affirmative')
const noOf = named('no', 'noCount', 'noVotes', 'denied', 'deniedCount', 'rejected', 'rejectedCount', 'negative')
const pendingOf = named('pending', 'pendingCount', 'pendingVotes', 'waiting', 'outstanding', 'remaining')

interface Counts {
  readonly yes: number | null
  readonly no: number | null
  readonly pending: number | null
}

const UNCOUNTED: Counts = { yes: null, no: null, pending: null }

function toSnapshot(body: unknown): VotingPoolSnapshot {
  if (body === undefined || body === null) throw new Misfit('pool', 'a snapshot', body)
  const record = innermost(body)
  const state = isFields(record) ? stateIn(record) : (STATES[word(record) ?? ''] ?? 'unknown')
  const said: Fields = isFields(record) ? record : {}
  return {
    state,
    title: text(titleOf(said)),
    question: text(questionOf(said)),
    ...countsIn(said, state),
    expiresAt: instant(expiresAtOf(said)),
    raw: body,
  }
}

/** The pool itself, out of `[{…}]` or `{"pool":{…}}`. */
function innermost(body: unknown): unknown {
  if (Array.isArray(body)) return body.length === 1 ? innermost(body[0]) : {}
  if (!isFields(body)) return body
  for (const key of ['pool', 'votingPool', 'voting_pool', 'data']) if (isFields(body[key])) return body[key]
  return body
}

/** The word for its state; a pool that is merely over (`closed`) tells how in its result. */
function stateIn(record: Fields): VotingPoolState {
  for (const said of [stateOf(record), resultOf(record)]) {
    const state = STATES[word(said) ?? '']
    if (state !== undefined) return state
  }
  if (record.expired === true) return 'expired'
  if (record.approved === true) return 'approved'
  if (record.denied === true || record.rejected === true) return 'denied'
  return record.open === true ? 'open' : 'unknown'
}

function countsIn(record: Fields, state: VotingPoolState): Counts {
  const counts = countsOf(record)
  const ballots = ballotsOf(record)
  for (const place of [record, counts, ballots]) {
    const found = isFields(place) ? tallied(place) : UNCOUNTED
    if (found.yes !== null || found.no !== null) return found
  }
  return Array.isArray(ballots) || isFields(ballots) ? counted(Object.values(ballots), state) : tallied(record)
}

function tallied(place: Fields): Counts {
  return { yes: count(yesOf(place)), no: count(noOf(place)), pending: count(pendingOf(place)) }
}

/** A number, or whoever is counted. */
function count(value: unknown): number | null {
  if (Array.isArray(value)) return value.length
  return isFields(value) ? Object.keys(value).length : integer(value)
}

/** @param ballots a list, or the values of a map from devices to their votes */
function counted(ballots: readonly unknown[], state: VotingPoolState): Counts {
  const sum = { yes: 0, no: 0, pending: 0 }
  for (const ballot of ballots) {
    const vote = isFields(ballot) ? voteOf(ballot) : ballot
    sum[VOTES[String(vote).trim().toLowerCase()] ?? 'pending']++
  }
  // Whether votes that were not cast have a ballot is not known: while it is open, none with one may still mean some without.
  return state === 'open' && sum.pending === 0 ? { ...sum, pending: null } : sum
}

const poolIdOf = named('poolId', 'votingPoolId')

/** `{"id"}` is the pool's: a command's id has names of its own (privicore.md §10). undefined where only a command is named. */
function toPoolId(body: unknown): string | undefined {
  if (!isFields(body)) return undefined
  const pool = isFields(body.pool) ? body.pool : body
  return text(poolIdOf(pool)) ?? text(pool.id) ?? undefined
}

export const voting = {
  /** What comes beside the command is the pool's id, where Privicore names it at once. */
  create: command('voting.create', {
    post: '/voting/create',
    json: ['votingConfigurationId', 'question', 'title', 'skipAuthenticatorDevices?', 'nonce?'],
    sureness: 'sure',
    decode: toPoolId,
  }),
  pool: read('voting.pool', {
    get: '/voting/check-pool-status/{poolId}',
    sureness: 'seen',
    decode: toSnapshot,
  }),
}
