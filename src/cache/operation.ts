// What one operation has read already. Lives as long as the operation (in a subscription: as long as one event) and no longer.
import DataLoader from 'dataloader'

/** Finds one record by its id, out of a list that Privicore answers with one call. */
export interface Lookup<Record> {
  /** Unique among lookups. */
  readonly name: string
  /** All records; called at most once per operation. */
  readonly list: () => Promise<readonly Record[]>
  readonly id: (record: Record) => string
}

export class OperationCache {
  readonly #reads = new Map<string, Promise<unknown>>()
  readonly #loaders = new Map<string, DataLoader<string, unknown>>()

  /** Identical reads of one operation are one call; a failed one is not tried again within it. */
  share<T>(key: string, read: () => Promise<T>): Promise<T> {
    const known = this.#reads.get(key)
    if (known !== undefined) return known as Promise<T>
    const reading = read()
    this.#reads.set(key, reading)
    return reading
  }

  /** null for what the list does not hold. */
  find<Record>(lookup: Lookup<Record>, id: string): Promise<Record | null> {
    let loader = this.#loaders.get(lookup.name)
    if (loader === undefined) {
      loader = new DataLoader<string, unknown>(async (ids) => {
        const byId = new Map((await lookup.list()).map((record) => [lookup.id(record), record]))
        return ids.map((wanted) => byId.get(wanted) ?? null)
      })
      this.#loaders.set(lookup.name, loader)
    }
    return loader.load(id) as Promise<Record | null>
  }

  /** Something has changed: what was read before may be the old truth. */
  forget(): void {
    this.#reads.clear()
    this.#loaders.clear()
  }
}
