// Command, and the way every mutation is made: input in, a result or userErrors out, and what the command made after it.
import type { InputObjectRef, ObjectFieldsShape, ObjectRef } from '@pothos/core'
import { type GraphQLInputObjectType, isInputObjectType } from 'graphql'
import { type CommandRecord, isSettled } from '../commands/command.ts'
import type { Context } from '../context/context.ts'
import type { Found } from '../context/scope.ts'
import type { AnyEndpoint } from '../privicore/endpoint.ts'
import { hasCode, type PrivicoreError } from '../privicore/errors.ts'
import { utility } from '../privicore/utility.ts'
import { outcomeOf } from '../resolvers/command.ts'
import { builder, type SchemaTypes } from './builder.ts'
import { toUserErrors, type UserErrorShape } from './errors.ts'
import { implementNode } from './node.ts'
import { rest } from './rest.ts'

type Types = PothosSchemaTypes.ExtendDefaultTypes<SchemaTypes>
type FieldBuilder<Shape extends object> = PothosSchemaTypes.ObjectFieldBuilder<Types, Shape>

export const CommandStatusEnum = builder.enumType('CommandStatus', {
  description: 'How far a command has come. SUCCEEDED and REJECTED are final.',
  values: {
    PENDING: { description: 'Accepted, not done yet. One that waits for a vote stays here for minutes.' },
    SUCCEEDED: { description: 'Done. What it made may take a moment to be readable.' },
    REJECTED: { description: 'Refused for a business reason; see `reason`. Nothing has changed.' },
  } as const,
})

export const CommandType = builder.objectRef<CommandRecord>('Command')

const CommandOutcome = builder.objectRef<CommandRecord>('CommandOutcome').implement({
  description: 'How a command ended, or PENDING when the time given ran out first.',
  fields: (t) => ({
    status: t.expose('status', { type: CommandStatusEnum, nullable: false, description: 'PENDING when time ran out.' }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'Why it was rejected: often a dotted key such as device.not_pending.',
    }),
    settledAt: t.expose('settledAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the gateway learnt the outcome.',
    }),
  }),
})

implementNode(CommandType, {
  description: 'Something Privicore does asynchronously. Visible to the caller who sent it.',
  id: (command) => command.commandId,
  load: (ctx, ids) => Promise.all(ids.map((id) => ctx.commands.find(id))),
  fields: (t) => ({
    commandId: t.exposeID('commandId', {
      nullable: false,
      description:
        "Privicore's id of the command. Where Privicore completes one at once and gives no id, one of the gateway's own, already settled.",
    }),
    operation: t.exposeString('operation', {
      nullable: true,
      description:
        'Catalogue id of the call that started it, e.g. device.approve; null when another client started it.',
    }),
    status: t.expose('status', {
      type: CommandStatusEnum,
      nullable: false,
      description: 'As known when this was answered: PENDING right after a mutation. Use `outcome` to wait.',
    }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'Why it was rejected: often a dotted key such as device.not_pending.',
    }),
    acceptedAt: t.expose('acceptedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When Privicore accepted it; null when another client started it.',
    }),
    settledAt: t.expose('settledAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the gateway learnt the outcome; null while PENDING.',
    }),
    outcome: t.field({
      type: CommandOutcome,
      nullable: true,
      description:
        "Waits until the command settles, at most timeoutMs (and never past the request's deadline); status is PENDING when time runs out. Made for @defer: one request returns the id at once and the outcome when it is known.",
      args: { timeoutMs: t.arg.int({ defaultValue: 10_000, description: 'How long to wait, in milliseconds.' }) },
      resolve: (command, { timeoutMs }, ctx) => (isSettled(command) ? command : outcomeOf(ctx, command, timeoutMs)),
    }),
  }),
})

const UserError = builder.objectRef<UserErrorShape>('UserError').implement({
  description: 'Something about the input that the caller can mend. Nothing has been sent or changed.',
  fields: (t) => ({
    field: t.field({
      type: ['String'],
      nullable: true,
      description: 'Path of the input field, e.g. ["input", "deviceName"]; null when it concerns the whole input.',
      resolve: (error) => error.field,
    }),
    message: t.exposeString('message', {
      nullable: false,
      description: 'What is wrong, for developers: in the words of Privicore.',
    }),
    code: t.exposeString('code', {
      nullable: false,
      description: "VALIDATION_FAILED, or Privicore's own dotted key, e.g. oauth.already_retrieved. Switch on this.",
    }),
  }),
})

/** What the resolvers of a payload see: the input, and the result unless there were userErrors. */
export interface Payload<Input, Result> {
  readonly input: Input
  readonly result: Result | null
  readonly userErrors: readonly UserErrorShape[]
}

const userErrorsField = <Shape extends Payload<unknown, unknown>>(t: FieldBuilder<Shape>) =>
  t.field({
    type: [UserError],
    nullable: false,
    description:
      'What the caller can mend; empty when the input was accepted. Everything else that fails is a GraphQL error.',
    resolve: (payload) => payload.userErrors,
  })

const commandField = <Shape extends Payload<unknown, { readonly command: CommandRecord | null }>>(
  t: FieldBuilder<Shape>,
) =>
  t.field({
    type: CommandType,
    nullable: true,
    description: 'The command that Privicore has accepted; null exactly when userErrors is not empty.',
    resolve: (payload) => payload.result?.command ?? null,
  })

