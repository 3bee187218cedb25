// Knows how PHP reads a query string or a form: a[]=1&a[]=2 is a list, a[b]=1 an object.

export type Fields = Record<string, unknown>

type Branch = Map<string, Branch | string>

export function decodeForm(text: string): Fields {
  const root: Branch = new Map()
  for (const [name, value] of new URLSearchParams(text)) plant(root, pathOf(name), value)
  return toObject(root)
}

function pathOf(name: string): string[] {
  const open = name.indexOf('[')
  // PHP turns dots and spaces into underscores, but only in front of the first bracket.
  const first = (open === -1 ? name : name.slice(0, open)).replace(/[. ]/g, '_')
  const keys = open === -1 ? [] : [...name.slice(open).matchAll(/\[([^\]]*)\]/g)].map((match) => match[1] ?? '')
  return [first, ...keys]
}

function plant(branch: Branch, path: string[], value: string): void {
  const [key = '', ...rest] = path
  const name = key === '' ? String(nextIndex(branch)) : key
  if (rest.length === 0) {
    branch.set(name, value)
    return
  }
  const existing = branch.get(name)
  const child: Branch = existing instanceof Map ? existing : new Map()
  branch.set(name, child)
  plant(child, rest, value)
}

function nextIndex(branch: Branch): number {
  const indexes = [...branch.keys()].filter((key) => /^\d+$/.test(key)).map(Number)
  return indexes.length === 0 ? 0 : Math.max(...indexes) + 1
}

function toObject(branch: Branch): Fields {
  const object: Fields = {}
  for (const [key, value] of branch) {
    if (key !== '__proto__') object[key] = toValue(value)
  }
  return object
}

function toValue(value: Branch | string): unknown {
  if (typeof value === 'string') return value
  const isList = [...value.keys()].every((key, index) => key === String(index))
  return isList ? [...value.values()].map(toValue) : toObject(value)
}
