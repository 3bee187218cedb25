// A bounded map of what was used last. Knows nothing of what is in it.
import { LRUCache } from 'lru-cache'

/**
 * At most so many entries; the one that was used longest ago goes. It grows with what is in it: given `max`, the library takes the
 * memory for all of them beforehand, which for the bounds of this house is a tenth of an idle process.
 */
export function mostRecent<Value extends {}>(
  most: number,
  options: Pick<LRUCache.Options<string, Value, unknown>, 'ttl' | 'dispose'> = {},
): LRUCache<string, Value> {
  return new LRUCache<string, Value>({ maxSize: most, sizeCalculation: () => 1, ...options })
}
