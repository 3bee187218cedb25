// Knows every disagreement that privicore.md records, as one switch each. The first value of a switch is its default: the
// form in the "Use" column, else the surest source, else the most telling one (an error that names its field).

export const variants = {
  // --- section 1: conventions
  /** New ids: a UUID, or one that is not well formed and needs percent-encoding in a path. */
  ids: ['uuid', 'malformed'],
  /** The ten bodies an error can have. `errors` is `{"errors":["…"]}`; the first two name the field. */
  errorBody: [
    'field-lists',
    'field-texts',
    'violations',
    'message',
    'error',
    'errors',
    'text',
    'array',
    'empty',
    'html',
  ],

  // --- section 1.1: asynchronous commands
  /** `headerName` is `{"X-DPT-CAB-ID":"…"}`; with `none` only the header has the id. */
  commandBody: ['array', 'string', 'commandId', 'headerName', 'none'],
  /** `absent` drops X-Dpt-Cab-Id wherever the body has the id. */
  commandHeader: ['present', 'absent'],
  /** `200-completed` answers without an id, when all is done; a command that has a follow-up call keeps its 202 and id. */
  acceptedStatus: ['202', '200-with-id', '200-completed'],

  // --- section 1.2: polling
  /** The two POST servers refuse GET, each in its own way. */
  statusMethod: ['get', 'post-405', 'post-404'],
  statusPending: ['202', 'started', 'started-array', 'pending', 'submitted', 'command-status'],
  /** `other-text` is a string that the contract does not list. */
  statusSucceeded: ['command-status', 'empty', 'succeeded', 'succeeded-array', 'other-text'],
  /** Only `command-status` carries the reason. `404` is the older server, where rejected and unknown look alike. */
  statusRejected: ['command-status', 'rejected', 'rejected-array', 'failed', '404'],
  /** How long after its acceptance a command is still unknown to request-status (404), in milliseconds. */
  freshUnknownMs: [0, 150] as readonly number[],

  // --- section 2: profile and utility
  healthBody: ['status', 'text', 'empty'],
  usernameTaken: ['rejected', '409'],
  profileId: ['object', 'text'],
  qrToken: ['qrToken', 'token', 'text'],
  /** 202: the same token lives longer. 200: a new token at once. */
  reauthorize: ['202', '200'],
  revoke: ['200', '202'],

  // --- section 3: OAuth application
  oauthRegisterBody: ['none', 'as-others'],
  /** Which of the two names for the application's id the server reads. */
  oauthConfigurationKey: ['id', 'applicationId'],
  oauthKeys: ['camel', 'snake'],
  oauthList: ['array', 'items'],
  oauthScope: ['array', 'text', 'scope-text', 'scope-array', 'scopes'],
  oauthRefreshToken: ['kept', 'replaced'],

  // --- section 4: public key
  publicKeyTag: ['31420500', '31400500'],
  publicKeyCase: ['lower', 'upper'],
  /** createdAt and status beside publicKey. */
  publicKeyExtras: ['present', 'absent'],

  // --- section 5: data token
  temporaryToken: ['object', 'text'],
  stream: ['token', 'url', 'absent'],
  requestDataBody: ['null', 'object'],
  /** `202` and `no-token`: the temporary token itself becomes permanent. */
  fileMeta: ['object', 'text', '202', 'no-token'],
  dataTokenList: ['paged', 'array'],
  dataTokenItem: ['flat', 'nested'],

  // --- section 6: device
  deviceIdentifierKey: ['deviceIdentifier', 'deviceId', 'deviceUniqueIdentifier', 'device_unique_identifier'],
  deviceIdentifierAnswer: ['object', 'extras', 'text'],
  /** `single`: a list of exactly one device is that one object. */
  deviceList: ['array', 'items', 'single'],
  deviceApproval: ['number', 'boolean', 'status'],
  /** score, meta and roles in a device record. */
  deviceExtras: ['present', 'absent'],
  deviceConfiguration: ['kebab', 'file'],

  // --- section 8: verified authenticator
  strategyKeys: ['camel', 'snake'],
  /** `name`: records have no id, the name serves as one. */
  votingConfigurationKey: ['id', 'name'],

  // --- section 9: policy
  policyList: ['array', 'keyed', 'items'],
  /** `minimal`: id and name only. */
  policyFields: ['full', 'minimal'],
  /** Which of the two names for the voting configuration the server reads. */
  policyVotingKey: ['votingConfigurationId', 'configurationId'],

  // --- section 10: voting
  votingCreateAnswer: ['command', 'poolId', 'id', 'both'],
  votingCreateStatus: ['202', '200'],
  poolSnapshot: ['counts', 'ballots', 'snake'],

  // --- section 11: shared schemas
  /** The directory's five fields on profiles and devices. */
  directoryFields: ['absent', 'present'],

  // --- section 12: push
  /** `repeated`: status 1 is pushed twice before the outcome. */
  pushProgress: ['none', 'repeated'],
  /** 0: the data inline (as long as it is small). 1: a link to it. */
  outputType: ['0', '1'],
  inlineBody: ['base64', 'text'],
  downloadBody: ['url', 'token'],
  /** The name that STREAM-READY gives to the request's id. */
  streamReady: ['none', 'id', 'requestId'],
  streamReadyUrl: ['absent', 'present'],
} as const

type Values = typeof variants

export type Dialect = { -readonly [K in keyof Values]: Values[K][number] }

export function defaultDialect(): Dialect {
  return Object.fromEntries(Object.entries(variants).map(([key, values]) => [key, values[0]])) as Dialect
}

/** Changes the dialect in place; a name or value that does not exist is an error, not a switch that does nothing. */
export function change(dialect: Dialect, wanted: Partial<Dialect>): void {
  for (const [key, value] of Object.entries(wanted)) {
    const known = (variants as Record<string, readonly unknown[]>)[key]
    if (!known) throw new Error(`no such dialect switch: ${key}`)
    if (value === undefined) continue
    const fits = typeof known[0] === 'number' ? typeof value === 'number' && value >= 0 : known.includes(value)
    if (!fits) throw new Error(`dialect ${key} is one of ${known.join(', ')}, not ${JSON.stringify(value)}`)
  }
  Object.assign(dialect, wanted)
}
