// Gives the memory of chunks back at once. Knows nothing of what is in them: only whoever has one alone may.
//
// node:net and node:http make a buffer for each chunk that they read, and V8 counts their bytes. Left to the collector, they make it look
// through the whole heap for every few dozen mebibytes that pass, and lie in the way of the allocator until then.

/** A chunk that has its memory for itself. */
export function release({ buffer, byteLength }: Buffer): void {
  // Not where others live in the same memory.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}

/** A chunk that is the last of what was read from a socket in one go: what stands before it in the same memory has been read. */
export function releaseRead({ buffer, byteOffset, byteLength }: Buffer): void {
  if (!(buffer instanceof ArrayBuffer) || byteLength === 0) return
  // Small copies share a pool, and one of them may be the last in it.
  if (byteOffset + byteLength === buffer.byteLength && buffer.byteLength !== Buffer.poolSize) buffer.transfer(0)
}
