// OAuth applications: registration, consent, codes and tokens.
import { randomBytes } from 'node:crypto'
import type { Sent } from '../context/commands.ts'
import type { Context } from '../context/context.ts'
import type { Found } from '../context/scope.ts'
import { PrivicoreError } from '../privicore/errors.ts'
import {
  type OAuthAccessToken,
  type OAuthApplicationRecord,
  type OAuthAuthorizationCode,
  type OAuthConfiguration,
  oauth,
} from '../privicore/oauth.ts'
import { Secret } from '../privicore/secret.ts'
import { type Ended, Workflow } from './workflow.ts'

/** Enough that no two consents ever share one. */
const NONCE_BYTES = 24

export interface ConfigurationOfApplication extends OAuthConfiguration {
  readonly applicationId: string
}

export interface GrantedAccessToken extends OAuthAccessToken {
  readonly refreshToken: Secret
}

export interface ClientCredentials {
  readonly clientId: string
  readonly clientSecret: string
}

/** Basic base64(client_id:client_secret), privicore.md §3. */
function basicOf({ clientId, clientSecret }: ClientCredentials): { basic: Secret } {
  return { basic: new Secret(Buffer.from(`${clientId}:${clientSecret}`).toString('base64')) }
}

/** Basic with the raw access token: not base64, privicore.md §3. */
const bearing = (accessToken: string) => ({ basic: new Secret(accessToken) })

export function listApplications(ctx: Context): Promise<OAuthApplicationRecord[]> {
  return ctx.read(oauth.list, {})
}

export function findApplication(ctx: Context, applicationId: string): Found<OAuthApplicationRecord> {
  return ctx.lookup({ list: oauth.list, id: (record) => record.applicationId }, applicationId)
}

export function listScopes(ctx: Context, accessToken: string): Promise<string[]> {
  return ctx.read(oauth.scope, {}, bearing(accessToken))
}

export interface RegisteredApplication extends Sent {
  /** Uses up the one time that Privicore hands the secret out; asked again, it answers what it has. */
  readonly configuration: () => Promise<ConfigurationOfApplication>
}

export async function registerApplication(
  ctx: Context,
  input: {
    readonly title: string
    readonly redirectUri?: string | null | undefined
    readonly scopes?: readonly string[] | null | undefined
  },
): Promise<RegisteredApplication> {
  const { title, redirectUri, scopes } = input
  const sent = await ctx.commands.send(oauth.register, { title, redirect_uri: redirectUri, scope: scopes })
  let asked: Promise<ConfigurationOfApplication> | null = null
  return {
    ...sent,
    configuration: () => {
      asked ??= readConfiguration(ctx, sent.command.commandId).catch((error: unknown) => {
        // Nothing was handed out: it may be asked for again.
        asked = null
        throw error
      })
      return asked
    },
  }
}

async function readConfiguration(ctx: Context, applicationId: string): Promise<ConfigurationOfApplication> {
  const configuration = await ctx.read(oauth.configuration, { id: applicationId })
  return { ...configuration, applicationId: configuration.applicationId ?? applicationId }
}

/** @throws NOT_FOUND until the registration has settled; VALIDATION_FAILED oauth.already_retrieved the second time */
export async function retrieveConfiguration(ctx: Context, applicationId: string): Promise<ConfigurationOfApplication> {
  return present(
    await ctx.commands.followUp(applicationId, () => readConfiguration(ctx, applicationId)),
    oauth.configuration.id,
  )
}

export function requestAuthorizationCode(
  ctx: Context,
  input: { readonly clientId: string; readonly nonce: string; readonly scopes: readonly string[] },
): Promise<Sent> {
  return ctx.commands.send(oauth.requestCode, { client_id: input.clientId, nonce: input.nonce, scope: input.scopes })
}

/** @throws NOT_FOUND until the request has settled; VALIDATION_FAILED for another nonce, or the second time */
export async function retrieveAuthorizationCode(
  ctx: Context,
  input: ClientCredentials & { readonly commandId: string; readonly nonce: string },
): Promise<OAuthAuthorizationCode> {
  const read = () => ctx.read(oauth.code, { id: input.commandId, nonce: input.nonce }, basicOf(input))
  return present(await ctx.commands.followUp(input.commandId, read, 'any'), oauth.code.id)
}

export function obtainAccessToken(
  ctx: Context,
  input: ClientCredentials & { readonly authorizationCode: string },
): Promise<GrantedAccessToken> {
  return ctx.read(oauth.accessToken, { authorization_code: input.authorizationCode }, basicOf(input))
}

/** The refresh token may be replaced; where the answer does not name one, the old one goes on. */
export async function refreshAccessToken(
  ctx: Context,
  input: { readonly accessToken: string; readonly refreshToken: string },
): Promise<GrantedAccessToken> {
  const granted = await ctx.read(oauth.refresh, { refresh_token: input.refreshToken }, bearing(input.accessToken))
  return { ...granted, refreshToken: granted.refreshToken ?? new Secret(input.refreshToken) }
}

export type AuthorizeStep = 'REQUEST_CODE' | 'RETRIEVE_CODE' | 'OBTAIN_TOKEN'

export interface Authorization extends Sent {
  /** Waits for the consent, then takes the code and changes it for a token: once, however often it is asked. */
  readonly proceed: () => Promise<Ended<AuthorizeStep, GrantedAccessToken>>
}

/** Consent to access token. The nonce never leaves the gateway. */
export async function authorizeApplication(
  ctx: Context,
  input: ClientCredentials & { readonly scopes: readonly string[] },
): Promise<Authorization> {
  const nonce = randomBytes(NONCE_BYTES).toString('base64url')
  const sent = await requestAuthorizationCode(ctx, { ...input, nonce })
  let proceeding: Promise<Ended<AuthorizeStep, GrantedAccessToken>> | null = null
  return {
    ...sent,
    proceed: () => {
      proceeding ??= exchangeCode(ctx, sent, { ...input, nonce })
      return proceeding
    },
  }
}

async function exchangeCode(
  ctx: Context,
  sent: Sent,
  input: ClientCredentials & { readonly nonce: string },
): Promise<Ended<AuthorizeStep, GrantedAccessToken>> {
  const workflow = new Workflow<AuthorizeStep>(ctx, 'REQUEST_CODE', sent.command)
  const ended = await workflow.run(async () => {
    const { command } = await workflow.succeeded(sent)
    workflow.begin('RETRIEVE_CODE')
    const read = () => ctx.read(oauth.code, { id: command.commandId, nonce: input.nonce }, basicOf(input))
    const code = present(await ctx.commands.afterSuccess(command, read), oauth.code.id)
    workflow.begin('OBTAIN_TOKEN')
    return obtainAccessToken(ctx, { ...input, authorizationCode: code.code.reveal() })
  })
  // The code and the nonce are the gateway's: what is wrong with them is nothing that the caller can mend.
  return { ...ended, refusal: null, failure: ended.failure ?? ended.refusal }
}

function present<T>(found: T | null, endpoint: string): T {
  if (found === null) throw new PrivicoreError('NOT_FOUND', `${endpoint}: not known (yet)`, { endpoint })
  return found
}
