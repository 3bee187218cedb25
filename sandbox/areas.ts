// Knows all areas, and nothing about any of them.
import { dataToken } from './areas/data-token.ts'
import { device } from './areas/device.ts'
import { oauth } from './areas/oauth.ts'
import { policy } from './areas/policy.ts'
import { profile } from './areas/profile.ts'
import { publicKey } from './areas/public-key.ts'
import { storage } from './areas/storage.ts'
import { utility } from './areas/utility.ts'
import { verifiedAuthenticator } from './areas/verified-authenticator.ts'
import { voting } from './areas/voting.ts'
import type { Routes } from './router.ts'
import type { World } from './world.ts'

export function routesOf(world: World): Routes {
  return {
    ...utility(world),
    ...profile(world),
    ...oauth(world),
    ...publicKey(world),
    ...dataToken(world),
    ...device(world),
    ...storage(world),
    ...verifiedAuthenticator(world),
    ...policy(world),
    ...voting(world),
  }
}
