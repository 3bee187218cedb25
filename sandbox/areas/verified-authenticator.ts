// Knows the verified-authenticator rows: the devices that vote, the profile's own voting strategy, voting configurations
// (privicore.md section 8).
import { notFound, ok, Refusal, snakeCase } from '../answers.ts'
import { Rejected } from '../commands.ts'
import { ownDevice, roleRecords } from '../device-record.ts'
import { uuid } from '../ids.ts'
import { votingConfiguration } from '../pools.ts'
import type { Call, Caller, Routes } from '../router.ts'
import { type Profile, STRATEGIES, type Strategy, type VotingConfiguration, type VotingStrategy } from '../state.ts'
import { integer, listOf, oneOf, optional, type Rules, text } from '../validation.ts'
import { accept, type World } from '../world.ts'

const CONFIGURATION_PATH = '/verified-authenticator/voting-configuration'

const CONFIGURATION: Rules = {
  name: text,
  timeLimit: integer(1),
  strategy: oneOf(STRATEGIES),
  percentageRequired: optional(integer(0, 100)),
  deviceIdentifiers: listOf(text),
}

const CONFIGURATION_CHANGES: Rules = {
  id: text,
  ...Object.fromEntries(Object.entries(CONFIGURATION).map(([name, rule]) => [name, optional(rule)])),
}

export function verifiedAuthenticator(world: World): Routes {
  const { state, dialect } = world

  const changeStrategy = (call: Call, { profile }: Caller, change: Partial<VotingStrategy>) =>
    accept(world, call.endpoint, profile, {
      apply: () => {
        Object.assign(profile.strategy, change)
      },
    })

  return {
    ...votingConfigurations(world),

    'authenticator.register': {
      method: 'POST',
      path: '/verified-authenticator/register',
      auth: 'token',
      fields: { deviceIdentifier: text },
      answer: (call, { profile }) =>
        accept(world, call.endpoint, profile, {
          apply: () => {
            const { deviceIdentifier, approved } = ownDevice(world, profile, call.text('deviceIdentifier'))
            if (!approved) throw new Rejected('device.not_approved')
            if (profile.authenticators.has(deviceIdentifier)) {
              throw new Rejected('verified_authenticator.already_registered')
            }
            profile.authenticators.set(deviceIdentifier, { deviceIdentifier, createdAt: Date.now() })
          },
        }),
    },

    'authenticator.list': {
      method: 'GET',
      path: '/verified-authenticator/list-verified-authenticator',
      auth: 'token',
      answer: (_call, { profile }) => ok(roleRecords(world, profile, 'authenticators')),
    },

    'authenticator.strategy': {
      method: 'GET',
      path: '/verified-authenticator/retrieve-strategy',
      auth: 'token',
      answer: (_call, { profile }) => {
        const { quorumSize, strategy, percentageRequired, timeLimit, maximumAttempts } = state.seen(profile).strategy
        const record = { quorumSize, strategy, percentageRequired, timeLimit, maximumAttempts }
        return ok(dialect.strategyKeys === 'snake' ? snakeCase(record) : record)
      },
    },

    'authenticator.quorumSize': {
      method: 'POST',
      path: '/verified-authenticator/set-quorum-size',
      auth: 'token',
      fields: { size: integer(1) },
      answer: (call, caller) => changeStrategy(call, caller, { quorumSize: call.number('size') }),
    },

    'authenticator.quorumStrategy': {
      method: 'POST',
      path: '/verified-authenticator/set-quorum-strategy',
      auth: 'token',
      fields: { strategy: oneOf(STRATEGIES), strategy_params: integer(0, 100) },
      answer: (call, caller) =>
        changeStrategy(call, caller, {
          strategy: call.text('strategy') as Strategy,
          percentageRequired: call.number('strategy_params'),
        }),
    },

    'authenticator.timeLimit': {
      method: 'POST',
      path: '/verified-authenticator/set-voting-time-limit',
      auth: 'token',
      fields: { timeLimit: integer(1) },
      answer: (call, caller) => changeStrategy(call, caller, { timeLimit: call.number('timeLimit') }),
    },

    'authenticator.maxAttempts': {
      method: 'POST',
      path: '/verified-authenticator/set-maximum-voting-attempts',
      auth: 'token',
      fields: { numberOfAttempts: integer(1) },
      answer: (call, caller) => changeStrategy(call, caller, { maximumAttempts: call.number('numberOfAttempts') }),
    },

    'authenticator.remove': {
      method: 'POST',
      path: '/verified-authenticator/remove',
      auth: 'token',
      fields: { deviceIdentifier: text },
      answer: (call, { profile }) =>
        accept(world, call.endpoint, profile, {
          apply: () => {
            const { deviceIdentifier } = ownDevice(world, profile, call.text('deviceIdentifier'))
            if (!profile.authenticators.delete(deviceIdentifier)) {
              throw new Rejected('verified_authenticator.not_registered')
            }
          },
        }),
    },
  }
}

