// Knows the utility rows: health, and the outcome of commands (privicore.md sections 1.2 and 2).
import { type Answer, notFound, ok, Refusal } from '../answers.ts'
import { type Command, PENDING, REJECTED, SUCCEEDED } from '../commands.ts'
import type { Dialect } from '../dialect.ts'
import type { Call, Routes } from '../router.ts'
import type { World } from '../world.ts'

export function utility(world: World): Routes {
  return {
    'utility.health': {
      method: 'GET',
      path: '/health',
      auth: 'none',
      answer: () => health(world.dialect.healthBody),
    },
    'utility.requestStatus': {
      method: 'ANY',
      path: '/request-status/{commandId}',
      auth: 'none',
      encoding: 'json',
      answer: (call) => requestStatus(world, call),
    },
  }
}

function health(shape: Dialect['healthBody']): Answer {
  if (shape === 'empty') return { status: 204 }
  return shape === 'text' ? { status: 200, raw: { type: 'text/plain', text: 'OK' } } : ok({ status: 'ok' })
}

function requestStatus(world: World, call: Call): Answer {
  const { dialect, commands } = world
  const wanted = dialect.statusMethod === 'get' ? 'GET' : 'POST'
  if (call.method !== wanted) {
    throw dialect.statusMethod === 'post-404' ? notFound() : new Refusal(405, 'method not allowed')
  }
  const command = commands.byId.get(call.param('commandId'))
  if (!command || Date.now() < command.acceptedAt + dialect.freshUnknownMs) throw notFound()
  switch (command.status) {
    case PENDING:
      return pending(dialect.statusPending)
    case SUCCEEDED:
      return succeeded(dialect.statusSucceeded)
    case REJECTED:
      return rejected(dialect.statusRejected, command)
  }
}

function pending(shape: Dialect['statusPending']): Answer {
  switch (shape) {
    case '202':
      return { status: 202, body: [] }
    case 'started-array':
      return ok(['started'])
    case 'command-status':
      return ok({ command_status: PENDING })
    default:
      return ok(shape)
  }
}

function succeeded(shape: Dialect['statusSucceeded']): Answer {
  switch (shape) {
    case 'empty':
      return ok()
    case 'succeeded-array':
      return ok(['succeeded'])
    case 'command-status':
      return ok({ command_status: SUCCEEDED })
    case 'other-text':
      return ok('processed')
    default:
      return ok(shape)
  }
}

function rejected(shape: Dialect['statusRejected'], command: Command): Answer {
  switch (shape) {
    case '404':
      throw notFound()
    case 'rejected-array':
      return ok(['rejected'])
    case 'command-status':
      return ok({ command_status: REJECTED, body: command.reason })
    default:
      return ok(shape)
  }
}
