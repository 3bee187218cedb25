// Knows how data tokens are listed: paging, the five filters, flat and nested items (privicore.md section 5).
import { type Answer, ok, timestamp } from './answers.ts'
import type { Call } from './router.ts'
import type { DataToken, Profile } from './state.ts'
import { integer, object, optional, type Rules } from './validation.ts'
import type { World } from './world.ts'

const DEFAULT_PER_PAGE = 20
const MAX_PER_PAGE = 1000

export const listFields: Rules = {
  page: optional(integer(1)),
  perPage: optional(integer(1, MAX_PER_PAGE)),
  filters: optional(object),
}

const FILTERS: Record<string, (one: DataToken) => unknown> = {
  'meta.file.fileName': ({ meta }) => meta.file.fileName,
  'meta.file.extension': ({ meta }) => meta.file.extension,
  'meta.data.type': ({ meta }) => meta.data.type,
  context: ({ context }) => context,
  token: ({ token }) => token,
}

/** Oldest first, so that a page does not change when data is added. */
export function list({ dialect }: World, profile: Profile, call: Call): Answer {
  const page = call.optionalNumber('page') ?? 1
  const perPage = call.optionalNumber('perPage') ?? DEFAULT_PER_PAGE
  const filters = Object.entries(call.object('filters'))
  const all = [...profile.dataTokens.values()].filter(
    (one) => one.stored !== null && filters.every(([name, wanted]) => !FILTERS[name] || FILTERS[name](one) === wanted),
  )
  const items = all.slice((page - 1) * perPage, page * perPage).map(dialect.dataTokenItem === 'flat' ? flat : nested)
  return ok(dialect.dataTokenList === 'array' ? items : { items, meta: { count: all.length, page, perPage } })
}

function flat({ token, context, createdAt, meta }: DataToken): Record<string, unknown> {
  return {
    token,
    context,
    createdAt: timestamp(createdAt),
    ...meta.file,
    ...meta.information_security_risk,
    ...meta.data,
  }
}

function nested({ token, context, createdAt, meta }: DataToken): Record<string, unknown> {
  return { token, context, createdAt: timestamp(createdAt), meta }
}
