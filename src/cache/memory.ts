// The tier in this process: the values themselves, bounded in size, no copy and no clock of its own. Knows no Redis.
import { LRUCache } from 'lru-cache'
import { mostRecent } from './most-recent.ts'
import type { Area } from './policy.ts'
import type { Change, Glimpse, Kept, Mark, Place, Store } from './store.ts'

/** A value as it is served. Whoever gets it must not change it: the next one gets the same. */
export interface Entry<T = unknown> extends Kept<T> {
  /** Already resolved, for those who await. */
  readonly promise: Promise<T>
  readonly state: AreaState
  readonly generation: number
  readonly size: number
  /** Not to be asked for anew before this, after that has failed. */
  refreshAfter: number
}

/** One area of one caller. */
export interface AreaState {
  /** Another number after every forget, never the same twice; 0 once the area itself is no longer tracked. */
  generation: number
  readonly marks: Map<string, number>
}

/** States are tiny, and outlive the values in them: a fill must find that its area was forgotten meanwhile. */
const MAX_AREAS = 100_000
/** Open commands of one area; more than a person can start. The oldest goes. */
const MAX_MARKS = 64

export class MemoryStore implements Store {
  readonly #entries: LRUCache<string, Entry> | null
  readonly #states = mostRecent<AreaState>(MAX_AREAS, {
    dispose: (state) => {
      state.generation = 0
    },
  })
  readonly #clock: () => number
  #generations = 0

  /** @param maxBytes about how much may be kept; 0 keeps nothing, but still knows what changes */
  constructor(maxBytes: number, clock: () => number = Date.now) {
    this.#clock = clock
    this.#entries = maxBytes === 0 ? null : new LRUCache({ maxSize: maxBytes, sizeCalculation: (entry) => entry.size })
  }

  /** The hot path: two comparisons after one look-up. */
  get(partition: string, field: string): Entry | undefined {
    const entry = this.#entries?.get(`${partition} ${field}`)
    return entry !== undefined && entry.generation === entry.state.generation ? entry : undefined
  }

  state(partition: string, area: Area): AreaState {
    const key = `${partition} ${area}`
    let state = this.#states.get(key)
    if (state === undefined) {
      state = { generation: ++this.#generations, marks: new Map() }
      this.#states.set(key, state)
    }
    return state
  }

  isChanging(state: AreaState): boolean {
    if (state.marks.size === 0) return false
    const now = this.#clock()
    for (const [id, until] of state.marks) if (until <= now) state.marks.delete(id)
    return state.marks.size > 0
  }

  /** @returns the entry; null where the area was forgotten since `generation` */
  put<T>(place: Place, state: AreaState, generation: number, kept: Kept<T>): Entry<T> | null {
    if (generation === 0 || state.generation !== generation) return null
    const key = `${place.partition} ${place.field}`
    const entry: Entry<T> = {
      value: kept.value,
      at: kept.at,
      freshUntil: kept.freshUntil,
      staleUntil: kept.staleUntil,
      promise: Promise.resolve(kept.value),
      state,
      generation,
      size: (key.length + weigh(kept.value) + ENTRY_BYTES) | 0,
      refreshAfter: 0,
    }
    this.#entries?.set(key, entry)
    return entry
  }

  look(place: Place): Glimpse {
    const state = this.state(place.partition, place.area)
    const entry = this.get(place.partition, place.field)
    return {
      kept: entry ?? null,
      generation: String(state.generation),
      changing: this.isChanging(state),
      seen: entry === undefined ? '' : String(entry.at),
    }
  }

  begin(place: Place): string {
    return String(this.state(place.partition, place.area).generation)
  }

  keep(place: Place, generation: string, kept: Kept): boolean {
    return this.put(place, this.state(place.partition, place.area), Number(generation), kept) !== null
  }

  apply({ partition, areas, forget, unmark, mark }: Change): void {
    for (const area of areas) {
      const state = this.state(partition, area)
      if (forget) state.generation = ++this.#generations
      if (unmark !== undefined) state.marks.delete(unmark)
      if (mark !== undefined) this.#mark(state, mark)
    }
  }

  /** Everything goes, of everybody, and whatever is being fetched. What changes is still known. */
  clear(): void {
    this.#entries?.clear()
    for (const state of this.#states.values()) state.generation = ++this.#generations
  }

  #mark(state: AreaState, mark: Mark): void {
    // Last in the order of the Map: the newest.
    state.marks.delete(mark.id)
    state.marks.set(mark.id, mark.until)
    if (state.marks.size > MAX_MARKS) state.marks.delete(state.marks.keys().next().value as string)
  }
}

const ENTRY_BYTES = 300
const OBJECT_BYTES = 32
const FIELD_BYTES = 12
const MAX_DEPTH = 6

/** About how many bytes a value takes. Rows of one list are alike: three of them stand for all. */
function weigh(value: unknown, depth = 0): number {
  if (typeof value === 'string') return value.length + 16
  if (typeof value !== 'object' || value === null || depth > MAX_DEPTH) return 8
  if (Array.isArray(value)) {
    const { length } = value
    if (length === 0) return OBJECT_BYTES
    const sample =
      weigh(value[0], depth + 1) + weigh(value[length >> 1], depth + 1) + weigh(value[length - 1], depth + 1)
    return OBJECT_BYTES + Math.ceil((sample / 3) * length)
  }
  let bytes = OBJECT_BYTES
  for (const key in value) bytes += FIELD_BYTES + weigh((value as Record<string, unknown>)[key], depth + 1)
  return bytes
}
