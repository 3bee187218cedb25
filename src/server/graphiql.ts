// GraphiQL, served whole by the gateway: nothing is fetched from elsewhere. Knows example queries for a newcomer.
import type { GraphiQLOptions } from 'graphql-yoga'

const WELCOME = `# Welcome to the Privicore gateway. Press the play button, or Ctrl-Enter.
#
# Most fields need a Privicore token: put it below, under Headers, as
#   { "Authorization": "Bearer <token>" }
# and get one with the mutation "authenticate" (second tab).

query Devices {
  profile { profileId tokenExpiresAt }
  devices { deviceIdentifier name status createdAt }
}
`

const SIGN_IN = `mutation SignIn($username: String!, $password: String!) {
  authenticate(input: { username: $username, password: $password }) {
    session { token expiresAt }
    userErrors { field message code }
  }
}
`

const APPROVE = `# Approving is asynchronous: "device" waits until Privicore has done it.
# Take the identifier of a PENDING device from the first tab.

mutation Approve($deviceIdentifier: ID!) {
  approveDevice(input: { deviceIdentifier: $deviceIdentifier }) {
    command { commandId status }
    device { name status }
    userErrors { field message code }
  }
}
`

/** @param demoToken filled in where the sandbox is embedded */
export function graphiqlOptions(demoToken: string | undefined): GraphiQLOptions {
  const headers = JSON.stringify({ Authorization: `Bearer ${demoToken ?? '<token>'}` }, null, 2)
  return {
    title: 'Privicore GraphQL',
    favicon: 'data:,',
    headers,
    defaultHeaders: headers,
    defaultTabs: [
      { query: WELCOME, headers },
      { query: SIGN_IN, variables: JSON.stringify({ username: 'alice', password: 'alice-password' }, null, 2) },
      { query: APPROVE, headers, variables: JSON.stringify({ deviceIdentifier: '' }, null, 2) },
    ],
    shouldPersistHeaders: false,
  }
}
