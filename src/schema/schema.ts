// All of the schema: importing an area is what puts it in.
import './command.ts'
import './node.ts'
import './utility.ts'
import './profile.ts'
import './device.ts'
import './storage.ts'
import './verified-authenticator/authenticator.ts'
import './verified-authenticator/voting-strategy.ts'
import './verified-authenticator/voting-configuration.ts'
import './policy.ts'
import './voting.ts'
import type { GraphQLSchema } from 'graphql'
import { builder } from './builder.ts'

export const schema: GraphQLSchema = builder.toSchema()
