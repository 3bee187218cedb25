// The list of data tokens as one sequence, however its server cuts it into pages. Knows nothing of cursors.
import type { Context } from '../../context/context.ts'
import { type DataTokenRecord, dataToken } from '../../privicore/data-token.ts'
import type { Values } from '../../privicore/encoding.ts'
import { PrivicoreError } from '../../privicore/errors.ts'

export interface DataTokenFilter {
  readonly fileName?: string | null | undefined
  readonly extension?: string | null | undefined
  readonly dataType?: string | null | undefined
  readonly context?: string | null | undefined
  readonly token?: string | null | undefined
}

/** The longest page that is asked for, and the most that one connection answers. */
export const MAX_PER_PAGE = 200
/** How many pages are walked at most, for what no single page can tell: 10,000 records. */
const MAX_PAGES = 50

/** What a cursor remembers. */
export interface Place {
  readonly position: number
  readonly token: string
}

interface Page {
  readonly rows: readonly DataTokenRecord[]
  /** The size of a page as the server applied it. */
  readonly perPage: number
}

/** Positions count from 0, across all pages. What was read is kept: no position is asked for twice. */
export class DataTokenList {
  readonly #ctx: Context
  readonly #filters: Values | undefined
  readonly #rows: DataTokenRecord[] = []
  /** All that match; null as long as nothing has told. */
  total: number | null = null
  /** An older server answers everything at once, whatever page it is asked for. */
  #ignoresPages = false

  constructor(ctx: Context, filter: DataTokenFilter | null) {
    this.#ctx = ctx
    const filters: Values = {
      'meta.file.fileName': filter?.fileName,
      'meta.file.extension': filter?.extension,
      'meta.data.type': filter?.dataType,
      context: filter?.context,
      token: filter?.token,
    }
    this.#filters = Object.values(filters).some((value) => value != null) ? filters : undefined
  }

  row(position: number): DataTokenRecord | undefined {
    return this.#rows[position]
  }

  /** Where a token is, among what was read; null when it was not read. */
  positionOf(token: string): number | null {
    const position = this.#rows.findIndex((row) => row?.token === token)
    return position < 0 ? null : position
  }

  /**
   * Reads the positions from `start` up to `end` (exclusive), with as few calls as can be: one where they fit on one page.
   * @param before what stands before `start`: a server that answers it all the same ignores pages
   */
  async read(start: number, end: number, before: Place | null = null): Promise<void> {
    if (this.#has(start, end)) return
    const { perPage, pages } = plan(start, Math.max(1, end - start))
    const answers = await Promise.all(pages.map((page) => this.#page(page, perPage, before)))
    const applied = answers[0]?.perPage ?? perPage
    if (this.#ignoresPages || applied === perPage) return
    // The server has a shorter limit of its own, so these were not the positions that were meant.
    const last = this.total === null ? end : Math.min(end, this.total)
    const first = Math.floor(start / applied) + 1
    for (let page = first; (page - 1) * applied < last; page++) {
      if (page - first >= MAX_PAGES) throw endless()
      if (!this.#has(Math.max(start, (page - 1) * applied), Math.min(last, page * applied)))
        await this.#page(page, applied, before)
    }
  }

  /** How many match. Costs a call where the page at hand has not told, and a walk where the server never says. */
  async count(perPage: number): Promise<number> {
    if (this.total === null) await this.#page(1, perPage, null)
    if (this.total === null) await this.walk(() => false)
    return this.total ?? 0
  }

  /** Whether anything stands at `position` or after it. */
  async reaches(position: number): Promise<boolean> {
    if (this.total === null && this.row(position) === undefined) await this.read(position, position + 1)
    return this.total === null ? this.row(position) !== undefined : position < this.total
  }

  /** Reads on from the start until `enough`, or to the end. @throws UPSTREAM_PROTOCOL for a list that does not end */
  async walk(enough: () => boolean): Promise<void> {
    for (let page = 1; page <= MAX_PAGES; page++) {
      const { rows, perPage } = await this.#page(page, MAX_PER_PAGE, null)
      if (enough() || (this.total !== null && page * perPage >= this.total) || rows.length === 0) return
    }
    throw endless()
  }

  #has(start: number, end: number): boolean {
    const last = this.total === null ? end : Math.min(end, this.total)
    for (let position = start; position < last; position++) if (this.#rows[position] === undefined) return false
    return this.total !== null || end > start
  }

  async #page(page: number, perPage: number, before: Place | null): Promise<Page> {
    const answer = await this.#ctx.read(dataToken.list, { page, perPage, filters: this.#filters })
    const rows = answer.items
    // As many as the page would hold; where others came, the server has a limit of its own that it does not tell.
    const due = answer.count === null ? null : Math.min(perPage, Math.max(0, answer.count - (page - 1) * perPage))
    const isCut = due !== null && rows.length > 0 && rows.length < perPage && rows.length !== due
    const applied = answer.perPage ?? (isCut ? rows.length : perPage)
    const isEverything =
      rows.length > applied || (answer.count === null && page > 1 && rows.length > 0 && this.#isTheStart(rows, before))
    if (isEverything) {
      this.#ignoresPages = true
      this.#keep(0, rows)
      this.total = rows.length
      return { rows, perPage: Math.max(1, rows.length) }
    }
    const offset = (page - 1) * applied
    this.#keep(offset, rows)
    if (answer.count !== null) this.total = answer.count
    // A page that is not full is the last one; an empty one says only that the end was before it.
    else if (rows.length < applied && (rows.length > 0 || page === 1)) this.total = offset + rows.length
    else if (rows.length === 0 && this.#rows.length === offset) this.total = offset
    return { rows, perPage: applied }
  }

  /** Whether a later page is the first one again. */
  #isTheStart(rows: readonly DataTokenRecord[], before: Place | null): boolean {
    if (before !== null && rows[before.position]?.token === before.token) return true
    return this.#rows[0] !== undefined && this.#rows[0].token === rows[0]?.token
  }

  #keep(offset: number, rows: readonly DataTokenRecord[]): void {
    rows.forEach((row, index) => {
      this.#rows[offset + index] = row
    })
  }
}

function endless(): PrivicoreError {
  return new PrivicoreError('UPSTREAM_PROTOCOL', `dataToken.list: no end after ${MAX_PAGES} pages`, {
    endpoint: dataToken.list.id,
  })
}

/** The smallest page that holds `size` positions from `start`; two pages of that size where none does. */
function plan(start: number, size: number): { perPage: number; pages: readonly number[] } {
  const pageOf = (position: number, perPage: number) => Math.floor(position / perPage) + 1
  for (let perPage = size; perPage <= MAX_PER_PAGE; perPage++) {
    const page = pageOf(start, perPage)
    if (pageOf(start + size - 1, perPage) === page) return { perPage, pages: [page] }
  }
  const page = pageOf(start, size)
  return { perPage: size, pages: [page, page + 1] }
}
