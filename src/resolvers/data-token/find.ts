// Data tokens by their tokens: there is no call for one, so they are found in the list.
import type { Context } from '../../context/context.ts'
import type { DataTokenRecord } from '../../privicore/data-token.ts'
import { DataTokenList, MAX_PER_PAGE } from './list.ts'

export async function findDataToken(ctx: Context, token: string): Promise<DataTokenRecord | null> {
  if (token === '') return null
  const list = new DataTokenList(ctx, { token })
  const find = () => {
    const position = list.positionOf(token)
    return position === null ? null : (list.row(position) ?? null)
  }
  // Older servers take the filter for a prefix, or for nothing: only an exact match counts, wherever it comes.
  await list.walk(() => find() !== null)
  return find()
}

/** One per token, in their order; null for the unknown. Several cost as few calls as there are long pages. */
export async function findDataTokens(
  ctx: Context,
  tokens: readonly string[],
): Promise<readonly (DataTokenRecord | null)[]> {
  if (tokens.length === 1) return [await findDataToken(ctx, tokens[0] as string)]
  const list = new DataTokenList(ctx, null)
  await list.read(0, MAX_PER_PAGE)
  const missing = () => tokens.filter((token) => list.positionOf(token) === null)
  const pagesLeft = list.total === null ? Number.POSITIVE_INFINITY : Math.ceil(list.total / MAX_PER_PAGE) - 1
  if (pagesLeft > 0 && pagesLeft <= missing().length) await list.walk(() => missing().length === 0)
  const alone = pagesLeft > 0 ? missing() : []
  const found = new Map(
    await Promise.all(alone.map(async (token) => [token, await findDataToken(ctx, token)] as const)),
  )
  return tokens.map((token) => list.row(list.positionOf(token) ?? -1) ?? found.get(token) ?? null)
}