const CommandPayload = builder
  .interfaceRef<Payload<unknown, { command: CommandRecord | null }>>('CommandPayload')
  .implement({
    description:
      'The answer to a mutation that Privicore carries out as an asynchronous command. Any other object on a payload is read AFTER the command has succeeded: selecting it waits, within the deadline of the request; null if it was rejected or is still pending then.',
    fields: (t) => ({
      command: commandField(t as never),
      userErrors: userErrorsField(t as never),
    }),
  })

interface MutationOptions<Input, Result> {
  readonly description: string
  /** The rows it may call. */
  readonly calls: readonly AnyEndpoint[]
  readonly input?: InputObjectRef<Types, Input>
  /** The input may be left out altogether. */
  readonly inputOptional?: boolean
  /** REST field → input field, where the names differ: a 422 is told in the words of the input. */
  readonly renamed?: Readonly<Record<string, string>>
  readonly run: (ctx: Context, input: Input) => Promise<Result>
  /** A 422 that a result carries, where something was achieved before it: told as userErrors beside that. */
  readonly refusal?: (result: Result) => PrivicoreError | null
  readonly payloadDescription?: string
  readonly fields?: ObjectFieldsShape<Types, Payload<Input, Result>>
}

/** A mutation of Privicore's asynchronous kind: its payload implements CommandPayload. */
export function commandMutation<Input, Result extends { readonly command: CommandRecord }>(
  name: string,
  options: MutationOptions<Input, Result>,
): void {
  define(name, options, (ref, description) =>
    builder.objectType(ref, {
      description,
      interfaces: [CommandPayload as never],
      fields: options.fields ?? (() => ({})),
    }),
  )
}

/** A mutation with a payload of its own; `command` where Privicore may answer with one. */
export function mutation<Input, Result extends object>(
  name: string,
  options: MutationOptions<Input, Result> & { readonly mayBeCommand?: boolean },
): void {
  define(name, options, (ref, description) =>
    builder.objectType(ref, {
      description,
      fields: (t) => ({
        ...(options.mayBeCommand ? { command: commandField(t as never) } : {}),
        ...options.fields?.(t),
        userErrors: userErrorsField(t),
      }),
    }),
  )
}

function define<Input, Result>(
  name: string,
  options: MutationOptions<Input, Result>,
  implement: (ref: ObjectRef<Types, Payload<Input, Result>>, description: string) => void,
): void {
  const typeName = `${name[0]?.toUpperCase()}${name.slice(1)}Payload`
  const ref = builder.objectRef<Payload<Input, Result>>(typeName)
  implement(ref, options.payloadDescription ?? `The answer to ${name}.`)
  const { input } = options
  builder.mutationField(name, (t) =>
    t.field({
      type: ref,
      nullable: true,
      description: options.description,
      extensions: { ...rest(...options.calls) },
      args: input
        ? { input: t.arg({ type: input, required: !options.inputOptional, description: 'What is asked for.' }) }
        : {},
      resolve: async (_, args, ctx, info): Promise<Payload<Input, Result>> => {
        const given = (args as { input?: Input | null }).input ?? ({} as Input)
        const told = (refusal: PrivicoreError) => {
          const inputType = input === undefined ? undefined : info.schema.getType(input.name)
          const names = isInputObjectType(inputType)
            ? Object.keys((inputType as GraphQLInputObjectType).getFields())
            : []
          return toUserErrors(refusal, names, options.renamed)
        }
        try {
          const result = await options.run(ctx, given)
          const refusal = options.refusal?.(result) ?? null
          return { input: given, result, userErrors: refusal === null ? [] : told(refusal) }
        } catch (error) {
          if (!hasCode(error, 'VALIDATION_FAILED')) throw error
          return { input: given, result: null, userErrors: told(error) }
        }
      },
    }),
  )
}

/**
 * A field of a payload that is read once the command has succeeded; null where it was rejected or is still pending at the
 * operation's deadline.
 * @param current whether what was found shows the command's effect already; if not, it is read again for a while
 */
export function afterSuccess<Input, Result extends { readonly command: CommandRecord }, T>(
  t: FieldBuilder<Payload<Input, Result>>,
  options: {
    readonly type: ObjectRef<Types, T> | 'ID'
    readonly description: string
    readonly find: (ctx: Context, payload: { readonly input: Input; readonly result: Result }) => Found<T>
    readonly current?: (found: T, payload: { readonly input: Input; readonly result: Result }) => boolean
    readonly calls?: readonly AnyEndpoint[]
  },
) {
  return t.field({
    type: options.type,
    nullable: true,
    description: `${options.description} Selecting it waits for the command; null if it was rejected or is still pending when time runs out.`,
    extensions: { ...rest(...(options.calls ?? [])) },
    resolve: (({ input, result }: Payload<Input, Result>, _: object, ctx: Context) =>
      result === null
        ? null
        : ctx.commands.afterSuccess(
            result.command,
            () => options.find(ctx, { input, result }),
            (found) => options.current?.(found, { input, result }) ?? true,
          )) as never,
  })
}

builder.queryField('command', (t) =>
  t.field({
    type: CommandType,
    nullable: true,
    description:
      "A command as it is now, by Privicore's id (not its Node id). Null when Privicore does not know it, or another caller sent it. Needs no token for a command that was sent without one.",
    extensions: { ...rest(utility.requestStatus) },
    args: { commandId: t.arg.id({ required: true, description: "Privicore's id of the command." }) },
    resolve: (_, { commandId }, ctx) => ctx.commands.find(commandId),
  }),
)
