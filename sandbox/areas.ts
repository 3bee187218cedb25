// Knows all areas, and nothing about any of them.
import { device } from './areas/device.ts'
import { profile } from './areas/profile.ts'
import { publicKey } from './areas/public-key.ts'
import { utility } from './areas/utility.ts'
import type { Routes } from './router.ts'
import type { World } from './world.ts'

export function routesOf(world: World): Routes {
  return {
    ...utility(world),
    ...profile(world),
    ...publicKey(world),
    ...device(world),
  }
}
