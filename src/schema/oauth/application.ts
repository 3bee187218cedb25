// OAuth applications and their configurations, as clients see them.
import { type OAuthApplicationRecord, oauth } from '../../privicore/oauth.ts'
import {
  type ConfigurationOfApplication,
  findApplication,
  listApplications,
  listScopes,
  registerApplication,
  retrieveConfiguration,
} from '../../resolvers/oauth.ts'
import { builder } from '../builder.ts'
import { afterSuccess, commandMutation, mutation } from '../command.ts'
import { implementNode } from '../node.ts'
import { ahead, rest } from '../rest.ts'

const OAuthApplicationType = builder.objectRef<OAuthApplicationRecord>('OAuthApplication')

implementNode(OAuthApplicationType, {
  description: 'An application that may act for profiles who consent to it.',
  id: (record) => record.applicationId,
  load: (ctx, ids) => Promise.all(ids.map((id) => findApplication(ctx, id))),
  fields: (t) => ({
    applicationId: t.exposeID('applicationId', {
      nullable: false,
      description: "Privicore's id of the application: the commandId of its registration.",
    }),
    title: t.exposeString('title', { nullable: false, description: 'As its owner named it; empty if it has no name.' }),
    clientId: t.exposeString('clientId', {
      nullable: true,
      description: 'What it calls itself when it asks for consent. Not secret.',
    }),
    redirectUri: t.exposeString('redirectUri', {
      nullable: true,
      description: 'Where people are sent back to after they consent; null if it was registered without.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', nullable: true, description: 'When it was registered.' }),
  }),
})

const OAuthApplicationConfigurationType = builder
  .objectRef<ConfigurationOfApplication>('OAuthApplicationConfiguration')
  .implement({
    description: 'What an application needs to authenticate itself. Secret: Privicore hands it out once.',
    fields: (t) => ({
      applicationId: t.exposeID('applicationId', { nullable: false, description: 'The application it belongs to.' }),
      title: t.exposeString('title', { nullable: true, description: 'As its owner named it.' }),
      redirectUri: t.exposeString('redirectUri', {
        nullable: true,
        description: 'Where people are sent back to after they consent.',
      }),
      profileId: t.exposeID('profileId', { nullable: true, description: "Privicore's id of the owner's profile." }),
      clientId: t.exposeString('clientId', { nullable: false, description: 'The public half of its credentials.' }),
      clientSecret: t.string({
        nullable: false,
        description: 'Secret. Shown once: keep it, or register the application anew.',
        resolve: (it) => it.clientSecret.reveal(),
      }),
    }),
  })

builder.queryFields((t) => ({
  oauthApplications: t.field({
    type: [OAuthApplicationType],
    nullable: true,
    description: 'The OAuth applications of the profile, in the order of Privicore.',
    extensions: { ...rest(oauth.list), ...ahead(oauth.list) },
    resolve: (_, __, ctx) => listApplications(ctx),
  }),
  oauthAccessTokenScopes: t.stringList({
    nullable: true,
    description:
      'What an access token allows: `all`, `<area>.all` or `<area>.<operation>`, e.g. data_token.list_data_tokens. Needs no profile token. A wrong or expired access token is an error, UNAUTHENTICATED.',
    extensions: { ...rest(oauth.scope) },
    args: { accessToken: t.arg.string({ required: true, description: 'Secret. Send it as a variable.' }) },
    resolve: (_, { accessToken }, ctx) => listScopes(ctx, accessToken),
  }),
}))

const RegisterOAuthApplicationInput = builder.inputType('RegisterOAuthApplicationInput', {
  description: 'An OAuth application to be.',
  fields: (t) => ({
    title: t.string({ required: true, description: 'What to call it: people see it when they are asked for consent.' }),
    redirectUri: t.string({ description: 'An absolute URL to send people back to after they consent.' }),
    scopes: t.stringList({
      description:
        'What it may ask for: `all`, `<area>.all` or `<area>.<operation>`. Left out, nothing is limited here.',
    }),
  }),
})

const RetrieveOAuthApplicationConfigurationInput = builder.inputType('RetrieveOAuthApplicationConfigurationInput', {
  description: 'Names an application that was registered.',
  fields: (t) => ({
    applicationId: t.id({ required: true, description: 'commandId of registerOAuthApplication.' }),
  }),
})

commandMutation('registerOAuthApplication', {
  description:
    'Registers an OAuth application. Its commandId is the id of the application, to retrieve its configuration with.',
  calls: [oauth.register],
  input: RegisterOAuthApplicationInput,
  renamed: { scope: 'scopes' },
  run: registerApplication,
  fields: (t) => ({
    configuration: afterSuccess(t, {
      type: OAuthApplicationConfigurationType,
      description: 'Its credentials. Selecting it uses up the one time that Privicore hands the secret out.',
      calls: [oauth.configuration],
      find: (_, { result }) => result.configuration(),
    }),
  }),
})

mutation('retrieveOAuthApplicationConfiguration', {
  description:
    'Takes the credentials of an application. Privicore hands them out once: the second time is a userError, oauth.already_retrieved. NOT_FOUND until the registration has succeeded.',
  calls: [oauth.configuration],
  input: RetrieveOAuthApplicationConfigurationInput,
  renamed: { id: 'applicationId' },
  run: (ctx, { applicationId }) => retrieveConfiguration(ctx, applicationId),
  fields: (t) => ({
    configuration: t.field({
      type: OAuthApplicationConfigurationType,
      nullable: true,
      description: 'Its credentials. Secret.',
      resolve: ({ result }) => result,
    }),
  }),
})
