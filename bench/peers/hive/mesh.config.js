import { createNamingConventionTransform, defineConfig, upperCase } from '@graphql-mesh/compose-cli'
import { loadOpenAPISubgraph } from '@omnigraph/openapi'

// Mesh batches over lists only: by id it would ask for each policy's rules alone. None of the lists takes ids, and an
// argument that the field does not have is not sent.
const lookUp = (list, keyField, valueKeyField) => `@resolveTo(
  sourceName: "Privicore"
  sourceTypeName: "Query"
  sourceFieldName: "${list}"
  keyField: "${keyField}"
  keysArg: "ids"
  valueKeyField: "${valueKeyField}"
)`
const device = `device: Device ${lookUp('devices', 'deviceIdentifier', 'deviceIdentifier')}`

export const composeConfig = defineConfig({
  subgraphs: [
    {
      sourceHandler: loadOpenAPISubgraph('Privicore', { source: './openapi.yaml', endpoint: process.env.STUB_URL }),
      transforms: [createNamingConventionTransform({ enumValues: upperCase })],
    },
  ],
  additionalTypeDefs: `
    extend type StorageDevice { ${device} }
    extend type Authenticator { ${device} }
    extend type Policy {
      votingConfiguration: VotingConfiguration ${lookUp('votingConfigurations', 'votingConfigurationId', 'id')}
    }
  `,
})
