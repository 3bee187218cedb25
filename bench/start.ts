// How users start the gateway: what is measured starts the same way.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** What `npm start` gives to node. @param root the checkout */
export function startArguments(root: string): string[] {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const [program, ...args] = (scripts.start as string).split(' ')
  if (program !== 'node') throw new Error(`npm start does not run node: ${scripts.start}`)
  return args
}
