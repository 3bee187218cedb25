// Where the process begins: what was compiled at the last start is taken from there, before anything else is loaded. JavaScript, so
// that a start with nothing to compile does not load what takes TypeScript's types away.
import { enableCompileCache } from 'node:module'
import { resolve } from 'node:path'

// With the packages, not in the folder for temporary files: whoever can write there would decide what runs here. Where it cannot be
// written (an image, another user) what is in it is read, and where there is none everything is compiled as ever.
enableCompileCache(resolve(import.meta.dirname, '../node_modules/.cache/compiled'))
await import('./main.ts')
