/** The three digits of a service code (ISO/IEC 7813, section 7.3). */
export interface ServiceCode {
  readonly interchange: 'international' | 'national' | 'private' | 'test' | 'unknown';
  /** The card has a chip that should be used where possible. */
  readonly chip: boolean;
  readonly authorisation: 'normal' | 'issuer' | 'issuer-except-bilateral' | 'unknown';
  readonly services: 'all' | 'goods-and-services' | 'atm' | 'cash' | 'unknown';
  readonly pin: 'required' | 'if-possible' | 'not-required';
}

const INTERCHANGE: Readonly<Record<string, ServiceCode['interchange']>> = {
  1: 'international',
  2: 'international',
  5: 'national',
  6: 'national',
  7: 'private',
  9: 'test',
};
const AUTHORISATION: Readonly<Record<string, ServiceCode['authorisation']>> = {
  0: 'normal',
  2: 'issuer',
  4: 'issuer-except-bilateral',
};
const SERVICES: Readonly<Record<string, readonly [ServiceCode['services'], ServiceCode['pin']]>> = {
  0: ['all', 'required'],
  1: ['all', 'not-required'],
  2: ['goods-and-services', 'not-required'],
  3: ['atm', 'required'],
  4: ['cash', 'not-required'],
  5: ['goods-and-services', 'required'],
  6: ['all', 'if-possible'],
  7: ['goods-and-services', 'if-possible'],
};

/** Reads a service code; unknown digits give `unknown`, and no PIN. */
export function readServiceCode(code: string): ServiceCode {
  const [first = '', second = '', third = ''] = code;
  const [services, pin] = SERVICES[third] ?? (['unknown', 'not-required'] as const);
  return {
    interchange: INTERCHANGE[first] ?? 'unknown',
    chip: first === '2' || first === '6',
    authorisation: AUTHORISATION[second] ?? 'unknown',
    services,
    pin,
  };
}
