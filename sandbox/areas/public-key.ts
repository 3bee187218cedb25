// Knows the public-key rows (privicore.md section 4).
import { notFound, ok, Refusal, timestamp } from '../answers.ts'
import type { Routes } from '../router.ts'
import { generateKeyPair, isSignedKey } from '../signed-key.ts'
import { text } from '../validation.ts'
import { accept, type World } from '../world.ts'

export function publicKey(world: World): Routes {
  const { state, dialect } = world
  const written = (hex: string) => (dialect.publicKeyCase === 'upper' ? hex.toUpperCase() : hex.toLowerCase())

  return {
    'publicKey.generate': {
      method: 'GET',
      path: '/generate-keys',
      auth: 'none',
      answer: () => {
        const pair = generateKeyPair(dialect.publicKeyTag)
        return ok({ private: written(pair.private), public: written(pair.public) })
      },
    },

    'publicKey.register': {
      method: 'POST',
      path: '/public-key/register-public-key',
      auth: 'token',
      keyless: true,
      fields: { publicKey: text },
      answer: (call, { profile }) => {
        const hex = call.text('publicKey')
        if (!isSignedKey(hex))
          throw new Refusal(422, [{ field: 'publicKey', message: 'This is not a signed public key.' }])
        return accept(world, call.endpoint, profile, {
          apply: () => {
            profile.publicKey = { hex, createdAt: Date.now() }
          },
        })
      },
    },

    'publicKey.own': {
      method: 'GET',
      path: '/public-key/retrieve-public-key',
      auth: 'token',
      keyless: true,
      answer: (_call, { profile }) => {
        const key = state.seen(profile).publicKey
        if (!key) throw notFound()
        const extras = { createdAt: timestamp(key.createdAt), status: 'active' }
        return ok({ publicKey: written(key.hex), ...(dialect.publicKeyExtras === 'present' ? extras : {}) })
      },
    },

    'publicKey.cab': {
      method: 'GET',
      path: '/dptcab/public-key',
      auth: 'token',
      keyless: true,
      answer: () => ok({ publicKey: written(state.cabKey) }),
    },
  }
}
