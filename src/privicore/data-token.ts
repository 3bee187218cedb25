// Data tokens, on the wire (privicore.md §5): a reserved space is filled with ciphertext, becomes a token, and is asked for.
import { isWord } from './acknowledgement.ts'
import { type Fields, freeObject, instant, integer, isFields, listOf, named, requiredText, text } from './decode.ts'
import { command, read, transfer } from './endpoint.ts'
import { Secret } from './secret.ts'

export interface DataTokenFile {
  readonly fileName: string | null
  readonly extension: string | null
  /** Bytes. */
  readonly size: number | null
  readonly path: string | null
}

export interface DataTokenRisk {
  readonly classification: string | null
  readonly label: string | null
  readonly handling: string | null
}

export interface DataTokenRecord {
  readonly token: string
  readonly context: string | null
  readonly file: DataTokenFile | null
  readonly risk: DataTokenRisk | null
  readonly dataType: string | null
  /** RFC 3339. */
  readonly createdAt: string | null
  readonly meta: Fields | null
}

/** One answer of the list. */
export interface DataTokenPage {
  readonly items: readonly DataTokenRecord[]
  /** All that match; null where Privicore does not say. */
  readonly count: number | null
  /** The size of a page as Privicore applied it; null where it does not say. */
  readonly perPage: number | null
}

export interface TemporaryDataToken {
  readonly token: string
  /** The upload link: a bare auth token, or a whole URL with one. null where Privicore opened no stream. */
  readonly stream: Secret | null
}

/** What comes beside the command id of a request for data. */
export interface DataRequest {
  readonly requestId: string | null
  /** Data that came with the answer, where it did not have to be waited for. */
  readonly inline: { readonly context: string | null; readonly bytes: Buffer } | null
}

const tokenOf = named('token', 'dataToken', 'id')
const contextOf = named('context')
const createdAtOf = named('createdAt')
const metaOf = named('meta')
const fileOf = named('file')
const riskOf = named('informationSecurityRisk', 'risk')
const dataOf = named('data')
const fileNameOf = named('fileName')
const extensionOf = named('extension')
const sizeOf = named('size')
const pathOf = named('path')
const classificationOf = named('classification')
const labelOf = named('label')
const handlingOf = named('handling')
const dataTypeOf = named('dataType', 'type')

const NOTHING: Fields = {}
const object = (value: unknown): Fields => (isFields(value) ? value : NOTHING)

/** `{"meta.file.fileName":"x"}` → `{"meta":{"file":{"fileName":"x"}}}`; a record without dotted keys is answered as it is. */
function nested(record: Fields): Fields {
  if (!Object.keys(record).some((key) => key.includes('.'))) return record
  // Without prototypes: a key may be called anything.
  const root: Record<string, unknown> = Object.create(null)
  for (const [key, value] of Object.entries(record)) {
    const path = key.split('.')
    const last = path.pop() as string
    let group = root
    for (const part of path) {
      if (!isFields(group[part])) group[part] = Object.create(null)
      group = group[part] as Record<string, unknown>
    }
    // PHP may put an empty `meta` beside them.
    if (!isFields(group[last])) group[last] = value
  }
  return root
}

/** An item of the list: flat (`fileName`), nested (`meta.file.fileName`, also as a key), or anything between. */
function toDataToken(item: Fields, place: string): DataTokenRecord {
  const record = isFields(metaOf(item)) ? item : nested(item)
  const meta = object(metaOf(record))
  const file = object(fileOf(meta) ?? fileOf(record))
  const risk = object(riskOf(meta) ?? riskOf(record))
  const data = object(dataOf(meta) ?? dataOf(record))
  return {
    token: requiredText(tokenOf(record), `${place}.token`),
    context: text(contextOf(record) ?? contextOf(meta) ?? contextOf(file)),
    file: known({
      fileName: text(fileNameOf(file) ?? fileNameOf(meta) ?? fileNameOf(record)),
      extension: text(extensionOf(file) ?? extensionOf(meta) ?? extensionOf(record)),
      size: integer(sizeOf(file) ?? sizeOf(meta) ?? sizeOf(record)),
      path: text(pathOf(file) ?? pathOf(meta) ?? pathOf(record)),
    }),
    risk: known({
      classification: text(classificationOf(risk) ?? classificationOf(meta) ?? classificationOf(record)),
      label: text(labelOf(risk) ?? labelOf(meta) ?? labelOf(record)),
      handling: text(handlingOf(risk) ?? handlingOf(meta) ?? handlingOf(record)),
    }),
    dataType: text(dataTypeOf(data) ?? dataTypeOf(meta) ?? dataTypeOf(record)),
    createdAt: instant(createdAtOf(record)),
    meta: freeObject(metaOf(record)) ?? beside(record),
  }
}

/** null for a group of fields of which none is there. */
function known<Group extends object>(group: Group): Group | null {
  return Object.values(group).some((value) => value !== null) ? group : null
}

const NOT_META = new Set(['token', 'data_token', 'dataToken', 'data-token', 'id', 'meta'])

/** What a flat item says beside its token. */
function beside(record: Fields): Fields | null {
  const rest = Object.entries(record).filter(([key]) => !NOT_META.has(key))
  return rest.length === 0 ? null : Object.fromEntries(rest)
}

