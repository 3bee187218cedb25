// The page: a form, a progress bar, a list of what was stored. Keys live in IndexedDB, each under its token.
// @ts-check
import { createKey, decrypt, encrypt, PrivicoreFiles } from './encrypt-and-store.js'

const find = (/** @type {string} */ id) => /** @type {any} */ (document.getElementById(id))
const bar = find('progress')
const status = find('status')

/** @param {number} done @param {number | null} total */
function onProgress(done, total) {
  if (total === null) bar.removeAttribute('value')
  else bar.value = total === 0 ? 1 : done / total
}

/** @param {string} what @param {() => Promise<string>} work */
async function show(what, work) {
  status.textContent = what
  bar.hidden = false
  bar.value = 0
  try {
    status.textContent = await work()
  } catch (error) {
    status.textContent = error instanceof Error ? error.message : String(error)
  } finally {
    bar.hidden = true
  }
}

const files = () => new PrivicoreFiles(find('endpoint').value, find('token').value)

find('store').addEventListener('submit', (/** @type {Event} */ event) => {
  event.preventDefault()
  const [file] = find('file').files
  show('Encrypting', async () => {
    const key = await createKey()
    const ciphertext = await encrypt(file, key)
    status.textContent = 'Uploading'
    const extension = /\.([^.]+)$/.exec(file.name)?.[1] ?? 'bin'
    const token = await files().store(ciphertext, { fileName: file.name, extension, context: 'files' }, onProgress)
    await keep(token, { key, name: file.name })
    list(token, file.name)
    return `Stored as ${token}`
  })
})

/** @param {string} token @param {string} name */
function list(token, name) {
  const button = document.createElement('button')
  button.textContent = `Fetch ${name}`
  button.dataset.token = token
  button.addEventListener('click', () =>
    show('Downloading', async () => {
      const { key } = await kept(token)
      const plain = await decrypt(await files().fetch(token, onProgress), key)
      const link = document.createElement('a')
      link.href = URL.createObjectURL(plain)
      link.download = name
      link.click()
      // The download has begun by then; the page gives the memory back.
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
      return `Fetched ${name}: ${plain.size} bytes`
    }),
  )
  const item = document.createElement('li')
  item.append(button)
  find('stored').append(item)
}

/** @param {(store: IDBObjectStore) => IDBRequest} work @returns {Promise<any>} */
function withStore(work) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('encrypt-and-store', 1)
    opening.onupgradeneeded = () => opening.result.createObjectStore('keys')
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const request = work(opening.result.transaction('keys', 'readwrite').objectStore('keys'))
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error)
    }
  })
}

const keep = (/** @type {string} */ token, /** @type {object} */ entry) => withStore((store) => store.put(entry, token))
const kept = (/** @type {string} */ token) => withStore((store) => store.get(token))
