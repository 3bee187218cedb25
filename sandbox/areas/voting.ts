// Knows the voting rows, and the spellings of a pool's snapshot (privicore.md section 10).
import { type Answer, notFound, ok, timestamp } from '../answers.ts'
import { Rejected } from '../commands.ts'
import { uuid } from '../ids.ts'
import { type Pool, tally, votingConfiguration } from '../pools.ts'
import type { Call, Routes } from '../router.ts'
import type { Profile } from '../state.ts'
import { listOf, optional, text } from '../validation.ts'
import { accepted, begin, type World } from '../world.ts'

export function voting(world: World): Routes {
  return {
    'voting.create': {
      method: 'POST',
      path: '/voting/create',
      auth: 'token',
      encoding: 'json',
      fields: {
        votingConfigurationId: text,
        question: text,
        title: text,
        skipAuthenticatorDevices: optional(listOf(text)),
        nonce: optional(text),
      },
      answer: (call, { profile }) => create(world, call, profile),
    },

    'voting.pool': {
      method: 'GET',
      path: '/voting/check-pool-status/{poolId}',
      auth: 'token',
      answer: (call, { profile }) => {
        const pool = world.pools.byId.get(call.param('poolId'))
        if (pool?.profileId !== profile.profileId) throw notFound()
        return ok(snapshot(world, pool))
      },
    },
  }
}

function create(world: World, call: Call, profile: Profile): Answer {
  const { dialect } = world
  const shape = dialect.votingCreateAnswer
  const status = dialect.votingCreateStatus === '200' ? 200 : 202
  const isKnown = () => votingConfiguration(profile, call.text('votingConfigurationId')) !== undefined
  const open = (id: string) =>
    world.pools.open({
      id,
      profile,
      configuration: call.text('votingConfigurationId'),
      title: call.text('title'),
      question: call.text('question'),
      skip: call.list('skipAuthenticatorDevices'),
    })

  // With no command to carry the outcome, it is known at once.
  if (shape === 'poolId' || shape === 'id') {
    if (!isKnown()) throw notFound()
    return { status, body: { [shape]: open(uuid()).id } }
  }
  const poolId = shape === 'both' ? uuid() : undefined
  const command = begin(world, call.endpoint, profile, {
    keyed: true,
    apply: ({ id }) => {
      if (!isKnown()) throw new Rejected('voting_configuration.not_found')
      open(poolId ?? id)
    },
  })
  if (poolId === undefined) return { ...accepted(dialect, command.id), status }
  return { ...accepted(dialect, command.id, 'commandId'), status, body: { commandId: command.id, poolId } }
}

function snapshot({ dialect }: World, pool: Pool): Record<string, unknown> {
  const { id, title, question, state } = pool
  const expiresAt = timestamp(pool.expiresAt)
  switch (dialect.poolSnapshot) {
    case 'counts':
      return { poolId: id, state, title, question, ...tally(pool), expiresAt }
    case 'ballots': {
      const ballots = [...pool.ballots].map(([deviceIdentifier, vote]) => ({
        deviceIdentifier,
        vote: vote ?? 'pending',
      }))
      return { id, status: state.toUpperCase(), title, question, ballots, expiry: expiresAt }
    }
    case 'snake':
      return { pool_id: id, status: state, title, question, counts: tally(pool), expires_at: expiresAt }
  }
}
