// Gives the memory of chunks back at once. Knows nothing of what is in them: only whoever has one alone may.
//
// node:net and node:http make a buffer for each chunk that they read, and V8 counts their bytes. Left to the collector, they make it look
// through the whole heap for every few dozen mebibytes that pass, and lie in the way of the allocator until then.

/** A chunk that has its memory for itself. */
export function release({ buffer, byteLength }: Buffer): void {
  // Not where others live in the same memory.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}

/** What was read from a socket in one go, and of it this chunk: nobody may need the rest, before it or behind it, any more. */
export function releaseRead({ buffer, byteLength }: Buffer): void {
  // Copies of less than half the pool share it, and node reads as much as a pool in one go; an empty chunk may be nobody's.
  const mayBePool = buffer.byteLength === Buffer.poolSize && byteLength < Buffer.poolSize >>> 1
  if (buffer instanceof ArrayBuffer && byteLength > 0 && !mayBePool) buffer.transfer(0)
}
