// Knows the life of a command: pending, settled, rejected, held; and what is seen of it when.
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { client, deviceNamed, start } from './client.ts'

test('accepted is not done: the change shows only once the command has settled', async () => {
  const { sandbox, form, get, outcome } = await start()
  const held = sandbox.hold('device.approve')
  const deviceIdentifier = deviceNamed(sandbox, 'New tablet')
  const accepted = await form('/device/approve-device', { deviceIdentifier })
  expect(accepted).toMatchObject({ status: 202, body: [accepted.id] })
  await pause(20)
  const approved = () => sandbox.state.device(deviceIdentifier).approved
  expect((await get(`/request-status/${accepted.id}`)).status).toBe(202)
  expect(approved()).toBe(false)
  held.release()
  expect(await outcome(accepted)).toBe('succeeded')
  expect(approved()).toBe(true)
})

test('ids of later commands sort after those of earlier ones', async () => {
  const { form } = await start()
  const ids: string[] = []
  for (let count = 0; count < 20; count++) ids.push((await form('/device/remove', { deviceIdentifier: 'x' })).id)
  expect([...ids].sort()).toEqual(ids)
  expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})

test('business rules answer as rejections, with a dotted reason', async () => {
  const { sandbox, form, outcome, bob } = await start()
  const id = (name: string) => ({ deviceIdentifier: deviceNamed(sandbox, name) })
  const cases: [path: string, fields: Record<string, string>, reason: string][] = [
    ['/profile/register-profile', { username: 'alice', password: 'x' }, 'profile.username_taken'],
    ['/profile/change-password', { currentPassword: 'x', newPassword: 'y' }, 'profile.invalid_password'],
    ['/device/approve-device', { deviceIdentifier: 'nobody' }, 'device.not_found'],
    ['/device/approve-device', id('Office laptop'), 'device.not_pending'],
    ['/device/approve-device', id('Unboxed laptop'), 'device.public_key_missing'],
    ['/device/reject-device', id('Office laptop'), 'device.not_pending'],
    ['/storage/register', id('Home NAS'), 'storage.already_registered'],
    ['/storage/register', id('New tablet'), 'device.not_approved'],
    ['/storage/sync-device', id('Office laptop'), 'storage.not_registered'],
    ['/storage/sync-device', id('Archive server'), 'device.offline'],
    ['/storage/remove', id('Office laptop'), 'storage.not_registered'],
    ['/verified-authenticator/register', id('Work phone'), 'verified_authenticator.already_registered'],
    ['/verified-authenticator/remove', id('Home NAS'), 'verified_authenticator.not_registered'],
    ['/data-token/delete-data', { token: 'nothing' }, 'data_token.not_found'],
    ['/policy/activate', { policyId: 'nothing' }, 'policy.not_found'],
  ]
  for (const [path, fields, reason] of cases) {
    expect({ path, fields, reason: await outcome(form(path, fields)) }).toEqual({ path, fields, reason })
  }
  expect(await bob.outcome(bob.form('/device/remove', id('Home NAS')))).toBe('profile.not_an_owner')
})

test('a device that has registered its key can be approved', async () => {
  const { sandbox, form, outcome } = await start()
  const asked = await form('/device/request-unique-identifier', { deviceName: 'Watch' })
  await outcome(asked)
  const { body } = await form('/device/retrieve-unique-identifier', { id: asked.id })
  expect(await outcome(form('/device/approve-device', body))).toBe('device.public_key_missing')
  sandbox.registerDeviceKey(body.deviceIdentifier)
  expect(await outcome(form('/device/approve-device', body))).toBe('succeeded')
})

test('a removed device loses its roles, a removed role leaves the device', async () => {
  const { sandbox, form, get, outcome } = await start()
  const deviceIdentifier = deviceNamed(sandbox, 'Backup server')
  const ids = async (path: string) =>
    (await get(path)).body.map((one: { deviceIdentifier: string }) => one.deviceIdentifier)
  await outcome(form('/storage/remove', { deviceIdentifier }))
  expect(await ids('/storage/list-storage-devices')).not.toContain(deviceIdentifier)
  expect(await ids('/device/retrieve-profile-devices')).toContain(deviceIdentifier)
  await outcome(form('/device/remove', { deviceIdentifier }))
  expect(await ids('/verified-authenticator/list-verified-authenticator')).not.toContain(deviceIdentifier)
  expect(await ids('/device/retrieve-profile-devices')).not.toContain(deviceIdentifier)
})