const items = listOf(toDataToken, 'data token')
const countOf = named('count', 'total', 'totalCount')
const perPageOf = named('perPage')

function toPage(body: unknown): DataTokenPage {
  const meta = isFields(body) ? object(metaOf(body)) : NOTHING
  const count = integer(countOf(meta))
  const perPage = integer(perPageOf(meta))
  return {
    items: items(body),
    count: count !== null && count >= 0 ? count : null,
    perPage: perPage !== null && perPage > 0 ? perPage : null,
  }
}

const temporaryTokenOf = named('token', 'temporaryToken', 'temporaryDataToken', 'temporaryTokenSpace')
const streamOf = named('stream')

function toTemporary(body: unknown): TemporaryDataToken {
  if (!isFields(body)) return { token: requiredText(body, 'temporary token'), stream: null }
  const stream = text(streamOf(body))
  return {
    token: requiredText(temporaryTokenOf(body), 'temporary token'),
    stream: stream === null ? null : new Secret(stream),
  }
}

const REQUEST_ID_HEADER = 'x-dpt-cab-request-id'
const requestIdOf = named(
  'requestId',
  'cabRequestId',
  'xDptCabRequestId',
  'X-DPT-CAB-REQUEST-ID',
  'X-Dpt-Cab-Request-Id',
)
const outputTypeOf = named('outputType')
const payloadOf = named('body', 'data')
const dataContextOf = named('dataContext', 'context')

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Data that comes inline is base64 of ciphertext, or text: what is not valid padded base64 is UTF-8 text (privicore.md §12). */
export function inlineBytes(body: string): Buffer {
  return Buffer.from(body, BASE64.test(body) ? 'base64' : 'utf8')
}

function toDataRequest(body: unknown, header: (name: string) => string | null): DataRequest | undefined {
  const record = object(body)
  const requestId = header(REQUEST_ID_HEADER) ?? text(requestIdOf(record))
  const payload = payloadOf(record)
  // Type 1 is a link, not data.
  const isInline = typeof payload === 'string' && (integer(outputTypeOf(record)) ?? 0) === 0
  const inline = isInline ? { context: text(dataContextOf(record)), bytes: inlineBytes(payload) } : null
  return requestId === null && inline === null ? undefined : { requestId, inline }
}

const permanentTokenOf = named('token', 'dataToken', 'permanentToken')

/** The permanent token, where the answer names one. A bare string is it, unless it is the command's id. */
function toPermanentToken(body: unknown, _: unknown, commandId: string | null): string | undefined {
  if (isFields(body)) return text(permanentTokenOf(body)) ?? undefined
  const bare = text(body)
  return bare === null || bare === commandId || isWord(bare) ? undefined : bare
}

export const dataToken = {
  /** ttl in minutes; meta is one field of JSON text. Answered by dataToken.temporary, with the command's id as key. */
  reserve: command('dataToken.reserve', {
    post: '/data-token/reserve-token-space',
    form: ['context', 'ttl?', 'meta?'],
    sureness: 'sure',
  }),
  temporary: read('dataToken.temporary', {
    get: '/data-token/retrieve-temporary-data-token/{commandId}',
    sureness: 'sure',
    decode: toTemporary,
  }),
  /** data: base64 of IV, ciphertext, authentication tag; up to about 50 KB. */
  exchange: command('dataToken.exchange', {
    post: '/data-token/exchange-data-for-token',
    form: ['temporaryTokenSpace', 'data'],
    sureness: 'sure',
  }),
  /** On the upload host; auth: what `stream` holds. */
  upstream: transfer('dataToken.upstream', { post: '/', query: ['auth'], sureness: 'seen' }),
  request: command('dataToken.request', {
    post: '/data-token/request-data',
    form: ['token'],
    sureness: 'sure',
    decode: toDataRequest,
  }),
  /** On the download host. */
  download: transfer('dataToken.download', { get: '/', query: ['auth'], sureness: 'seen' }),
  riskMeta: command('dataToken.riskMeta', {
    post: '/data-token/configure-information-security-risk-meta',
    form: ['token', 'classification', 'label', 'handling'],
    extra: true,
    sureness: 'sure',
  }),
  /** token: temporary or permanent. Where the answer names no permanent token, the temporary one has become it. */
  fileMeta: command('dataToken.fileMeta', {
    post: '/data-token/configure-file-meta',
    form: ['token', 'fileName', 'extension', 'context', 'size', 'path'],
    bareText: 'answer',
    sureness: 'seen',
    decode: toPermanentToken,
  }),
  /** The first page is 1. */
  list: read('dataToken.list', {
    get: '/data-token/list-data-tokens',
    query: ['page?', 'perPage?', 'filters?'],
    sureness: 'sure',
    decode: toPage,
  }),
  /** data is base64; meta has `information_security_risk`, `file` and `data`, each optional. */
  update: command('dataToken.update', {
    post: '/data-token/update-data',
    json: ['dataToken', 'data', 'meta?'],
    sureness: 'sure',
  }),
  /** Success means that the removal was dispatched to the storage devices. */
  delete: command('dataToken.delete', {
    post: '/data-token/delete-data',
    form: ['token'],
    sureness: 'seen',
  }),
}
