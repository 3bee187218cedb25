// Writes schema.graphql, docs/endpoints.md and the typed documents of tests and examples; with --check, fails where one is out of date.
import { readFile, writeFile } from 'node:fs/promises'
import { type CodegenConfig, generate } from '@graphql-codegen/cli'
import { isObjectType, printSchema } from 'graphql'
import { catalogue } from './src/privicore/catalogue.ts'
import { schema } from './src/schema/schema.ts'

const config: CodegenConfig = {
  schema: printSchema(schema),
  silent: true,
  generates: {
    'schema.graphql': { plugins: ['schema-ast'] },
    'test/generated/': {
      documents: ['test/operations/**/*.graphql', 'examples/**/*.graphql'],
      preset: 'client',
      presetConfig: { fragmentMasking: false },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        importExtension: '.ts',
        scalars: { DateTime: 'string', JSON: 'unknown', Byte: 'string', URL: 'string', SafeInt: 'number' },
      },
    },
  },
}

export default config

/** Catalogue id → the fields that stand for it. */
function fieldsByEndpoint(): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue
    for (const field of Object.values(type.getFields())) {
      for (const id of (field.extensions.rest as readonly string[] | undefined) ?? []) {
        found.set(id, [...(found.get(id) ?? []), `\`${type.name}.${field.name}\``])
      }
    }
  }
  return found
}

function endpointsPage(): string {
  const fields = fieldsByEndpoint()
  const rows = catalogue.map(({ id, kind, method, path, encoding, auth, sureness }) => {
    const cells = [
      `\`${id}\``,
      `\`${method} ${path}\``,
      kind,
      encoding,
      auth,
      fields.get(id)?.join(', ') ?? '',
      sureness,
    ]
    return `| ${cells.join(' | ')} |`
  })
  return [
    '# Endpoints',
    '',
    'Written by `npm run codegen` from the catalogue in src/privicore and the schema; do not edit. *Sure*: two sources of the wire agree, or',
    'the vendor shows it in full; *seen*: one good source; *assumed*: no source, so override it with `PRIVICORE_ENDPOINTS` where yours differs.',
    '',
    '| id | REST call | kind | encoding | auth | GraphQL fields | sure? |',
    '|---|---|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n')
}

if (import.meta.main) {
  const check = process.argv.includes('--check')
  const page = { filename: 'docs/endpoints.md', content: endpointsPage() }
  const files = [...((await generate(config, !check)) as (typeof page)[]), page]
  if (!check) await writeFile(page.filename, page.content)
  const stale: string[] = []
  for (const { filename, content } of check ? files : []) {
    const present = await readFile(filename, 'utf8').catch(() => null)
    if (present !== content) stale.push(filename)
  }
  if (stale.length > 0) {
    process.stderr.write(`Out of date: ${stale.join(', ')}. Run \`npm run codegen\` and commit what it writes.\n`)
    process.exitCode = 1
  }
}
