// Few combinations that hold every pair of values: a fault that needs two switches at once is met, without trying all.

type Switches = Readonly<Record<string, readonly unknown[]>>
export type Combination = Readonly<Record<string, unknown>>

/** Greedy: each combination takes, switch by switch, the value that meets the most pairs not met yet. Always the same list. */
export function pairwise(switches: Switches): Combination[] {
  const names = Object.keys(switches)
  const open = new Set<string>()
  for (const [at, a] of names.entries()) {
    for (const b of names.slice(at + 1)) {
      for (const [i] of (switches[a] ?? []).entries())
        for (const [j] of (switches[b] ?? []).entries()) open.add(pair(a, i, b, j))
    }
  }
  const combinations: Combination[] = []
  while (open.size > 0) {
    const [first] = open
    const chosen = new Map<string, number>()
    for (const part of (first ?? '').split('&')) {
      const [name = '', index] = part.split('=')
      chosen.set(name, Number(index))
    }
    for (const name of names) {
      if (chosen.has(name)) continue
      let best = { index: 0, met: -1 }
      for (const [index] of (switches[name] ?? []).entries()) {
        const met = [...chosen].filter(([other, at]) => open.has(inOrder(names, name, index, other, at))).length
        if (met > best.met) best = { index, met }
      }
      chosen.set(name, best.index)
    }
    const list = [...chosen]
    for (const [at, [a, i]] of list.entries())
      for (const [b, j] of list.slice(at + 1)) open.delete(inOrder(names, a, i, b, j))
    combinations.push(Object.fromEntries(names.map((name) => [name, switches[name]?.[chosen.get(name) ?? 0]])))
  }
  return combinations
}

const pair = (a: string, i: number, b: string, j: number) => `${a}=${i}&${b}=${j}`

function inOrder(names: readonly string[], a: string, i: number, b: string, j: number): string {
  return names.indexOf(a) < names.indexOf(b) ? pair(a, i, b, j) : pair(b, j, a, i)
}
