// The cold figures as an SVG bar chart, readable on light and dark pages.
import type { Results } from './results.ts'
import { QUERIES, QUERY_NAMES } from './rows.ts'
import { ratio, run } from './targets.ts'

const WIDTH = 860
const LABEL = 300
const BAR = 13
const GAP = 5
const GROUP_GAP = 30
const TOP = 46
/** Right of the longest bar: its figure. */
const FIGURE = 110

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

export function chart(results: Results): string {
  const contestants = [...results.titles].filter(
    ([id]) => results.cold.has(id) && !['bytes', 'composing-list'].includes(id),
  )
  const parts: string[] = []
  let y = TOP
  for (const query of QUERY_NAMES) {
    const bars = contestants
      .flatMap(([id, title]) => {
        const own = run(results.cold, id, query)
        return own
          ? [
              {
                id,
                title,
                rate: own.requestsPerSecond,
                share: ratio(results.cold, query, id, 'composing', 'requestsPerSecond'),
              },
            ]
          : []
      })
      .sort((a, b) => b.rate - a.rate)
    const longest = Math.max(...bars.map((bar) => bar.rate))
    parts.push(`<text class="head" x="0" y="${y}">${escaped(QUERIES[query].title)}</text>`)
    y += GAP + 4
    for (const { id, title, rate, share } of bars) {
      const width = (rate / longest) * (WIDTH - LABEL - FIGURE)
      const kind = results.kinds.get(id) ?? 'peer'
      parts.push(
        `<text class="label ${kind}" x="${LABEL - 8}" y="${y + BAR - 3}">${escaped(title)}</text>`,
        `<rect class="${kind}" x="${LABEL}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" rx="2"/>`,
        `<text class="figure" x="${(LABEL + width + 6).toFixed(1)}" y="${y + BAR - 3}">${Math.round(rate).toLocaleString('en-US')}/s · ${share.toFixed(2)}</text>`,
      )
      y += BAR + GAP
    }
    y += GROUP_GAP - GAP
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" role="img" aria-label="Requests a second, cold, by query">
<style>
text { font: 12px system-ui, sans-serif; fill: #57606a }
.title, .head { font-weight: 600; fill: #24292f }
.title { font-size: 14px }
.label { text-anchor: end }
.label.gateway { font-weight: 600; fill: #0969da }
rect.floor { fill: #afb8c1 } rect.gateway { fill: #0969da } rect.peer { fill: #8c959f }
@media (prefers-color-scheme: dark) {
text { fill: #8d96a0 } .title, .head { fill: #e6edf3 } .label.gateway { fill: #4493f8 }
rect.floor { fill: #656c76 } rect.gateway { fill: #4493f8 } rect.peer { fill: #484f58 }
}
</style>
<text class="title" x="0" y="16">Requests a second on one core, every read sent upstream; share of the composing floor</text>
${parts.join('\n')}
</svg>
`
}
