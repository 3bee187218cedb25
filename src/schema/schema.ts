// All of the schema: importing an area is what puts it in.
import './command.ts'
import './node.ts'
import './utility.ts'
import './profile.ts'
import './device.ts'
import type { GraphQLSchema } from 'graphql'
import { builder } from './builder.ts'

export const schema: GraphQLSchema = builder.toSchema()
