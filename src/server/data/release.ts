// Gives the memory of a chunk back at once. Knows nothing of who has it: only whoever has it alone may.

/**
 * Left to the collector, it would look through the whole heap for every few dozen mebibytes that pass: node:net and node:http make
 * a buffer for each chunk, and V8 counts their bytes.
 */
export function release({ buffer, byteLength }: Buffer): void {
  // Not where others live in the same memory.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
