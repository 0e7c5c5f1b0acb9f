// jose (npm) as a filter:   node jose_npm.mjs KEYS NOW
//
// A line is the name of a key and a token in hexadecimal; the answer is "ok TENANT" (its text in hexadecimal) or
// "refused". The key decides the algorithm. "exp" is required, as it is by the verifier under test.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

const require = createRequire(new URL('../tokens/', import.meta.url))
const { importJWK, jwtVerify } = require('jose')

const [keysFile, now] = process.argv.slice(2)
const keys = new Map()
for (const [name, jwk] of Object.entries(JSON.parse(readFileSync(keysFile, 'utf8'))))
  keys.set(name, { algorithm: jwk.alg, key: await importJWK(jwk) })
const currentDate = new Date(Number(now) * 1000)

async function answer(line) {
  const [name, hex] = line.split(' ')
  const { algorithm, key } = keys.get(name)
  // One character for each byte: what is not ASCII stays visible as such.
  const token = Buffer.from(hex, 'hex').toString('latin1')
  try {
    const { payload } = await jwtVerify(token, key, { algorithms: [algorithm], currentDate, requiredClaims: ['exp'] })
    return 'ok ' + Buffer.from(String(payload.tenant_id)).toString('hex')
  } catch {
    return 'refused'
  }
}

const answers = []
for await (const line of createInterface({ input: process.stdin })) answers.push(await answer(line))
process.stdout.write(answers.join('\n') + '\n')
