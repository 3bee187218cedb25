// A page of data tokens: what first, after, last and before mean, and what a cursor holds.
import type { Context } from '../../context/context.ts'
import type { DataTokenRecord } from '../../privicore/data-token.ts'
import { refuseArguments } from '../input.ts'
import { type DataTokenFilter, DataTokenList, MAX_PER_PAGE, type Place } from './list.ts'

/** How many are answered when the client does not say. */
const USUAL_SIZE = 25

export interface PageArguments {
  readonly first?: number | null | undefined
  readonly after?: string | null | undefined
  readonly last?: number | null | undefined
  readonly before?: string | null | undefined
  readonly filter?: DataTokenFilter | null | undefined
}

export interface DataTokenEdge {
  readonly cursor: string
  readonly node: DataTokenRecord
}

export interface DataTokenConnection {
  readonly edges: readonly DataTokenEdge[]
  readonly hasPreviousPage: boolean
  /** Costs a call where Privicore does not say how many there are and the page is full. */
  readonly hasNextPage: () => Promise<boolean>
  /** null where Privicore does not say. */
  readonly totalCount: number | null
}

/**
 * One page, out of the list as it is now. A cursor is a position in it with the token that stood there: it survives other page
 * sizes, and where that token comes to light elsewhere, the page moves with it.
 * @throws VALIDATION_FAILED for sizes out of bounds and for cursors that are none
 */
export async function pageOfDataTokens(ctx: Context, args: PageArguments): Promise<DataTokenConnection> {
  const size = sizeOf(args)
  const list = new DataTokenList(ctx, args.filter ?? null)
  let after = placeOf(args.after, 'after')
  let before = placeOf(args.before, 'before')
  let { start, end } = await windowOf(list, size, after, before)
  await list.read(start, end, after)
  const movedAfter = moved(list, after)
  const movedBefore = moved(list, before)
  if (movedAfter !== after || movedBefore !== before) {
    after = movedAfter
    before = movedBefore
    ;({ start, end } = await windowOf(list, size, after, before))
    await list.read(start, end, after)
  }
  const edges: DataTokenEdge[] = []
  for (let position = start; position < end; position++) {
    const node = list.row(position)
    if (node !== undefined) edges.push({ cursor: encodeCursor({ position, token: node.token }), node })
  }
  const { total } = list
  return {
    edges,
    hasPreviousPage: Math.min(start, total ?? start) > 0,
    // What `before` stands on follows.
    hasNextPage: async () => (list.total === null && before !== null && end === before.position) || list.reaches(end),
    totalCount: total,
  }
}

/** Where a cursor's token is now, if that has come to light. */
function moved(list: DataTokenList, place: Place | null): Place | null {
  if (place === null) return null
  const position = list.positionOf(place.token)
  return position === null || position === place.position ? place : { ...place, position }
}

interface Size {
  readonly from: 'start' | 'end'
  readonly most: number
}

function sizeOf({ first, last }: PageArguments): Size {
  if (first != null && last != null) refuseArguments('Give `first` or `last`, not both.')
  const name = last == null ? 'first' : 'last'
  const most = last ?? first ?? USUAL_SIZE
  if (most < 0 || most > MAX_PER_PAGE) refuseArguments(`\`${name}\` must be from 0 to ${MAX_PER_PAGE}; it is ${most}.`)
  return { from: last == null ? 'start' : 'end', most }
}

async function windowOf(
  list: DataTokenList,
  { from, most }: Size,
  after: Place | null,
  before: Place | null,
): Promise<{ start: number; end: number }> {
  const lower = after === null ? 0 : after.position + 1
  if (from === 'start') {
    const end = Math.min(lower + most, before?.position ?? Number.POSITIVE_INFINITY)
    return { start: lower, end: Math.max(lower, end) }
  }
  const upper = before?.position ?? (await list.count(Math.max(1, most)))
  return { start: Math.max(lower, upper - most), end: Math.max(lower, upper) }
}

export function encodeCursor({ position, token }: Place): string {
  return Buffer.from(`${position}:${token}`).toString('base64url')
}

function placeOf(cursor: string | null | undefined, name: string): Place | null {
  if (cursor == null) return null
  const match = /^(\d{1,9}):(.+)$/s.exec(Buffer.from(cursor, 'base64url').toString())
  const place = match === null ? null : { position: Number(match[1]), token: match[2] as string }
  // Only what encodes to itself is a cursor of ours.
  if (place === null || encodeCursor(place) !== cursor) {
    return refuseArguments(
      `\`${name}\` is no cursor: pass startCursor, endCursor or the cursor of an edge, as it came.`,
    )
  }
  return place
}
