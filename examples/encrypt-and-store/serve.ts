// node examples/encrypt-and-store/serve.ts: shows the page on http://localhost:8080. Three files, nothing else.
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { join } from 'node:path'

const FILES: Readonly<Record<string, readonly [string, string]>> = {
  '/': ['index.html', 'text/html; charset=utf-8'],
  '/page.js': ['page.js', 'text/javascript; charset=utf-8'],
  '/encrypt-and-store.js': ['encrypt-and-store.js', 'text/javascript; charset=utf-8'],
}

export function createPage(): Server {
  return createServer(async ({ url = '/' }, response) => {
    const file = FILES[url.split('?', 1)[0] ?? '']
    if (file === undefined) {
      response.writeHead(404).end()
      return
    }
    const [name, type] = file
    response.writeHead(200, { 'content-type': type }).end(await readFile(join(import.meta.dirname, name)))
  })
}

if (import.meta.main) {
  createPage().listen(8080, '127.0.0.1', () => console.log('http://localhost:8080'))
}
