// Signing up in one request, as clients see it.
import { profile } from '../privicore/profile.ts'
import { publicKey } from '../privicore/public-key.ts'
import { signUp } from '../resolvers/sign-up.ts'
import { resultOf } from '../resolvers/workflow.ts'
import { builder } from './builder.ts'
import { CommandType, mutation } from './command.ts'
import { SessionType } from './profile.ts'
import { rest } from './rest.ts'

const SignUpStep = builder.enumType('SignUpStep', {
  description: 'The steps of signUp, in their order.',
  values: {
    REGISTER: { description: 'The profile is made. A taken username stops here: the command is REJECTED.' },
    AUTHENTICATE: { description: 'The new profile signs in. The profile exists by now: go on with authenticate.' },
    REGISTER_KEY: {
      description: 'Its public key is registered. There is a session by now: go on with registerPublicKey.',
    },
  } as const,
})

const SignUpInput = builder.inputType('SignUpInput', {
  description: 'A profile to be, and its public key.',
  fields: (t) => ({
    username: t.string({ required: true, description: 'Must not be taken.' }),
    password: t.string({ required: true, description: 'Never stored or logged by the gateway.' }),
    publicKeyHex: t.string({
      required: true,
      description:
        'The signed public key, 200 hex characters. Checked before anything is sent. The private key stays with you.',
    }),
  }),
})

mutation('signUp', {
  description:
    'Makes a profile that can work at once: registers it, signs in, and registers its public key. Needs no token. Stops at the first step that is refused, fails or is still pending, and repeats none. What fails before anything was accepted is an error of the whole mutation; later, of the field that the step would have filled.',
  calls: [profile.register, profile.authenticate, publicKey.register],
  input: SignUpInput,
  renamed: { publicKey: 'publicKeyHex' },
  run: signUp,
  refusal: (result) => result.refusal,
  fields: (t) => ({
    session: t.field({
      type: SessionType,
      nullable: true,
      description: 'The new session: there as soon as AUTHENTICATE is done, even where REGISTER_KEY stops.',
      extensions: { ...rest(profile.authenticate) },
      resolve: ({ result }) => {
        if (result?.session == null && result !== null) resultOf(result)
        return result?.session
      },
    }),
    stoppedAt: t.field({
      type: SignUpStep,
      nullable: true,
      description: 'The step that was refused, failed or is still pending; null when all is done.',
      resolve: ({ result }) => result?.stoppedAt,
    }),
    command: t.field({
      type: CommandType,
      nullable: true,
      description:
        'The last command that Privicore has accepted: its `operation` says of which step. Where REGISTER_KEY fails to be sent, the failure is an error here.',
      resolve: ({ result }) => {
        if (result?.session != null) resultOf(result)
        return result?.command
      },
    }),
  }),
})