function votingConfigurations(world: World): Routes {
  const record = (configuration: VotingConfiguration) => {
    const { id, ...rest } = configuration
    return world.dialect.votingConfigurationKey === 'id' ? { id, ...rest } : rest
  }

  return {
    'votingConfiguration.register': {
      method: 'POST',
      path: `${CONFIGURATION_PATH}/register`,
      auth: 'token',
      encoding: 'json',
      fields: CONFIGURATION,
      answer: (call, { profile }) => {
        checkPercentage(call, call.text('strategy'))
        return accept(world, call.endpoint, profile, {
          apply: () => {
            if (votingConfiguration(profile, call.text('name'))) throw new Rejected('voting_configuration.name_taken')
            const id = uuid()
            const { timeLimit, strategy, ...rest } = changesOf(call, profile)
            profile.votingConfigurations.set(id, {
              id,
              name: call.text('name'),
              timeLimit: timeLimit ?? 0,
              strategy: strategy ?? 'unanimous',
              deviceIdentifiers: [],
              ...rest,
            })
          },
        })
      },
    },

    'votingConfiguration.update': {
      method: 'POST',
      path: `${CONFIGURATION_PATH}/update`,
      auth: 'token',
      encoding: 'json',
      fields: CONFIGURATION_CHANGES,
      answer: (call, { profile }) => {
        if (call.optionalText('strategy')) checkPercentage(call, call.text('strategy'))
        return accept(world, call.endpoint, profile, {
          apply: () => {
            const configuration = votingConfiguration(profile, call.text('id'))
            if (!configuration) throw new Rejected('voting_configuration.not_found')
            const changes = changesOf(call, profile)
            const namesake = changes.name === undefined ? undefined : votingConfiguration(profile, changes.name)
            if (namesake && namesake !== configuration) throw new Rejected('voting_configuration.name_taken')
            const takesPercentage = (changes.strategy ?? configuration.strategy) === 'minimum_percentage'
            if (!takesPercentage && changes.percentageRequired !== undefined) {
              throw new Rejected('voting_configuration.percentage_not_allowed')
            }
            Object.assign(configuration, changes)
            if (!takesPercentage) delete configuration.percentageRequired
          },
        })
      },
    },

    'votingConfiguration.list': {
      method: 'GET',
      path: `${CONFIGURATION_PATH}/list`,
      auth: 'token',
      answer: (_call, { profile }) => ok([...world.state.seen(profile).votingConfigurations.values()].map(record)),
    },

    'votingConfiguration.get': {
      method: 'GET',
      path: `${CONFIGURATION_PATH}/retrieve/{id}`,
      auth: 'token',
      answer: (call, { profile }) => {
        const configuration = votingConfiguration(world.state.seen(profile), call.param('id'))
        if (!configuration) throw notFound()
        return ok(record(configuration))
      },
    },
  }
}

/** "Only with minimum_percentage": needed there, refused elsewhere. */
function checkPercentage(call: Call, strategy: string): void {
  const isGiven = call.optionalText('percentageRequired') !== undefined
  const isNeeded = strategy === 'minimum_percentage'
  if (isGiven === isNeeded) return
  const message = isNeeded ? 'This value should not be blank.' : 'This value should be blank.'
  throw new Refusal(422, [{ field: 'percentageRequired', message }])
}

/** The fields that were sent. Throws Rejected when a device does not vote. */
function changesOf(call: Call, profile: Profile): Partial<Omit<VotingConfiguration, 'id'>> {
  const devices = Array.isArray(call.fields.deviceIdentifiers) ? call.list('deviceIdentifiers') : undefined
  if (devices?.some((device) => !profile.authenticators.has(device))) {
    throw new Rejected('verified_authenticator.not_registered')
  }
  const changes = {
    name: call.optionalText('name'),
    timeLimit: call.optionalNumber('timeLimit'),
    strategy: call.optionalText('strategy') as Strategy | undefined,
    percentageRequired: call.optionalNumber('percentageRequired'),
    deviceIdentifiers: devices,
  }
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))
}
