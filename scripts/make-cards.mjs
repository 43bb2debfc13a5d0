/**
 * Writes the emulated cards and their keys: emv-fixtures/cards and emv-fixtures/capk/test-ca*.yaml. Keys that are
 * already there are kept, so that a second run changes nothing.
 *
 *   node scripts/make-cards.mjs
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { parse, stringify } from 'yaml';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const fixtures = join(root, 'emv-fixtures');

const lib = await loadLibrary();

/** The project's own modules, compiled on the fly. */
async function loadLibrary() {
  const { outputFiles } = await build({
    stdin: {
      contents: `
        export * from './src/crypto/certificates.ts';
        export * from './src/crypto/rsa.ts';
        export * from './src/platform/bytes.ts';
        export { luhnValid } from './src/platform/secret.ts';
        export { encodeRecord } from './devices/cards/icc/profile.ts';
        export { tagFromHex } from './src/tlv/ber.ts';`,
      resolveDir: root,
      loader: 'ts',
    },
    bundle: true,
    write: false,
    platform: 'node',
    format: 'esm',
    // The source of the library is evaluated from a data address, from which packages cannot be found.
    banner: {
      js: `import { createRequire } from 'node:module'; const require = createRequire(${JSON.stringify(import.meta.url)});`,
    },
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString('base64')}`);
}

const { fromHex, toHex, latin1 } = lib;
const text = (value) => toHex(latin1(value));

function save(path, value, comment) {
  mkdirSync(dirname(path), { recursive: true });
  const header = comment.map((line) => `# ${line}\n`).join('');
  writeFileSync(path, header + stringify(value, { lineWidth: 0, singleQuote: true }));
}

function existing(path) {
  return existsSync(path) ? parse(readFileSync(path, 'utf8')) : undefined;
}

const asText = (key) => ({
  exponent: toHex(key.exponent),
  primeP: toHex(key.primeP),
  primeQ: toHex(key.primeQ),
});

/** The key that the file holds, or a new one. */
function keep(stored, bits) {
  if (stored === undefined) return lib.generateRsaKey(bits, 3);
  return lib.rsaKeyFromPrimes(fromHex(stored.primeP), fromHex(stored.primeQ), fromHex(stored.exponent));
}

// The test certification authority and the issuers below it.

const CA_INDEX = 'E1';
const SCHEMES = {
  visa: { rid: 'A000000003', identifier: '476173' },
  mastercard: { rid: 'A000000004', identifier: '541333' },
  unionpay: { rid: 'A000000333', identifier: '621094' },
};

const privatePath = join(fixtures, 'capk/test-ca.private.yaml');
const stored = existing(privatePath);
const authorities = {};
for (const [name, { rid, identifier }] of Object.entries(SCHEMES)) {
  const ca = keep(stored?.authorities[name], 1408);
  const issuer = keep(stored?.issuers[name], 1152);
  const certified = { ...issuer, expiry: '1249', serial: fromHex('000001') };
  authorities[name] = {
    rid,
    ca,
    issuer,
    ...lib.issuerCertificate(lib.rsaSigner(ca), identifier, certified),
  };
}
const entries = Object.entries(authorities);

save(
  privatePath,
  {
    authorities: Object.fromEntries(
      entries.map(([name, { rid, ca }]) => [name, { rid, index: CA_INDEX, ...asText(ca) }]),
    ),
    issuers: Object.fromEntries(entries.map(([name, { issuer }]) => [name, asText(issuer)])),
  },
  ["Private keys of the project's own test certification authority and test issuers: published on purpose."],
);
save(
  join(fixtures, 'capk/test-ca.yaml'),
  {
    about: "Public keys of the project's own test certification authority",
    keys: entries.map(([scheme, { rid, ca }]) => ({
      rid,
      index: CA_INDEX,
      scheme,
      env: 'test',
      exponent: toHex(ca.exponent),
      modulus: toHex(ca.modulus),
      sha1: toHex(lib.caKeyChecksum(fromHex(rid), Number.parseInt(CA_INDEX, 16), ca.modulus, ca.exponent)),
    })),
  },
  ['Written by scripts/make-cards.mjs; the private parts are in test-ca.private.yaml.'],
);

save(
  join(fixtures, 'cards/keys/issuer-keys.yaml'),
  {
    kind: 'issuer-keys',
    description: 'Issuer master keys of the test cards: published test values',
    sets: {
      visa: {
        imkAc: '0123456789ABCDEFFEDCBA9876543210',
        imkSmi: 'FEDCBA98765432100123456789ABCDEF',
        imkSmc: '11111111111111112222222222222222',
      },
      mastercard: {
        imkAc: '12345678123456781234567812345678',
        imkSmi: '0123456789ABCDEFFEDCBA9876543210',
        imkSmc: '22222222222222221111111111111111',
      },
      unionpay: {
        imkAc: 'F0C34A8124CEE0A91A0B034AA97D6EAC',
        imkSmi: 'FEDCBA98765432100123456789ABCDEF',
        imkSmc: '33333333333333334444444444444444',
      },
    },
  },
  ['Written by scripts/make-cards.mjs. The issuer of the host emulator lists the same keys.'],
);

// What the cards have in common.

const ATR = '3B680000504F5353554D3031';
const ATS = '0D78808102504F5353554D3031';
const EXPIRY = '3012';
const CDOL = '9F02069F03069F1A0295055F2A029A039C019F3704';

/** Completes a number with its Luhn digit. */
function withLuhn(head) {
  for (let digit = 0; digit < 10; digit++) if (lib.luhnValid(`${head}${digit}`)) return `${head}${digit}`;
  throw new Error(head);
}

const stripeOf = (pan, expiry, service, name) => ({
  track1: `B${pan}^${name.padEnd(20)}^${expiry}${service}0000012300000`,
  track2: `${pan}=${expiry}${service}0000012300000`.slice(0, 37),
});

/** Tag 57: the discretionary data differ from the stripe's, so that a copied stripe is noticed. */
function trackTwoEquivalent(pan, expiry) {
  const digits = `${pan}D${expiry}2010000099900000`.slice(0, 37);
  return digits.length % 2 === 0 ? digits : `${digits}F`;
}

/** Records of a contact application, with the certificates that its AIP asks for. */
function contactRecords(card) {
  const { pan, expiry = EXPIRY, psn = '01', holder, scheme, aip, cvm, iac, cdol1, cdol2, country } = card;
  const signed = {
    '5A': pan,
    '5F34': psn,
    '5F24': `${expiry}31`,
    '5F25': '200101',
    '5F28': country,
    '9F42': country === '0156' ? '0156' : '0840',
    '9F44': '02',
    '9F07': 'FF00',
    '9F08': card.version,
    '8E': cvm,
    '9F0D': iac.default,
    '9F0E': iac.denial,
    '9F0F': iac.online,
    '8C': cdol1,
    '8D': cdol2,
    '9F4A': '82',
    ...(card.ddol && { '9F49': card.ddol }),
  };
  const front = { 57: trackTwoEquivalent(pan, expiry), '5F20': text(holder), '5F30': '0201' };
  return [
    { sfi: 1, record: 1, data: front },
    { sfi: 2, record: 1, signed: true, data: signed },
    ...authenticationRecords(card, scheme, signed, aip),
  ];
}

/** Issuer certificate, and signed static data or the card's certificate. */
function authenticationRecords(card, scheme, signed, aip) {
  const { issuer, certificate, remainder } = authorities[scheme];
  const staticData = Buffer.concat([recordValue(signed), fromHex(aip)]);
  const issuerData = {
    '8F': CA_INDEX,
    '9F32': toHex(issuer.exponent),
    ...(remainder.length > 0 && { 92: toHex(remainder) }),
    90: toHex(certificate),
  };
  const signer = lib.rsaSigner(issuer);
  if (card.rsa === undefined) {
    const signature = lib.signStaticData(signer, fromHex('DAC1'), staticData);
    return [
      { sfi: 3, record: 1, data: issuerData },
      { sfi: 3, record: 2, data: { 93: toHex(signature) } },
    ];
  }
  const key = { ...card.rsa, expiry: '1249', serial: fromHex('000002') };
  const icc = lib.iccCertificate(signer, card.pan, key, staticData);
  return [
    { sfi: 3, record: 1, data: issuerData },
    {
      sfi: 3,
      record: 2,
      data: {
        '9F47': toHex(card.rsa.exponent),
        ...(icc.remainder.length > 0 && { '9F48': toHex(icc.remainder) }),
        '9F46': toHex(icc.certificate),
      },
    },
    ...pinKeyRecords(card, signer),
  ];
}

/** The certificate of the key that PINs are enciphered under; it covers no static data. */
function pinKeyRecords({ pan, pinRsa }, signer) {
  if (pinRsa === undefined) return [];
  const key = { ...pinRsa, expiry: '1249', serial: fromHex('000003') };
  const { certificate, remainder } = lib.iccCertificate(signer, pan, key, new Uint8Array(0));
  const data = {
    '9F2E': toHex(pinRsa.exponent),
    ...(remainder.length > 0 && { '9F2F': toHex(remainder) }),
    '9F2D': toHex(certificate),
  };
  return [{ sfi: 3, record: 3, data }];
}

/** What a signed record contributes: its data objects without the template. */
function recordValue(data) {
  const map = new Map(Object.entries(data).map(([tag, value]) => [lib.tagFromHex(tag), fromHex(value)]));
  const record = lib.encodeRecord(map);
  return record.subarray(record[1] === 0x81 ? 3 : 2);
}

/** Issuer action codes that send doubtful transactions online and decline none before. */
const IAC = { default: 'FC50AC8000', denial: '0000000000', online: 'FC70AC9800' };

function contactApplication(card) {
  return {
    aid: card.aid,
    label: card.label,
    priority: card.priority ?? 1,
    ...(card.pdol && { pdol: card.pdol }),
    proprietary: { '5F2D': text('en'), '9F11': '01', '9F12': text(card.label) },
    aip: card.aip,
    cryptogram: card.cryptogram,
    ...(card.responseFormat && { responseFormat: card.responseFormat }),
    records: contactRecords(card),
    ...(card.limits && { limits: card.limits }),
    data: { '9F4F': '9A039F21039F02065F2A029F3602', ...(card.data ?? {}) },
    ...(card.blocked && { blocked: true }),
    ...(card.atc && { atc: card.atc, lastOnlineAtc: card.atc }),
  };
}

/** A chip card with one contact application and a stripe. */
function contactCard(name, about, card) {
  const path = join(fixtures, `cards/${name}.yaml`);
  const rsa = card.sda ? undefined : keep(existing(path)?.rsa, 1024);
  const pinRsa = card.pinKey ? keep(existing(path)?.pinRsa, 896) : undefined;
  const full = { country: '0840', iac: IAC, atc: 1, ...card, rsa, pinRsa };
  const others = (card.others ?? []).map((other) => contactApplication({ ...full, ...other }));
  save(
    path,
    {
      kind: 'icc',
      ...about,
      scheme: card.scheme,
      pan: card.pan,
      psn: '01',
      ...(card.pin && { pin: { value: card.pin, tries: 3 } }),
      issuer: {
        keyFile: 'keys/issuer-keys.yaml',
        keySet: card.scheme,
        pin: card.hostPin ?? card.pin ?? '1234',
      },
      ...(rsa && { rsa: asText(rsa) }),
      ...(pinRsa && { pinRsa: asText(pinRsa) }),
      ...(card.cardBlocked && { cardBlocked: true }),
      stripe: stripeOf(card.pan, card.expiry ?? EXPIRY, '201', card.holder),
      contact: { atr: ATR, applications: [contactApplication(full), ...others] },
    },
    ['Written by scripts/make-cards.mjs: TEST CARD, all keys are published.'],
  );
}

const visaContact = {
  scheme: 'visa',
  aid: 'A0000000031010',
  label: 'VISA CREDIT',
  version: '0096',
  holder: 'POSSUM/VISA',
  cryptogram: 'visa-cvn18',
  aip: '3800',
  cdol1: CDOL,
  cdol2: `8A029108${CDOL}`,
  cvm: '000000000000000042035E031F03',
  ddol: '9F3704',
};

const mastercardContact = {
  scheme: 'mastercard',
  aid: 'A0000000041010',
  label: 'MASTERCARD',
  version: '0002',
  holder: 'POSSUM/MASTERCARD',
  cryptogram: 'mchip-cvn16',
  aip: '3900',
  cdol1: `${CDOL}9F35019F45029F4C089F3403`,
  cdol2: `910A8A0295059F37049F4C08`,
  cvm: '000000000000000042035E031F03',
  ddol: '9F3704',
};

contactCard(
  'visa-credit',
  {
    description: 'Visa credit card with chip: DDA, PIN checked online, cryptogram version 18',
    proves: 'DDA, online PIN, ARPC method 2 inside the second GENERATE AC',
  },
  { ...visaContact, pan: withLuhn('476173900101001') },
);

contactCard(
  'debit-offline-pin',
  {
    description: 'Visa debit card with chip: the PIN is checked by the card, cryptogram version 10',
    proves: 'plaintext offline PIN with a try counter, EXTERNAL AUTHENTICATE, answers of format 1',
  },
  {
    ...visaContact,
    pan: withLuhn('476173900101002'),
    label: 'VISA DEBIT',
    holder: 'POSSUM/DEBIT',
    cryptogram: 'visa-cvn10',
    aip: '3C00',
    cdol2: `8A02${CDOL}`,
    cvm: '0000000000000000410342030000',
    pin: '1234',
    responseFormat: 1,
    limits: {
      currency: '0840',
      offlineAmount: 5000,
      cumulativeAmount: 15000,
      consecutive: 5,
      consecutiveUpper: 8,
    },
  },
);

contactCard(
  'debit-enciphered-pin',
  {
    description: 'Visa debit card with chip: the PIN is checked by the card and reaches it enciphered',
    proves: 'enciphered offline PIN under a key of its own (9F2D), GET CHALLENGE, try counter, DDA',
  },
  {
    ...visaContact,
    pan: withLuhn('476173900101006'),
    label: 'VISA DEBIT',
    holder: 'POSSUM/ENCIPHERED',
    cvm: '00000000000000004403410342030000',
    pin: '1234',
    pinKey: true,
    limits: {
      currency: '0840',
      offlineAmount: 5000,
      cumulativeAmount: 15000,
      consecutive: 5,
      consecutiveUpper: 8,
    },
  },
);

contactCard(
  'mastercard-cda',
  {
    description: 'Mastercard credit card with chip: CDA, PIN checked online, cryptogram version 16',
    proves: 'CDA with the cryptogram inside the signature, issuer authentication in the second GENERATE AC',
  },
  {
    ...mastercardContact,
    pan: withLuhn('541333900101001'),
    pdol: '9F1A029F3501',
    limits: {
      currency: '0840',
      offlineAmount: 10000,
      cumulativeAmount: 30000,
      consecutive: 5,
      consecutiveUpper: 8,
    },
  },
);

contactCard(
  'sda',
  {
    description: 'Mastercard card of the older kind: static data authentication only, signature',
    proves: 'SDA, no dynamic authentication, cardholder signature',
  },
  {
    ...mastercardContact,
    sda: true,
    pan: withLuhn('541333900101002'),
    holder: 'POSSUM/STATIC',
    cryptogram: 'mchip-cvn20',
    aip: '5800',
    cdol1: CDOL,
    cdol2: `910A8A02${CDOL}`,
    ddol: undefined,
    cvm: '00000000000000005E031F03',
  },
);

contactCard(
  'unionpay-credit',
  {
    description: 'UnionPay credit card with chip: DDA, PIN checked online, PBOC session keys',
    proves: 'UnionPay AID, PBOC cryptogram, online PIN also for credit, EXTERNAL AUTHENTICATE',
  },
  {
    ...visaContact,
    scheme: 'unionpay',
    aid: 'A000000333010102',
    label: 'UNIONPAY CREDIT',
    version: '0030',
    pan: withLuhn('621094900101001'),
    holder: 'POSSUM/UNIONPAY',
    country: '0156',
    cryptogram: 'unionpay-cvn01',
    aip: '3C00',
    cdol2: `8A02${CDOL}`,
    cvm: '000000000000000042031E031F00',
    hostPin: '123456',
  },
);

contactCard(
  'two-applications',
  {
    description: 'Visa card with a credit and a debit application',
    proves: 'choice between applications, partial selection by AID, next occurrence',
  },
  {
    ...visaContact,
    aid: 'A000000003101001',
    pan: withLuhn('476173900101003'),
    others: [{ aid: 'A000000003101002', label: 'VISA DEBIT', priority: 2 }],
  },
);

contactCard(
  'expired',
  {
    description: 'Visa credit card whose expiry date has passed; the issuer denies it offline',
    proves: 'TVR "expired application" and an offline decline by the issuer action code',
  },
  {
    ...visaContact,
    pan: withLuhn('476173900101004'),
    expiry: '1912',
    iac: { ...IAC, denial: '0040000000' },
  },
);

contactCard(
  'blocked',
  {
    description: 'Mastercard card whose application the issuer has blocked',
    proves: 'SELECT answers 6283, the application is not used',
  },
  { ...mastercardContact, pan: withLuhn('541333900101003'), blocked: true },
);

contactCard(
  'card-blocked',
  {
    description: 'Visa card that the issuer has blocked as a whole',
    proves: 'SELECT answers 6A81, the card is blocked',
  },
  { ...visaContact, pan: withLuhn('476173900101005'), cardBlocked: true },
);

/** A contactless Visa card that approves small amounts offline. */
function contactlessCard(name, about, { pan, ctq, holder }) {
  const path = join(fixtures, `cards/${name}.yaml`);
  const rsa = keep(existing(path)?.rsa, 1024);
  const aip = '2000';
  const signed = {
    '5A': pan,
    '5F34': '01',
    '5F24': `${EXPIRY}31`,
    '5F28': '0840',
    '9F07': 'FF00',
    '9F4A': '82',
  };
  save(
    path,
    {
      kind: 'icc',
      description: about.description,
      scheme: 'visa',
      proves: about.proves,
      pan,
      psn: '01',
      issuer: { keyFile: 'keys/issuer-keys.yaml', keySet: 'visa', pin: '1234' },
      rsa: asText(rsa),
      contactless: {
        ats: ATS,
        applications: [
          {
            aid: 'A0000000031010',
            label: 'VISA CREDIT',
            priority: 1,
            kernel: '03',
            pdol: '9F66049F02069F03069F1A0295055F2A029A039C019F3704',
            proprietary: { '5F2D': text('en') },
            profile: 'qvsdc',
            aip,
            cryptogram: 'visa-cvn10',
            ctq,
            formFactor: '20700000',
            limits: { currency: '0840', offlineAmount: 5000, cumulativeAmount: 20000, consecutive: 10 },
            records: [
              { sfi: 1, record: 1, signed: true, data: signed },
              ...authenticationRecords({ pan, rsa }, 'visa', signed, aip),
              { sfi: 4, record: 1, data: { '5F20': text(holder) } },
            ],
            data: { 57: trackTwoEquivalent(pan, EXPIRY) },
            atc: 1,
            lastOnlineAtc: 1,
          },
        ],
      },
    },
    ['Written by scripts/make-cards.mjs: TEST CARD, all keys are published.'],
  );
}
contactlessCard(
  'visa-contactless',
  {
    description: 'Visa card without contact: qVSDC, approves up to 50.00 USD itself, fDDA',
    proves: 'offline approval with fDDA, online request above the limits, online PIN by CTQ',
  },
  { pan: withLuhn('476173900101011'), ctq: 'E000', holder: 'POSSUM/TAP' },
);
contactlessCard(
  'visa-contactless-update',
  {
    description: 'Visa card without contact that takes issuer data when it is presented once more',
    proves: 'issuer update processing: second tap, EXTERNAL AUTHENTICATE, issuer scripts',
  },
  { pan: withLuhn('476173900101012'), ctq: 'E040', holder: 'POSSUM/UPDATE' },
);

function stripeCard(name, about, pan, service, holder, scheme) {
  save(
    join(fixtures, `cards/${name}.yaml`),
    { kind: 'magstripe', ...about, scheme, stripe: stripeOf(pan, EXPIRY, service, holder) },
    ['Written by scripts/make-cards.mjs: TEST CARD.'],
  );
}

stripeCard(
  'chip-stripe',
  {
    description: 'The stripe of a chip card: service code 201',
    proves: 'a swipe is answered with "insert chip"',
  },
  withLuhn('541333900101004'),
  '201',
  'POSSUM/CHIP',
  'mastercard',
);
stripeCard(
  'stripe-only',
  {
    description: 'Card of the own issuer range without a chip: service code 101',
    proves: 'a swipe is accepted and goes online',
  },
  withLuhn('999000000000001'),
  '101',
  'POSSUM/STRIPE',
  'other',
);
