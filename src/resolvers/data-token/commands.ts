// Data tokens: what can be done with them. Large payloads and data that arrives later are the affair of transfer.ts.
import type { Sent } from '../../context/commands.ts'
import type { Context } from '../../context/context.ts'
import { type DataRequest, type DataTokenRecord, dataToken } from '../../privicore/data-token.ts'
import type { Values } from '../../privicore/encoding.ts'
import { objectOf } from '../input.ts'
import { awaitRequestedData, type RequestedData, type ReservedSpace } from '../transfer.ts'

/** Privicore's own, privicore.md §5. */
const DEFAULT_TTL_MINUTES = 5

export interface TokenSpace {
  readonly context: string
  readonly ttlMinutes?: number | null | undefined
  readonly meta?: unknown
}

export async function reserveTokenSpace(ctx: Context, { context, ttlMinutes, meta }: TokenSpace): Promise<Sent> {
  const object = objectOf(meta, 'meta')
  const since = Date.now()
  // One field of JSON text, privicore.md §5.
  const sent = await ctx.commands.send(dataToken.reserve, {
    context,
    ttl: ttlMinutes,
    meta: object && JSON.stringify(object),
  })
  await ctx.links.limit(sent.command.commandId, since + (ttlMinutes ?? DEFAULT_TTL_MINUTES) * 60_000)
  return sent
}

/** @param commandId of the reservation, which has succeeded. @throws NOT_FOUND as long as Privicore does not know it yet */
export async function readTemporaryDataToken(ctx: Context, commandId: string): Promise<ReservedSpace> {
  return { ...(await ctx.read(dataToken.temporary, { commandId })), commandId }
}

/** @param commandId of the reservation; null until it has settled */
export function findTemporaryDataToken(ctx: Context, commandId: string): Promise<ReservedSpace | null> {
  return ctx.commands.followUp(commandId, () => readTemporaryDataToken(ctx, commandId))
}

/** @param data ciphertext: IV, ciphertext, authentication tag */
export function exchangeDataForToken(ctx: Context, temporaryToken: string, data: Buffer): Promise<Sent> {
  return ctx.commands.send(dataToken.exchange, { temporaryTokenSpace: temporaryToken, data: data.toString('base64') })
}

export async function requestData(ctx: Context, token: string): Promise<Sent<DataRequest | undefined>> {
  const sent = await ctx.commands.send(dataToken.request, { token })
  const { inline = null, requestId = null } = sent.beside ?? {}
  // It may arrive before anybody asks for it.
  if (inline !== null || requestId !== null) ctx.data.expect(requestId ?? sent.command.commandId, inline)
  return sent
}

/** The data of a request: what came with the answer, or what arrives later. */
export async function dataOf(ctx: Context, sent: Sent<DataRequest | undefined>): Promise<RequestedData | null> {
  const { inline = null, requestId = null } = sent.beside ?? {}
  if (inline !== null) {
    // Without an id of its own the request goes by its command's.
    return {
      requestId: requestId ?? sent.command.commandId,
      context: inline.context,
      inline: inline.bytes,
      stream: null,
    }
  }
  return requestId === null ? null : awaitRequestedData(ctx, requestId)
}

export interface RiskInput {
  readonly token: string
  readonly classification: string
  readonly label: string
  readonly handling: string
  readonly extra?: unknown
}

export async function configureRisk(ctx: Context, { extra, ...input }: RiskInput): Promise<Sent> {
  return ctx.commands.send(dataToken.riskMeta, { ...input, extra: objectOf(extra, 'extra') ?? null })
}

export interface FileInput {
  readonly token: string
  readonly fileName: string
  readonly extension: string
  readonly context: string
  /** Bytes. */
  readonly size: number
  readonly path: string
}

/** `beside` is the permanent token where Privicore names one; if not, the token that was given is permanent on success. */
export function configureFile(ctx: Context, input: FileInput): Promise<Sent<string | undefined>> {
  return ctx.commands.send(dataToken.fileMeta, { ...input })
}

export interface UpdateInput {
  readonly token: string
  readonly data: Buffer
  readonly file?: unknown
  readonly risk?: unknown
  readonly dataMeta?: unknown
}

export async function updateDataToken(ctx: Context, input: UpdateInput): Promise<Sent> {
  const meta: Values = {
    information_security_risk: objectOf(input.risk, 'risk'),
    file: objectOf(input.file, 'file'),
    data: objectOf(input.dataMeta, 'dataMeta'),
  }
  const changesMeta = Object.values(meta).some((part) => part !== undefined)
  return ctx.commands.send(dataToken.update, {
    dataToken: input.token,
    data: input.data.toString('base64'),
    ...(changesMeta && { meta }),
  })
}

export function deleteData(ctx: Context, token: string): Promise<Sent> {
  return ctx.commands.send(dataToken.delete, { token })
}

/** Whether a data token shows the metadata that were set on it: just after success it may still show the old ones. */
export function shows(
  found: DataTokenRecord,
  wanted: { readonly file?: unknown; readonly risk?: unknown; readonly dataMeta?: unknown },
): boolean {
  const has = (group: object | null, set: unknown) =>
    Object.entries(group ?? {}).every(([key, value]) => {
      const expected = (set as Values | null | undefined)?.[key]
      return expected === undefined || expected === null || String(expected) === String(value)
    }) &&
    (group !== null || set === undefined || set === null || Object.keys(set).length === 0)
  return has(found.file, wanted.file) && has(found.risk, wanted.risk) && has({ type: found.dataType }, wanted.dataMeta)
}
