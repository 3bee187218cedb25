// What one operation has read already. Lives as long as the operation (in a subscription: as long as one event) and no longer.
import DataLoader from 'dataloader'

/** By what a record of a list is found. */
export interface Ids<Record> {
  readonly id: (record: Record) => string
  /** Another id it goes by; the id of another record wins. */
  readonly alias?: ((record: Record) => string) | undefined
}

/** Finds one record by its id, out of a list that Privicore answers with one call. */
export interface Lookup<Record> extends Ids<Record> {
  /** The key under which the list is shared: lookups in one list are one lookup. */
  readonly name: string
  /** All records; called at most once per operation. */
  readonly list: () => Promise<readonly Record[]>
  /** One record alone, where that is all that is looked up; undefined where only the list can tell. */
  readonly one?: ((id: string) => Promise<Record | null | undefined>) | undefined
}

export class OperationCache {
  // Made when there is something to keep: the operations of most subscriptions read nothing, and last.
  #reads: Map<string, Promise<unknown>> | undefined
  #values: Map<string, unknown> | undefined
  #indexes: Map<string, Map<string, unknown>> | undefined
  #loaders: Map<string, DataLoader<string, unknown>> | undefined

  /**
   * Identical reads of one operation are one call; a failed one is not tried again within it.
   * @param keep false: only those share it that ask while it is under way
   */
  share<T>(key: string, read: () => Promise<T>, keep = true): Promise<T> {
    this.#reads ??= new Map()
    const known = this.#reads.get(key)
    if (known !== undefined) return known as Promise<T>
    const reading = read()
    this.#reads.set(key, reading)
    if (keep) {
      // What has come is found without waiting; who fails tells whoever asks.
      const arrive = (value: T) => {
        if (this.#reads?.get(key) === reading) this.#keep(key, value)
      }
      reading.then(arrive, () => undefined)
    } else {
      const drop = () => {
        if (this.#reads?.get(key) === reading) this.#reads.delete(key)
      }
      reading.then(drop, drop)
    }
    return reading
  }

  /** What was read already, on its way or here. */
  known<T>(key: string): Promise<T> | undefined {
    return this.#reads?.get(key) as Promise<T> | undefined
  }

  /** Whether it was read, and has come. */
  isHere(key: string): boolean {
    return this.#values?.has(key) === true
  }

  /** Takes what is here already. @returns the promise */
  hold<T>(key: string, promise: Promise<T>, value: T): Promise<T> {
    this.#reads ??= new Map()
    this.#reads.set(key, promise)
    this.#keep(key, value)
    return promise
  }

  /**
   * Out of a list that has come already: a join of many rows costs no promise each.
   * @returns null for what the list does not hold; undefined where the list is not here: then it has to be looked up
   */
  found<Record>(name: string, ids: Ids<Record>, id: string): Record | null | undefined {
    let index = this.#indexes?.get(name) as Map<string, Record> | undefined
    if (index === undefined) {
      const list = this.#values?.get(name) as readonly Record[] | undefined
      if (list === undefined) return undefined
      index = indexed(list, ids)
      this.#indexes ??= new Map()
      this.#indexes.set(name, index)
    }
    return index.get(id) ?? null
  }

  /** null for what the list does not hold. */
  find<Record>(lookup: Lookup<Record>, id: string): Promise<Record | null> {
    let loader = this.#loaders?.get(lookup.name)
    if (loader === undefined) {
      // A second batch of one makes the list the cheaper way.
      let { one } = lookup
      const batch = async (ids: readonly string[]): Promise<unknown[]> => {
        if (one !== undefined && ids.length === 1 && !this.#reads?.has(lookup.name)) {
          const ask = one
          one = undefined
          const found = await ask(ids[0] as string)
          if (found !== undefined) return [found]
        }
        const byId = indexed(await lookup.list(), lookup)
        return ids.map((wanted) => byId.get(wanted) ?? null)
      }
      // A batch that fails as a whole the loader would forget, and try again.
      loader = new DataLoader<string, unknown>((ids) => batch(ids).catch((error: Error) => ids.map(() => error)))
      this.#loaders ??= new Map()
      this.#loaders.set(lookup.name, loader)
    }
    return loader.load(id) as Promise<Record | null>
  }

  /** Something has changed: what was read before may be the old truth. */
  forget(): void {
    this.#reads = undefined
    this.#values = undefined
    this.#indexes = undefined
    this.#loaders = undefined
  }

  #keep(key: string, value: unknown): void {
    this.#values ??= new Map()
    this.#values.set(key, value)
  }
}

function indexed<Record>(records: readonly Record[], { id, alias }: Ids<Record>): Map<string, Record> {
  const byId = new Map<string, Record>()
  if (alias !== undefined) for (const record of records) byId.set(alias(record), record)
  for (const record of records) byId.set(id(record), record)
  return byId
}
