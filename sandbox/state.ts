// Knows everything Privicore remembers: profiles with what they own, sessions, templates. Knows no HTTP.
import type { Blob } from './blobs.ts'
import { opaqueToken } from './ids.ts'

export interface Directory {
  directoryId: string
  directoryName: string
  directoryShortName: string
  givenName: string
  familyName: string
}

export interface Device {
  deviceIdentifier: string
  name: string
  createdAt: number
  approved: boolean
  /** Signed public key of the device; it cannot be approved without. */
  publicKey: string | null
  online: boolean
  score: number
  meta: Record<string, unknown>
}

/** A device in the role of storage or of verified authenticator. */
export interface Role {
  deviceIdentifier: string
  createdAt: number
}

export type Strategy = (typeof STRATEGIES)[number]
export const STRATEGIES = ['unanimous', 'consensus', 'affirmative', 'minimum_percentage'] as const

export interface VotingStrategy {
  quorumSize: number
  strategy: Strategy
  percentageRequired: number
  /** Seconds. */
  timeLimit: number
  maximumAttempts: number
}

export interface VotingConfiguration {
  id: string
  name: string
  /** Seconds. */
  timeLimit: number
  strategy: Strategy
  percentageRequired?: number
  /** Empty: every authenticator. */
  deviceIdentifiers: string[]
}

export interface PolicyTemplate {
  name: string
  description: string
  events: Record<string, Record<string, string>>
  configuration: string[]
  votingAttributes: string[]
}

export interface Policy {
  id: string
  name: string
  policyTemplateId: string
  applyingEventIds: string[]
  votingConfigurationId: string | null
  configuration: Record<string, unknown>
  active: boolean
  createdAt: number
}

export interface Application {
  id: string
  title: string
  redirectUri: string | null
  profileId: string
  clientId: string
  clientSecret: string
  /** What it may ask for; empty: anything. */
  scopes: string[]
  createdAt: number
  retrieved: boolean
}

export interface AuthorizationCode {
  code: string
  clientId: string
  profileId: string
  nonce: string
  scopes: string[]
  expiresAt: number
  retrieved: boolean
  used: boolean
}

export interface DataToken {
  /** The temporary token until configure-file-meta gives it a permanent one. */
  token: string
  temporaryToken: string
  /** Auth token of the upstream host; null once it has been used. */
  stream: string | null
  context: string
  meta: Record<'file' | 'information_security_risk' | 'data', Record<string, unknown>>
  createdAt: number
  /** End of the reservation, as long as nothing is stored. */
  expiresAt: number
  stored: Blob | null
}

export interface Profile {
  profileId: string
  username: string
  password: string
  createdAt: number
  publicKey: { hex: string; createdAt: number } | null
  directory: Directory
  devices: Map<string, Device>
  storage: Map<string, Role>
  authenticators: Map<string, Role>
  strategy: VotingStrategy
  votingConfigurations: Map<string, VotingConfiguration>
  policies: Map<string, Policy>
  applications: Map<string, Application>
  dataTokens: Map<string, DataToken>
}

export interface Session {
  token: string
  profileId: string
  expiresAt: number
  revoked: boolean
  /** Set on an OAuth application's access token. */
  grant?: { clientId: string; scopes: string[]; refreshToken: string; refreshTokenExpiresAt: number }
}

export class State {
  readonly profiles = new Map<string, Profile>()
  readonly sessions = new Map<string, Session>()
  readonly templates = new Map<string, PolicyTemplate>()
  /** By command id of the request. */
  readonly codes = new Map<string, AuthorizationCode>()
  /** The engine's own signed public key; assign another to rotate it. */
  cabKey: string
  readonly #past: { profile: Profile; until: number; before: Profile }[] = []

  constructor(cabKey: string) {
    this.cabKey = cabKey
  }

  byUsername(username: string): Profile | undefined {
    return [...this.profiles.values()].find((profile) => profile.username === username)
  }

  /** By username or profile id. */
  profile(name: string): Profile {
    const profile = this.byUsername(name) ?? this.profiles.get(name)
    if (!profile) throw new Error(`no such profile in the sandbox: ${name}`)
    return profile
  }

  /** Whosesoever it is. */
  device(deviceIdentifier: string): Device {
    return this.#anybodys('devices', deviceIdentifier)
  }

  /** Whosesoever it is. */
  dataToken(token: string): DataToken {
    return this.#anybodys('dataTokens', token)
  }

  addProfile(profileId: string, username: string, password: string, createdAt: number): Profile {
    const profile: Profile = {
      profileId,
      username,
      password,
      createdAt,
      publicKey: null,
      directory: {
        directoryId: `directory-of-${username}`,
        directoryName: 'Northwind Cooperative',
        directoryShortName: 'northwind',
        givenName: username.charAt(0).toUpperCase() + username.slice(1),
        familyName: 'Example',
      },
      devices: new Map(),
      storage: new Map(),
      authenticators: new Map(),
      strategy: { quorumSize: 2, strategy: 'consensus', percentageRequired: 50, timeLimit: 300, maximumAttempts: 3 },
      votingConfigurations: new Map(),
      policies: new Map(),
      applications: new Map(),
      dataTokens: new Map(),
    }
    this.profiles.set(profileId, profile)
    return profile
  }

  openSession(profileId: string, lifetimeMs: number, token = opaqueToken()): Session {
    const session: Session = { token, profileId, expiresAt: Date.now() + lifetimeMs, revoked: false }
    this.sessions.set(token, session)
    return session
  }

  /** The session of a token that is good now. */
  session(token: string | undefined): Session | undefined {
    const session = this.sessions.get(token ?? '')
    return session && !session.revoked && session.expiresAt > Date.now() ? session : undefined
  }

  application(clientId: string): Application | undefined {
    for (const profile of this.profiles.values()) {
      for (const application of profile.applications.values()) {
        if (application.clientId === clientId) return application
      }
    }
  }

  /** For telling "not found" from "not yours". */
  owns(kind: 'devices' | 'dataTokens' | 'policies', id: string): boolean {
    return [...this.profiles.values()].some((profile) => profile[kind].has(id))
  }

  /** Call before a change: reads go on seeing the profile as it is now for that long. */
  keepPast(profile: Profile, lagMs: number): void {
    if (lagMs > 0) this.#past.push({ profile, until: Date.now() + lagMs, before: structuredClone(profile) })
  }

  /** The profile as reads see it: eventually consistent. */
  seen(profile: Profile): Profile {
    const now = Date.now()
    for (let index = this.#past.length - 1; index >= 0; index--) {
      if ((this.#past[index]?.until ?? 0) <= now) this.#past.splice(index, 1)
    }
    return this.#past.find((entry) => entry.profile === profile)?.before ?? profile
  }

  #anybodys<Kind extends 'devices' | 'dataTokens'>(kind: Kind, id: string): MapValue<Profile[Kind]> {
    for (const profile of this.profiles.values()) {
      const found = profile[kind].get(id)
      if (found) return found as MapValue<Profile[Kind]>
    }
    throw new Error(`no such record among the ${kind} of the sandbox: ${id}`)
  }
}

type MapValue<M> = M extends Map<string, infer V> ? V : never
