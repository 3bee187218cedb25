// Knows PHP's reading of forms and query strings.
import { expect, test } from 'vitest'
import { decodeForm } from '../../sandbox/form.ts'

test.each([
  ['a=1&b=', { a: '1', b: '' }],
  ['scope[]=x&scope[]=y', { scope: ['x', 'y'] }],
  ['scope%5B%5D=x', { scope: ['x'] }],
  ['a[k]=1&a[l][]=2&a[l][]=3', { a: { k: '1', l: ['2', '3'] } }],
  ['a[0]=x&a[1]=y', { a: ['x', 'y'] }],
  ['a[2]=x', { a: { 2: 'x' } }],
  ['a=1&a=2', { a: '2' }],
  ['filters[meta.file.fileName]=x+y', { filters: { 'meta.file.fileName': 'x y' } }],
  ['meta.file=x', { meta_file: 'x' }],
  ['a=%26%3D%2B', { a: '&=+' }],
])('%s', (text, fields) => {
  expect(decodeForm(text)).toEqual(fields)
})

test('a field cannot reach the prototype of its object', () => {
  decodeForm('__proto__[polluted]=1&a[__proto__][polluted]=1')
  expect(({} as Record<string, unknown>).polluted).toBeUndefined()
})
