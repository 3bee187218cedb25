// Storing a small payload: a space is reserved, filled, and described, in one go.
import type { Context } from '../../context/context.ts'
import type { DataTokenRecord } from '../../privicore/data-token.ts'
import { PrivicoreError } from '../../privicore/errors.ts'
import { refuse } from '../input.ts'
import type { ReservedSpace } from '../transfer.ts'
import { type Ended, resultOf, Workflow } from '../workflow.ts'
import { configureFile, exchangeDataForToken, readTemporaryDataToken, reserveTokenSpace } from './commands.ts'
import { findDataToken } from './find.ts'

/** 50 KB: what Privicore takes in a form (privicore.md §5). Larger payloads are streamed. */
const MAX_PAYLOAD_BYTES = 51_200

export type StoreDataStep = 'RESERVE' | 'EXCHANGE' | 'CONFIGURE'

export interface StoreDataInput {
  readonly data: Buffer
  readonly context: string
  readonly ttlMinutes?: number | null | undefined
  readonly fileName: string
  readonly extension: string
  readonly path: string
}

export interface StoredData extends Ended<StoreDataStep, DataTokenRecord> {
  /** The space, as soon as it is there: where a later step stops, the client can go on with it. */
  readonly temporary: ReservedSpace | null
}

export async function storeData(ctx: Context, input: StoreDataInput): Promise<StoredData> {
  const { data, context, ttlMinutes, fileName, extension, path } = input
  let temporary: ReservedSpace | null = null
  const workflow = new Workflow<StoreDataStep>(ctx, 'RESERVE')
  const ended = await workflow.run(async () => {
    if (data.length > MAX_PAYLOAD_BYTES) {
      refuse('data', `At most ${MAX_PAYLOAD_BYTES} bytes can be stored like this; these are ${data.length}.`)
    }
    const { command } = await workflow.succeeded(await reserveTokenSpace(ctx, { context, ttlMinutes }))
    const { commandId } = command
    temporary = await ctx.commands.afterSuccess(command, () => readTemporaryDataToken(ctx, commandId))
    if (temporary === null) throw new PrivicoreError('NOT_FOUND', 'storeData: the reserved space does not appear')

    workflow.begin('EXCHANGE')
    await workflow.succeeded(await exchangeDataForToken(ctx, temporary.token, data))

    workflow.begin('CONFIGURE')
    const file = { fileName, extension, size: data.length, path }
    const configured = await workflow.succeeded(await configureFile(ctx, { ...file, token: temporary.token, context }))
    // Where no permanent token is named, the temporary one has become permanent.
    const token = configured.beside ?? temporary.token
    return { token, context, file, risk: null, dataType: null, createdAt: null, meta: null }
  })
  return { ...ended, temporary }
}

/** The stored token with all that Privicore says of it. @throws what made the workflow fail */
export async function describeStored(ctx: Context, stored: StoredData): Promise<DataTokenRecord | null> {
  const known = resultOf(stored)
  if (known === null) return null
  const listed = await findDataToken(ctx, known.token).catch((error: unknown) => {
    // The data is stored, and its token must reach the client: what is known of it already will do.
    if (error instanceof PrivicoreError) return null
    throw error
  })
  return listed === null
    ? known
    : { ...listed, context: listed.context ?? known.context, file: listed.file ?? known.file }
}
