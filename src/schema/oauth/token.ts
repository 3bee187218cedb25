// Consent, authorization codes and access tokens, as clients see them.
import { type OAuthAuthorizationCode, oauth } from '../../privicore/oauth.ts'
import {
  authorizeApplication,
  type GrantedAccessToken,
  obtainAccessToken,
  refreshAccessToken,
  requestAuthorizationCode,
  retrieveAuthorizationCode,
} from '../../resolvers/oauth.ts'
import { resultOf } from '../../resolvers/workflow.ts'
import { builder } from '../builder.ts'
import { commandMutation, mutation } from '../command.ts'
import { rest } from '../rest.ts'

const OAuthAuthorizationCodeType = builder.objectRef<OAuthAuthorizationCode>('OAuthAuthorizationCode').implement({
  description: 'A consent, to be changed for an access token. Secret: works once, for a short time.',
  fields: (t) => ({
    code: t.string({
      nullable: false,
      description: 'Secret. Give it to obtainOAuthAccessToken.',
      resolve: (it) => it.code.reveal(),
    }),
    clientId: t.exposeString('clientId', { nullable: true, description: 'The application that was consented to.' }),
    nonce: t.exposeString('nonce', { nullable: true, description: 'The nonce that the consent was asked for with.' }),
    expiresAt: t.expose('expiresAt', { type: 'DateTime', nullable: true, description: 'When the code stops working.' }),
  }),
})

const OAuthAccessTokenType = builder.objectRef<GrantedAccessToken>('OAuthAccessToken').implement({
  description: 'What an application acts with, for the profile that consented. Secret.',
  fields: (t) => ({
    clientId: t.exposeString('clientId', { nullable: true, description: 'The application it was granted to.' }),
    token: t.string({
      nullable: false,
      description: 'Secret. Send it where a Privicore token is asked for.',
      resolve: (it) => it.token.reveal(),
    }),
    refreshToken: t.string({
      nullable: false,
      description: 'Secret. Give it to refreshOAuthAccessToken; a refresh may replace it.',
      resolve: (it) => it.refreshToken.reveal(),
    }),
    type: t.exposeString('type', { nullable: false, description: 'Kind of token: bearer.' }),
    scopes: t.field({
      type: ['String'],
      nullable: false,
      description: 'What it allows: `all`, `<area>.all` or `<area>.<operation>`; empty if Privicore does not say.',
      resolve: (it) => it.scopes,
    }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the token stops working.',
    }),
    refreshTokenExpiresAt: t.expose('refreshTokenExpiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the refresh token stops working: then consent is needed anew.',
    }),
  }),
})

const clientId = 'Of the configuration of the application.'
const clientSecret = 'Of the configuration of the application. Secret: send it as a variable.'
const scopes = 'What to ask for, at least one: `all`, `<area>.all` or `<area>.<operation>`.'

const RequestOAuthAuthorizationCodeInput = builder.inputType('RequestOAuthAuthorizationCodeInput', {
  description: 'A consent to ask for.',
  fields: (t) => ({
    clientId: t.string({ required: true, description: clientId }),
    nonce: t.string({ required: true, description: 'A text used once: the code is only handed out to who knows it.' }),
    scopes: t.stringList({ required: true, description: scopes }),
  }),
})

const RetrieveOAuthAuthorizationCodeInput = builder.inputType('RetrieveOAuthAuthorizationCodeInput', {
  description: 'A consent to take the code of, and the application that takes it.',
  fields: (t) => ({
    clientId: t.string({ required: true, description: clientId }),
    clientSecret: t.string({ required: true, description: clientSecret }),
    commandId: t.id({ required: true, description: 'commandId of requestOAuthAuthorizationCode.' }),
    nonce: t.string({ required: true, description: 'The one that the code was asked for with.' }),
  }),
})

const ObtainOAuthAccessTokenInput = builder.inputType('ObtainOAuthAccessTokenInput', {
  description: 'A code to change for a token, and the application that changes it.',
  fields: (t) => ({
    clientId: t.string({ required: true, description: clientId }),
    clientSecret: t.string({ required: true, description: clientSecret }),
    authorizationCode: t.string({ required: true, description: 'Of retrieveOAuthAuthorizationCode. Secret.' }),
  }),
})

