// The profile and its sessions, as clients see them.
import { profile, type QrToken, type Session } from '../privicore/profile.ts'
import {
  authenticate,
  changePassword,
  findProfile,
  generateQrToken,
  type ProfileRecord,
  reauthorizeToken,
  registerProfile,
  revokeToken,
  tokenExpiry,
} from '../resolvers/profile.ts'
import { builder } from './builder.ts'
import { commandMutation, mutation } from './command.ts'
import { implementNode } from './node.ts'
import { ahead, rest } from './rest.ts'

export const ProfileType = builder.objectRef<ProfileRecord>('Profile')

implementNode(ProfileType, {
  description: 'The profile that the token belongs to.',
  id: (record) => record.profileId,
  load: async (ctx, ids) => {
    const own = await findProfile(ctx)
    return ids.map((id) => (id === own.profileId ? own : null))
  },
  fields: (t) => ({
    profileId: t.exposeID('profileId', { nullable: false, description: "Privicore's id of the profile." }),
    tokenExpiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the token of this request stops working.',
      extensions: { ...rest(profile.tokenExpiry), ...ahead(profile.tokenExpiry) },
      resolve: (_, __, ctx) => tokenExpiry(ctx),
    }),
  }),
})

export const SessionType = builder.objectRef<Session>('Session').implement({
  description: 'A token to work with. Secret.',
  fields: (t) => ({
    token: t.string({
      nullable: false,
      description: 'Send it as `Authorization: Bearer <token>`.',
      resolve: (it) => it.token.reveal(),
    }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', nullable: false, description: 'When it stops working.' }),
  }),
})

const QrTokenType = builder.objectRef<QrToken>('QrToken').implement({
  description: 'What to show as a QR code, for a device to sign in with. Secret; works once, for a short time.',
  fields: (t) => ({
    token: t.string({
      nullable: false,
      description: 'The content of the QR code.',
      resolve: (it) => it.token.reveal(),
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it stops working, if Privicore says so.',
    }),
  }),
})

builder.queryField('profile', (t) =>
  t.field({
    type: ProfileType,
    nullable: true,
    description: 'The profile that the token belongs to.',
    extensions: { ...rest(profile.id), ...ahead(profile.id) },
    resolve: (_, __, ctx) => findProfile(ctx),
  }),
)

const RegisterProfileInput = builder.inputType('RegisterProfileInput', {
  description: 'A profile to be.',
  fields: (t) => ({
    username: t.string({
      required: true,
      description: 'Must not be taken: a taken one is refused as a REJECTED command, or as CONFLICT.',
    }),
    password: t.string({ required: true, description: 'Never stored or logged by the gateway.' }),
  }),
})

const AuthenticateInput = builder.inputType('AuthenticateInput', {
  description: 'Credentials of a profile.',
  fields: (t) => ({
    username: t.string({ required: true, description: 'As registered.' }),
    password: t.string({ required: true, description: 'Never stored or logged by the gateway.' }),
  }),
})

const ChangePasswordInput = builder.inputType('ChangePasswordInput', {
  description: 'The old password and the new one.',
  fields: (t) => ({
    currentPassword: t.string({ required: true, description: 'A wrong one makes the command REJECTED.' }),
    newPassword: t.string({ required: true, description: 'Never stored or logged by the gateway.' }),
  }),
})

const ReauthorizeTokenInput = builder.inputType('ReauthorizeTokenInput', {
  description: 'How long the token shall live.',
  fields: (t) => ({
    ttlSeconds: t.int({ description: "Seconds from now; left out, Privicore's default." }),
  }),
})

commandMutation('registerProfile', {
  description: 'Makes a profile. Needs no token. Then authenticate, and register a public key.',
  calls: [profile.register],
  input: RegisterProfileInput,
  run: registerProfile,
})

mutation('authenticate', {
  description: 'Credentials in, token out. Wrong credentials are an error, UNAUTHENTICATED. Needs no token.',
  calls: [profile.authenticate],
  input: AuthenticateInput,
  run: authenticate,
  payloadDescription: 'Wrong credentials are a GraphQL error, UNAUTHENTICATED.',
  fields: (t) => ({
    session: t.field({
      type: SessionType,
      nullable: true,
      description: 'The new session.',
      resolve: ({ result }) => result,
    }),
  }),
})

commandMutation('changePassword', {
  description: 'Changes the password of the profile. Tokens already issued stay valid.',
  calls: [profile.changePassword],
  input: ChangePasswordInput,
  run: changePassword,
})

mutation('generateQrToken', {
  description: 'Makes a token to show as a QR code: it works once, for a short time.',
  calls: [profile.qrToken],
  run: generateQrToken,
  fields: (t) => ({
    qrToken: t.field({
      type: QrTokenType,
      nullable: true,
      description: 'The new QR token.',
      resolve: ({ result }) => result,
    }),
  }),
})

mutation('reauthorizeToken', {
  description:
    'Makes the session last longer: either the same token lives longer (a command), or there is a new one at once.',
  calls: [profile.reauthorize],
  input: ReauthorizeTokenInput,
  inputOptional: true,
  renamed: { ttl: 'ttlSeconds' },
  run: (ctx, { ttlSeconds }) => reauthorizeToken(ctx, ttlSeconds),
  payloadDescription: 'Either a command (the same token lives longer) or a new session at once, as Privicore answers.',
  mayBeCommand: true,
  fields: (t) => ({
    session: t.field({
      type: SessionType,
      nullable: true,
      description: 'A new session, where Privicore gave one; the old token may stop working.',
      resolve: ({ result }) => result?.session ?? null,
    }),
  }),
})

mutation('revokeToken', {
  description: 'Ends the session of this request: its token answers UNAUTHENTICATED from then on.',
  calls: [profile.revoke],
  run: revokeToken,
  mayBeCommand: true,
  fields: (t) => ({
    revoked: t.boolean({
      nullable: false,
      description: 'Whether the token is revoked. Where Privicore revokes by a command, selecting this waits for it.',
      resolve: async ({ result }, _, ctx) =>
        result !== null && (await ctx.commands.settle(result.command)).status === 'SUCCEEDED',
    }),
  }),
})
