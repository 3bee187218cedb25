// Devices: what can be asked of them and done with them.
import type { Sent } from '../context/commands.ts'
import type { Context, Lookup } from '../context/context.ts'
import type { Found } from '../context/scope.ts'
import { type DeviceApproval, type DeviceConfiguration, type DeviceRecord, device } from '../privicore/device.ts'
import { storage } from '../privicore/storage.ts'
import { authenticator } from '../privicore/verified-authenticator.ts'
import { objectOf } from './input.ts'

const byIdentifier: Lookup<DeviceRecord> = { list: device.list, id: (record) => record.deviceIdentifier }

export type DeviceRole = 'storage' | 'authenticator'

const holders: Readonly<Record<DeviceRole, Lookup<DeviceRecord>>> = {
  storage: { list: storage.list, id: (record) => record.deviceIdentifier },
  authenticator: { list: authenticator.list, id: (record) => record.deviceIdentifier },
}

export async function listDevices(ctx: Context, approval: DeviceApproval | null): Promise<DeviceRecord[]> {
  const all = await ctx.read(device.list, {})
  return approval === null ? all : all.filter((record) => record.approval === approval)
}

export function findDevice(ctx: Context, deviceIdentifier: string): Found<DeviceRecord> {
  return ctx.lookup(byIdentifier, deviceIdentifier)
}

/** What a device does for its profile: one call per role, however many devices. */
export function rolesOf(ctx: Context, deviceIdentifier: string): Promise<DeviceRole[]> | DeviceRole[] {
  const kept = ctx.lookup(holders.storage, deviceIdentifier)
  const voting = ctx.lookup(holders.authenticator, deviceIdentifier)
  if (kept instanceof Promise || voting instanceof Promise) {
    return Promise.all([kept, voting]).then(([storage, authenticator]) => rolesFrom(storage, authenticator))
  }
  return rolesFrom(kept, voting)
}

function rolesFrom(storage: object | null, authenticator: object | null): DeviceRole[] {
  const roles: DeviceRole[] = []
  if (storage !== null) roles.push('storage')
  if (authenticator !== null) roles.push('authenticator')
  return roles
}

/** @param commandId of requestDevice, which has succeeded */
export function readDeviceIdentifier(ctx: Context, commandId: string): Promise<string> {
  return ctx.read(device.identifier, { id: commandId })
}

/** @param commandId of requestDevice; null until it has settled */
export function findDeviceIdentifier(ctx: Context, commandId: string): Promise<string | null> {
  return ctx.commands.followUp(commandId, () => readDeviceIdentifier(ctx, commandId))
}

export function findDeviceConfiguration(ctx: Context, deviceIdentifier: string): Promise<DeviceConfiguration | null> {
  return ctx.find(device.configuration, { deviceIdentifier })
}

export function requestDevice(ctx: Context, deviceName: string): Promise<Sent> {
  return ctx.commands.send(device.request, { deviceName })
}

export interface DeviceSettings {
  readonly deviceIdentifier: string
  readonly name?: string | null | undefined
  readonly extra?: unknown
}

/**
 * Privicore wants the name with every change (privicore.md §6): left out, the device's own is sent again.
 * @throws VALIDATION_FAILED, without a call, for free fields that are no object
 */
export async function configureDevice(ctx: Context, { deviceIdentifier, name, extra }: DeviceSettings): Promise<Sent> {
  const free = objectOf(extra, 'extra')
  const kept = name ?? (await findDevice(ctx, deviceIdentifier))?.name
  return ctx.commands.send(device.configure, { deviceIdentifier, name: kept, extra: free })
}

export function approveDevice(ctx: Context, deviceIdentifier: string): Promise<Sent> {
  return ctx.commands.send(device.approve, { deviceIdentifier })
}

export function rejectDevice(ctx: Context, deviceIdentifier: string): Promise<Sent> {
  return ctx.commands.send(device.reject, { deviceIdentifier })
}

export function removeDevice(ctx: Context, deviceIdentifier: string): Promise<Sent> {
  return ctx.commands.send(device.remove, { deviceIdentifier })
}
