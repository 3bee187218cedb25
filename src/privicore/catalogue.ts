// Every row of privicore.md that the gateway can call, in one list. Knows the areas, and nothing of their rows.
import { device } from './device.ts'
import type { AnyEndpoint } from './endpoint.ts'
import { profile } from './profile.ts'
import { utility } from './utility.ts'

const areas = { utility, profile, device }

export const catalogue: readonly AnyEndpoint[] = Object.values(areas).flatMap(
  (area) => Object.values(area) as AnyEndpoint[],
)

/** @param id e.g. `device.approve` */
export function findEndpoint(id: string): AnyEndpoint | undefined {
  return catalogue.find((endpoint) => endpoint.id === id)
}
