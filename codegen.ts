// Writes schema.graphql and the typed documents of the tests and examples; with --check, fails where they are out of date.
import { readFile } from 'node:fs/promises'
import { type CodegenConfig, generate } from '@graphql-codegen/cli'
import { printSchema } from 'graphql'
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

if (import.meta.main) {
  const check = process.argv.includes('--check')
  const files = (await generate(config, !check)) as { filename: string; content: string }[]
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