test('polling needs no token, and an unknown id is 404', async () => {
  const { sandbox, form } = await start({ commandLatencyMs: 1000 })
  const nobody = client(sandbox, null)
  const { id } = await form('/device/remove', { deviceIdentifier: 'x' })
  expect((await nobody.get(`/request-status/${id}`)).status).toBe(202)
  expect((await nobody.get('/request-status/unknown')).status).toBe(404)
})

test('an ordered rejection hits as many commands as ordered, of that endpoint only', async () => {
  const { sandbox, form, outcome } = await start()
  const deviceIdentifier = deviceNamed(sandbox, 'Home NAS')
  sandbox.reject('storage.remove', 'storage.busy')
  expect(await outcome(form('/storage/sync-device', { deviceIdentifier }))).toBe('succeeded')
  expect(await outcome(form('/storage/remove', { deviceIdentifier }))).toBe('storage.busy')
  expect(await outcome(form('/storage/remove', { deviceIdentifier }))).toBe('succeeded')
})

test('settle decides a held command at once, either way, and only once', async () => {
  const { sandbox, form, get } = await start()
  sandbox.hold('storage.remove')
  const deviceIdentifier = deviceNamed(sandbox, 'Home NAS')
  const first = await form('/storage/remove', { deviceIdentifier })
  sandbox.settle(first.id, { rejected: 'storage.busy' })
  sandbox.settle(first.id)
  const rejected = { status: 200, body: { command_status: 3, body: 'storage.busy' } }
  expect(await get(`/request-status/${first.id}`)).toMatchObject(rejected)
  const second = await form('/storage/remove', { deviceIdentifier })
  sandbox.settle(second.id)
  expect((await get(`/request-status/${second.id}`)).body).toEqual({ command_status: 2 })
})

test('after success, follow-ups and lists lag behind as long as ordered', async () => {
  const { form, get, outcome } = await start({ retrievalLagMs: 500 })
  const asked = await form('/device/request-unique-identifier', { deviceName: 'Watch' })
  expect(await outcome(asked)).toBe('succeeded')
  const names = async () =>
    (await get('/device/retrieve-profile-devices')).body.map((one: { name: string }) => one.name)
  expect((await form('/device/retrieve-unique-identifier', { id: asked.id })).status).toBe(404)
  expect(await names()).not.toContain('Watch')
  await pause(520)
  expect((await form('/device/retrieve-unique-identifier', { id: asked.id })).status).toBe(200)
  expect(await names()).toContain('Watch')
})

test('a follow-up answers 404 to anybody but the owner', async () => {
  const { form, outcome, bob } = await start()
  const asked = await form('/device/request-unique-identifier', { deviceName: 'Watch' })
  await outcome(asked)
  expect((await bob.form('/device/retrieve-unique-identifier', { id: asked.id })).status).toBe(404)
})

test('closing leaves nothing behind that settles later', async () => {
  const { sandbox, form } = await start({ commandLatencyMs: 30 })
  const { id } = await form('/device/remove', { deviceIdentifier: 'x' })
  await sandbox.close()
  await pause(50)
  expect(sandbox.state.commands.get(id)?.settledAt).toBeNull()
})

test('a name that no row has is an error, not a switch that does nothing', async () => {
  const { sandbox } = await start()
  expect(() => sandbox.fault('device.aprove', { kind: 'hang' })).toThrow('device.aprove')
  expect(() => sandbox.reject('device.aprove', 'x')).toThrow('device.aprove')
  expect(() => sandbox.hold('device.aprove')).toThrow('device.aprove')
  expect(() => sandbox.count('device.aprove')).toThrow('device.aprove')
})