const RefreshOAuthAccessTokenInput = builder.inputType('RefreshOAuthAccessTokenInput', {
  description: 'A token to make new.',
  fields: (t) => ({
    accessToken: t.string({ required: true, description: 'The access token, even if it has expired. Secret.' }),
    refreshToken: t.string({ required: true, description: 'The refresh token that came with it. Secret.' }),
  }),
})

const AuthorizeOAuthApplicationInput = builder.inputType('AuthorizeOAuthApplicationInput', {
  description: 'An application, and what the caller lets it do.',
  fields: (t) => ({
    clientId: t.string({ required: true, description: clientId }),
    clientSecret: t.string({ required: true, description: clientSecret }),
    scopes: t.stringList({ required: true, description: scopes }),
  }),
})

commandMutation('requestOAuthAuthorizationCode', {
  description: 'Consents, as the profile of the token, to what an application asks for.',
  calls: [oauth.requestCode],
  input: RequestOAuthAuthorizationCodeInput,
  renamed: { scope: 'scopes' },
  run: requestAuthorizationCode,
})

mutation('retrieveOAuthAuthorizationCode', {
  description:
    'Takes the authorization code of a consent, as the application: needs no profile token. Privicore hands it out once, and only for the nonce it was asked for with. Wrong credentials are an error, UNAUTHENTICATED; NOT_FOUND until the consent has succeeded.',
  calls: [oauth.code],
  input: RetrieveOAuthAuthorizationCodeInput,
  renamed: { id: 'commandId' },
  run: retrieveAuthorizationCode,
  fields: (t) => ({
    authorizationCode: t.field({
      type: OAuthAuthorizationCodeType,
      nullable: true,
      description: 'The code. Secret.',
      resolve: ({ result }) => result,
    }),
  }),
})

mutation('obtainOAuthAccessToken', {
  description:
    'Changes an authorization code for an access token, as the application: needs no profile token. A code works once. Wrong credentials are an error, UNAUTHENTICATED.',
  calls: [oauth.accessToken],
  input: ObtainOAuthAccessTokenInput,
  run: obtainAccessToken,
  fields: (t) => ({
    accessToken: t.field({
      type: OAuthAccessTokenType,
      nullable: true,
      description: 'The access token. Secret.',
      resolve: ({ result }) => result,
    }),
  }),
})

mutation('refreshOAuthAccessToken', {
  description:
    'Changes a refresh token for a new access token. Needs no profile token. The old token may stop working.',
  calls: [oauth.refresh],
  input: RefreshOAuthAccessTokenInput,
  run: refreshAccessToken,
  fields: (t) => ({
    accessToken: t.field({
      type: OAuthAccessTokenType,
      nullable: true,
      description: 'The new access token. Secret. Its refreshToken is the one to use from now on.',
      resolve: ({ result }) => result,
    }),
  }),
})

const AuthorizeStep = builder.enumType('AuthorizeOAuthApplicationStep', {
  description: 'The steps of authorizeOAuthApplication, in their order.',
  values: {
    REQUEST_CODE: { description: 'The profile consents.' },
    RETRIEVE_CODE: { description: 'The application takes the authorization code. Wrong credentials stop here.' },
    OBTAIN_TOKEN: { description: 'The application changes the code for an access token.' },
  } as const,
})

commandMutation('authorizeOAuthApplication', {
  description:
    "From consent to access token in one request: the profile of the token consents, then the application takes the code and changes it. The nonce is the gateway's. Stops at the first step that is refused, fails or is still pending, and repeats none.",
  calls: [oauth.requestCode],
  input: AuthorizeOAuthApplicationInput,
  renamed: { scope: 'scopes' },
  run: authorizeApplication,
  fields: (t) => ({
    accessToken: t.field({
      type: OAuthAccessTokenType,
      nullable: true,
      description:
        'The access token. Secret. Selecting it waits for the consent and takes the two steps after it; a failure of theirs is an error here. Null if the consent was rejected or is still pending when time runs out.',
      extensions: { ...rest(oauth.code, oauth.accessToken) },
      resolve: async ({ result }) => (result === null ? null : resultOf(await result.proceed())),
    }),
    stoppedAt: t.field({
      type: AuthorizeStep,
      nullable: true,
      description:
        'The step that was refused, failed or is still pending; null when all is done. Selecting it waits, and takes the steps, as accessToken does.',
      resolve: async ({ result }) => (result === null ? 'REQUEST_CODE' : (await result.proceed()).stoppedAt),
    }),
  }),
})
