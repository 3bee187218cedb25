// Every field that reveals a secret, in one place. What they answer is read anew each time, and is nowhere else: not in a cache, a
// log line, an error, a metric or a trace. test/secrets.test.ts walks the list.

export const SECRET_FIELDS: readonly string[] = [
  'Session.token',
  'QrToken.token',
  'OAuthApplicationConfiguration.clientSecret',
  'OAuthAuthorizationCode.code',
  'OAuthAccessToken.token',
  'OAuthAccessToken.refreshToken',
  'KeyPair.privateKeyHex',
  'DeviceConfiguration.clientId',
  'DeviceConfiguration.clientSecret',
  'DeviceConfiguration.rabbitUser',
  'DeviceConfiguration.rabbitPass',
  'DeviceConfigurationFile.content',
]
