// From a file to a permanent token and back, in a browser: the plaintext and its key never leave the page.
// @ts-check

/** IV ‖ ciphertext ‖ tag: the form in which Privicore's payloads travel. */
const IV_BYTES = 12
const TAG_BYTES = 16

/** @typedef {(done: number, total: number | null) => void} Progress bytes, and of how many where that is known */

/** @returns {Promise<CryptoKey>} AES-256; not extractable: it can be kept in IndexedDB, and not be read out */
export function createKey() {
  return crypto.subtle.generateKey({ name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
}

/**
 * WebCrypto seals in one step, so the file is in memory once while it does; the parts are not copied together after that.
 * @param {Blob} file @param {CryptoKey} key
 */
export async function encrypt(file, key) {
  // An IV must never be used twice with one key.
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES))
  const sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv }, key, await file.arrayBuffer())
  return new Blob([iv, sealed], { type: 'application/octet-stream' })
}

/** @param {Blob} ciphertext @param {CryptoKey} key @throws where a single bit of it was changed */
export async function decrypt(ciphertext, key) {
  if (ciphertext.size < IV_BYTES + TAG_BYTES) throw new Error('This is no ciphertext: it is too short.')
  const iv = await ciphertext.slice(0, IV_BYTES).arrayBuffer()
  const sealed = await ciphertext.slice(IV_BYTES).arrayBuffer()
  return new Blob([await crypto.subtle.decrypt({ name: 'AES-GCM', iv }, key, sealed)])
}

export class PrivicoreFiles {
  #endpoint
  #token

  /** @param {string} endpoint of the gateway: http://localhost:4000/graphql @param {string} token of the profile */
  constructor(endpoint, token) {
    this.#endpoint = endpoint
    this.#token = token
  }

  /**
   * @param {Blob} ciphertext
   * @param {{ fileName: string, extension: string, context: string }} file
   * @param {Progress} [onProgress]
   * @returns {Promise<string>} the permanent token
   */
  async store(ciphertext, file, onProgress = () => {}) {
    const { reserveTokenSpace } = await this.#ask(
      `mutation Reserve($context: String!) {
        reserveTokenSpace(input: { context: $context }) {
          temporaryDataToken { token uploadUrl }
          command { status reason }
          userErrors { message }
        }
      }`,
      { context: file.context },
    )
    const { temporaryDataToken: space } = accepted(reserveTokenSpace)
    if (!space?.uploadUrl) throw new Error('Privicore opened no stream for the upload.')

    const received = await this.#upload(space.uploadUrl, ciphertext, onProgress)
    // Not one bit was lost between this page and Privicore.
    if (received.sha256 !== (await sha256(ciphertext))) throw new Error('Something else was stored than what was sent.')

    const { configureDataTokenFile } = await this.#ask(
      `mutation Describe($input: ConfigureDataTokenFileInput!) {
        configureDataTokenFile(input: $input) { token userErrors { message } }
      }`,
      { input: { ...file, token: space.token, size: ciphertext.size } },
    )
    const { token } = accepted(configureDataTokenFile)
    if (!token) throw new Error('Privicore has not made the token permanent.')
    return token
  }

  /** @param {string} token permanent @param {Progress} [onProgress] @returns {Promise<Blob>} the ciphertext */
  async fetch(token, onProgress = () => {}) {
    const { requestData } = await this.#ask(
      `mutation Fetch($token: ID!) {
        requestData(input: { token: $token }) {
          data { inline downloadUrl }
          command { status reason }
          userErrors { message }
        }
      }`,
      { token },
    )
    const { data } = accepted(requestData)
    if (!data)
      throw new Error('The data has not arrived in time: its storage devices may be offline, or a vote be open.')
    if (data.inline !== null) return new Blob([Uint8Array.from(atob(data.inline), (char) => char.charCodeAt(0))])
    return this.#download(data.downloadUrl, onProgress)
  }

  /** XMLHttpRequest, because fetch tells nothing of how far an upload is. The Blob is read as it is sent. */
  #upload(/** @type {string} */ url, /** @type {Blob} */ body, /** @type {Progress} */ onProgress) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest()
      request.open('PUT', url)
      request.setRequestHeader('authorization', `Bearer ${this.#token}`)
      request.responseType = 'json'
      request.upload.onprogress = ({ loaded }) => onProgress(loaded, body.size)
      request.onload = () => (request.status === 200 ? resolve(request.response) : reject(problem(request.response)))
      request.onerror = () => reject(new Error('The gateway cannot be reached.'))
      request.send(body)
    })
  }

  async #download(/** @type {string} */ url, /** @type {Progress} */ onProgress) {
    const response = await fetch(url, { headers: { authorization: `Bearer ${this.#token}` } })
    if (!response.ok || response.body === null) throw problem(await response.json())
    const length = response.headers.get('content-length')
    const total = length === null ? null : Number(length)
    let done = 0
    const counted = response.body.pipeThrough(
      new TransformStream({
        transform(chunk, controller) {
          done += chunk.byteLength
          onProgress(done, total)
          controller.enqueue(chunk)
        },
      }),
    )
    // A Blob may lie on disk: the browser decides.
    return new Response(counted).blob()
  }

  async #ask(/** @type {string} */ query, /** @type {object} */ variables) {
    const response = await fetch(this.#endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.#token}` },
      body: JSON.stringify({ query, variables }),
    })
    const { data, errors } = await response.json()
    if (errors) throw new Error(`${errors[0].message} (${errors[0].extensions?.code})`)
    return data
  }
}

/** @param {any} payload */
function accepted(payload) {
  const [complaint] = payload.userErrors
  if (complaint) throw new Error(complaint.message)
  if (payload.command?.status === 'REJECTED') throw new Error(`Privicore has refused it: ${payload.command.reason}`)
  return payload
}

/** @param {any} body application/problem+json */
function problem(body) {
  return new Error(body?.detail ?? 'The transfer failed.')
}

/** @param {Blob} blob */
async function sha256(blob) {
  const digest = await crypto.subtle.digest('SHA-256', await blob.arrayBuffer())
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}
