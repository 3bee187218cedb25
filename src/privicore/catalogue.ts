// Every row of privicore.md that the gateway can call, in one list. Knows the areas, and nothing of their rows.
import { dataToken } from './data-token.ts'
import { device } from './device.ts'
import type { AnyEndpoint } from './endpoint.ts'
import { oauth } from './oauth.ts'
import { policy } from './policy.ts'
import { profile } from './profile.ts'
import { publicKey } from './public-key.ts'
import { storage } from './storage.ts'
import { utility } from './utility.ts'
import { authenticator, votingConfiguration } from './verified-authenticator.ts'
import { voting } from './voting.ts'

const areas = {
  utility,
  profile,
  oauth,
  publicKey,
  dataToken,
  device,
  storage,
  authenticator,
  votingConfiguration,
  policy,
  voting,
}

export const catalogue: readonly AnyEndpoint[] = Object.values(areas).flatMap(
  (area) => Object.values(area) as AnyEndpoint[],
)

/** @param id e.g. `device.approve` */
export function findEndpoint(id: string): AnyEndpoint | undefined {
  return catalogue.find((endpoint) => endpoint.id === id)
}

type Areas = typeof areas
type Row = { [Area in keyof Areas]: Areas[Area][keyof Areas[Area]] }[keyof Areas]
/** Ids of the rows that answer something, e.g. `device.list`. */
export type ReadId = Extract<Row, { readonly kind: 'read' }>['id']
/** Ids of the rows that change something, e.g. `device.approve`. */
export type CommandId = Extract<Row, { readonly kind: 'command' }>['id']
