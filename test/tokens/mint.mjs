#!/usr/bin/env node
// Mints one token with jose, the second library that is not ours; its JSON, base64url and ECDSA differ from PyJWT's.
//
//   node mint.mjs --alg ES256 --tenant acme [--sub S] [--kid K | --no-kid] [--ttl=SECONDS] [--attr NAME=VALUE ...]
//
// "npm ci" in this folder brings jose.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { SignJWT, importPKCS8 } from 'jose';

const defaultKid = { HS256: 'hs', RS256: 'rs', ES256: 'es', EdDSA: 'ed' };

const readKey = (name) => readFileSync(new URL(`keys/${name}`, import.meta.url), 'utf8');

// The secret is hs.txt without the newline that ends the line.
function signingKey(alg) {
  if (alg === 'HS256') return new TextEncoder().encode(readKey('hs.txt').trimEnd());
  return importPKCS8(readKey(`${defaultKid[alg]}.pem`), alg);
}

function refuse(why) {
  console.error(`mint.mjs: ${why}`);
  process.exit(2);
}

function readNamed(text) {
  const separator = text.indexOf('=');
  if (separator < 1) refuse(`expected name=value, got "${text}"`);
  return [text.slice(0, separator), text.slice(separator + 1)];
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        alg: { type: 'string', default: 'HS256' },
        tenant: { type: 'string' },
        sub: { type: 'string', default: 'user_8c2f' },
        kid: { type: 'string' },
        'no-kid': { type: 'boolean', default: false },
        ttl: { type: 'string', default: '3600' },
        attr: { type: 'string', multiple: true, default: [] },
      },
    }).values;
  } catch (error) {
    refuse(error.message);
  }
}

const options = readArguments();
if (!Object.hasOwn(defaultKid, options.alg)) refuse(`unknown algorithm "${options.alg}"`);
if (options.tenant === undefined) refuse('--tenant is required');
if (!/^-?\d+$/.test(options.ttl)) refuse(`--ttl is not a number of seconds: "${options.ttl}"`);

const header = { alg: options.alg, typ: 'JWT' };
if (!options['no-kid']) header.kid = options.kid ?? defaultKid[options.alg];

const now = Math.floor(Date.now() / 1000);
const claims = {
  sub: options.sub,
  tenant_id: options.tenant,
  user_attributes: { role: 'viewer', region: 'EU', ...Object.fromEntries(options.attr.map(readNamed)) },
  iat: now,
  exp: now + Number(options.ttl),
};

console.log(await new SignJWT(claims).setProtectedHeader(header).sign(await signingKey(options.alg)));
