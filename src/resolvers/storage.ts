// Storage devices: what can be asked of them and done with them.
import type { Sent } from '../context/commands.ts'
import type { Context, Lookup } from '../context/context.ts'
import type { Found } from '../context/scope.ts'
import type { DeviceRecord } from '../privicore/device.ts'
import { storage } from '../privicore/storage.ts'

const byIdentifier: Lookup<DeviceRecord> = { list: storage.list, id: (record) => record.deviceIdentifier }

export function listStorageDevices(ctx: Context): Promise<DeviceRecord[]> {
  return ctx.read(storage.list, {})
}

export function findStorageDevice(ctx: Context, deviceIdentifier: string): Found<DeviceRecord> {
  return ctx.lookup(byIdentifier, deviceIdentifier)
}

export function registerStorageDevice(ctx: Context, deviceIdentifier: string): Promise<Sent> {
  return ctx.commands.send(storage.register, { deviceIdentifier })
}

export function synchronizeStorageDevice(ctx: Context, deviceIdentifier: string): Promise<Sent> {
  return ctx.commands.send(storage.sync, { deviceIdentifier })
}

export function removeStorageDevice(ctx: Context, deviceIdentifier: string): Promise<Sent> {
  return ctx.commands.send(storage.remove, { deviceIdentifier })
}
