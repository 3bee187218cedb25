// Knows stored payloads: small ones in memory, large ones in temporary files that are removed on close.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'

/** A payload by reference: plain data, the bytes stay in the store. */
export interface Blob {
  key: number
  size: number
  sha256: string
}

/** Payloads beyond this go to a file. */
export const MEMORY_BYTES = 1024 * 1024

export class Blobs {
  readonly #inMemory = new Map<number, Buffer>()
  readonly #inFiles = new Map<number, string>()
  #folder: Promise<string> | null = null
  #lastKey = 0

  put(bytes: Buffer): Blob {
    const key = ++this.#lastKey
    this.#inMemory.set(key, bytes)
    return { key, size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
  }

  /** Reads as fast as the disk takes it. Throws when the source breaks off. */
  async receive(source: AsyncIterable<Buffer>, progress: (bytes: number) => void): Promise<Blob> {
    const key = ++this.#lastKey
    const hash = createHash('sha256')
    let size = 0
    let held: Buffer[] = []
    let file: FileHandle | null = null
    try {
      for await (const chunk of source) {
        hash.update(chunk)
        size += chunk.length
        progress(size)
        if (file === null && size <= MEMORY_BYTES) {
          held.push(chunk)
          continue
        }
        if (file === null) {
          file = await open(await this.#fileName(key), 'w')
          for (const earlier of held) await file.write(earlier)
          held = []
        }
        await file.write(chunk)
      }
    } finally {
      await file?.close()
    }
    if (file === null) this.#inMemory.set(key, Buffer.concat(held))
    return { key, size, sha256: hash.digest('hex') }
  }

  /** The bytes from start to end, both included. */
  read(blob: Blob, start = 0, end = blob.size - 1): Readable {
    const bytes = this.#inMemory.get(blob.key)
    if (bytes) return Readable.from(blob.size === 0 ? [] : [bytes.subarray(start, end + 1)])
    return createReadStream(this.#inFiles.get(blob.key) ?? '', { start, end })
  }

  /** Null for a payload that is not held in memory. */
  bytes(blob: Blob): Buffer | null {
    return this.#inMemory.get(blob.key) ?? null
  }

  async close(): Promise<void> {
    if (this.#folder) await rm(await this.#folder, { recursive: true, force: true })
  }

  async #fileName(key: number): Promise<string> {
    this.#folder ??= mkdtemp(join(tmpdir(), 'privicore-sandbox-'))
    const name = join(await this.#folder, String(key))
    this.#inFiles.set(key, name)
    return name
  }
}
