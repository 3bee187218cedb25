// Public keys, as clients see them.
import { bareKey, faultOfSignedKey, type KeyPair, type PublicKeyRecord, publicKey } from '../privicore/public-key.ts'
import { findCabPublicKey, findPublicKey, generateKeyPair, registerPublicKey } from '../resolvers/public-key.ts'
import { builder } from './builder.ts'
import { afterSuccess, commandMutation, mutation } from './command.ts'
import { ProfileType } from './profile.ts'
import { ahead, rest } from './rest.ts'

export const PublicKeyType = builder.objectRef<PublicKeyRecord>('PublicKey').implement({
  description:
    'A signed public key: 4 bytes of version tag, a 32-byte Curve25519 key, and a 64-byte BLAKE2b hash of both.',
  fields: (t) => ({
    signedHex: t.exposeString('signedHex', {
      nullable: false,
      description: '200 hex characters, in either case: version tag, Curve25519 key, BLAKE2b hash.',
    }),
    keyHex: t.string({
      nullable: false,
      description: 'The 32-byte Curve25519 key in it, as 64 hex characters. Use it only where `valid` is true.',
      resolve: (key) => bareKey(key.signedHex),
    }),
    valid: t.boolean({
      nullable: false,
      description: 'Whether its length is right and its hash matches. The version tag is not judged.',
      resolve: (key) => faultOfSignedKey(key.signedHex) === null,
    }),
    status: t.exposeString('status', {
      nullable: true,
      description: 'In the words of Privicore; null if it says nothing.',
    }),
    createdAt: t.expose('createdAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was registered; null if Privicore does not say.',
    }),
  }),
})

const KeyPairType = builder.objectRef<KeyPair>('KeyPair').implement({
  description: 'A new pair of keys. Secret: shown once, stored nowhere.',
  fields: (t) => ({
    privateKeyHex: t.string({
      nullable: false,
      description: 'Secret. 64 hex characters. Keep it on the device: what is encrypted for the public key needs it.',
      resolve: (pair) => pair.privateKeyHex.reveal(),
    }),
    publicKey: t.expose('publicKey', {
      type: PublicKeyType,
      nullable: false,
      description: 'The public half, signed: give it to registerPublicKey.',
    }),
  }),
})

builder.objectField(ProfileType, 'publicKey', (t) =>
  t.field({
    type: PublicKeyType,
    nullable: true,
    description: "The profile's registered public key; null until registerPublicKey has succeeded.",
    extensions: { ...rest(publicKey.own), ...ahead(publicKey.own) },
    resolve: (_, __, ctx) => findPublicKey(ctx),
  }),
)

builder.queryField('cabPublicKey', (t) =>
  t.field({
    type: PublicKeyType,
    nullable: true,
    description: "The engine's own public key, to encrypt for it. It can rotate: ask again before you use it.",
    extensions: { ...rest(publicKey.cab), ...ahead(publicKey.cab) },
    resolve: (_, __, ctx) => findCabPublicKey(ctx),
  }),
)

const RegisterPublicKeyInput = builder.inputType('RegisterPublicKeyInput', {
  description: 'A public key to work with.',
  fields: (t) => ({
    signedHex: t.string({
      required: true,
      description:
        '200 hex characters, in either case. Checked before it is sent: a wrong length or hash is a userError, and nothing is sent.',
    }),
  }),
})

mutation('generateKeyPair', {
  description:
    'Lets Privicore make a pair of keys. A mutation, so that a private key is never cached or sent by GET. Nothing is registered. Needs no token.',
  calls: [publicKey.generate],
  run: generateKeyPair,
  fields: (t) => ({
    keyPair: t.field({
      type: KeyPairType,
      nullable: true,
      description: 'The new pair. Secret.',
      resolve: ({ result }) => result,
    }),
  }),
})

commandMutation('registerPublicKey', {
  description:
    'Registers the public key of the profile, in place of any before it. Until one is registered, Privicore refuses most operations.',
  calls: [publicKey.register],
  input: RegisterPublicKeyInput,
  renamed: { publicKey: 'signedHex' },
  run: (ctx, { signedHex }) => registerPublicKey(ctx, signedHex),
  fields: (t) => ({
    publicKey: afterSuccess(t, {
      type: PublicKeyType,
      description: 'The key that is registered now.',
      calls: [publicKey.own],
      find: (ctx) => findPublicKey(ctx),
      current: (found, { input }) => found.signedHex.toLowerCase() === input.signedHex.toLowerCase(),
    }),
  }),
})
