import { expect, test } from 'vitest'
import { gateway } from '../support/gateway.ts'

test('an OAuth application is registered, authorised, used, and its token refreshed', async () => {
  const { run, privicore, log } = await gateway()

  const registered = await run(
    `mutation ($input: RegisterOAuthApplicationInput!) {
      registerOAuthApplication(input: $input) {
        command { commandId }
        configuration { applicationId title clientId clientSecret }
        userErrors { message }
      }
    }`,
    { input: { title: 'Archive viewer', redirectUri: 'https://viewer.example/back' } },
  )
  const { command, configuration } = registered.data?.registerOAuthApplication ?? {}
  expect(configuration).toMatchObject({ applicationId: command.commandId, title: 'Archive viewer' })
  const { clientId, clientSecret } = configuration

  const again = await run(
    `mutation ($input: RetrieveOAuthApplicationConfigurationInput!) {
      retrieveOAuthApplicationConfiguration(input: $input) { configuration { clientId } userErrors { field code } }
    }`,
    { input: { applicationId: command.commandId } },
  )
  expect(again.data?.retrieveOAuthApplicationConfiguration).toEqual({
    configuration: null,
    userErrors: [{ field: null, code: 'oauth.already_retrieved' }],
  })

  const authorized = await run(
    `mutation ($input: AuthorizeOAuthApplicationInput!) {
      authorizeOAuthApplication(input: $input) {
        accessToken { token refreshToken type scopes clientId expiresAt }
        stoppedAt
        userErrors { message }
      }
    }`,
    { input: { clientId, clientSecret, scopes: ['data_token.all'] } },
  )
  expect(authorized.data?.authorizeOAuthApplication).toMatchObject({
    accessToken: { type: 'bearer', scopes: ['data_token.all'], clientId },
    stoppedAt: null,
    userErrors: [],
  })
  const { token, refreshToken } = authorized.data?.authorizeOAuthApplication.accessToken ?? {}
  expect(['requestCode', 'code', 'accessToken'].map((row) => privicore.count(`oauth.${row}`))).toEqual([1, 1, 1])

  const used = await run('{ dataTokens(first: 1) { totalCount } }', {}, { token })
  expect(used.data?.dataTokens.totalCount).toBeGreaterThan(0)

  const refreshed = await run(
    `mutation ($input: RefreshOAuthAccessTokenInput!) {
      refreshOAuthAccessToken(input: $input) { accessToken { token scopes } userErrors { message } }
    }`,
    { input: { accessToken: token, refreshToken } },
    { token: null },
  )
  const fresh = refreshed.data?.refreshOAuthAccessToken.accessToken
  expect(fresh.scopes).toEqual(['data_token.all'])
  const scopes = await run(
    'query ($accessToken: String!) { oauthAccessTokenScopes(accessToken: $accessToken) }',
    { accessToken: fresh.token },
    { token: null },
  )
  expect(scopes).toEqual({ data: { oauthAccessTokenScopes: ['data_token.all'] } })

  for (const secret of [clientSecret, token, refreshToken, fresh.token]) expect(log.join()).not.toContain(secret)
})
