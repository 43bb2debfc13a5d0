/** For each byte, the named bits: mask and meaning. */
export type BitField = readonly (readonly (readonly [mask: number, meaning: string])[])[];

/** Bit meanings per byte, highest bit first: mask and text. Bits that are not named are reserved. */

export const TVR: BitField = [
  [
    [0x80, 'Offline data authentication was not performed'],
    [0x40, 'SDA failed'],
    [0x20, 'ICC data missing'],
    [0x10, 'Card appears on terminal exception file'],
    [0x08, 'DDA failed'],
    [0x04, 'CDA failed'],
    [0x02, 'SDA selected'],
    [0x01, 'XDA selected'],
  ],
  [
    [0x80, 'ICC and terminal have different application versions'],
    [0x40, 'Expired application'],
    [0x20, 'Application not yet effective'],
    [0x10, 'Requested service not allowed for card product'],
    [0x08, 'New card'],
    [0x02, 'Biometric performed and successful'],
    [0x01, 'Biometric template format not supported'],
  ],
  [
    [0x80, 'Cardholder verification was not successful'],
    [0x40, 'Unrecognised CVM'],
    [0x20, 'PIN Try Limit exceeded'],
    [0x10, 'PIN entry required and PIN pad not present or not working'],
    [0x08, 'PIN entry required, PIN pad present, but PIN was not entered'],
    [0x04, 'On-line CVM captured'],
    [0x02, 'Biometric required but capture device not present or not working'],
    [0x01, 'Biometric required, device present, but biometric was bypassed'],
  ],
  [
    [0x80, 'Transaction exceeds floor limit'],
    [0x40, 'Lower consecutive offline limit exceeded'],
    [0x20, 'Upper consecutive offline limit exceeded'],
    [0x10, 'Transaction selected randomly for online processing'],
    [0x08, 'Merchant forced transaction online'],
    [0x04, 'Biometric try limit exceeded'],
    [0x02, 'A selected biometric type is not supported'],
    [0x01, 'XDA signature verification failed'],
  ],
  [
    [0x80, 'Default TDOL used'],
    [0x40, 'Issuer authentication failed'],
    [0x20, 'Script processing failed before final GENERATE AC'],
    [0x10, 'Script processing failed after final GENERATE AC'],
    [0x04, 'CA ECC key missing'],
    [0x02, 'ECC key recovery failed'],
  ],
];

export const TSI: BitField = [
  [
    [0x80, 'Offline data authentication was performed'],
    [0x40, 'Cardholder verification was performed'],
    [0x20, 'Card risk management was performed'],
    [0x10, 'Issuer authentication was performed'],
    [0x08, 'Terminal risk management was performed'],
    [0x04, 'Script processing was performed'],
  ],
  [],
];

export const AIP: BitField = [
  [
    [0x80, 'XDA supported'],
    [0x40, 'SDA supported'],
    [0x20, 'DDA supported'],
    [0x10, 'Cardholder verification is supported'],
    [0x08, 'Terminal risk management is to be performed'],
    [0x04, 'Issuer authentication is supported'],
    [0x02, 'On-device cardholder verification is supported'],
    [0x01, 'CDA supported'],
  ],
  [
    [0x80, 'EMV mode is supported (kernel 2)'],
    [0x40, 'Mobile phone'],
    [0x20, 'Contactless transaction'],
    [0x01, 'Relay resistance protocol is supported'],
  ],
];

export const AUC: BitField = [
  [
    [0x80, 'Valid for domestic cash transactions'],
    [0x40, 'Valid for international cash transactions'],
    [0x20, 'Valid for domestic goods'],
    [0x10, 'Valid for international goods'],
    [0x08, 'Valid for domestic services'],
    [0x04, 'Valid for international services'],
    [0x02, 'Valid at ATMs'],
    [0x01, 'Valid at terminals other than ATMs'],
  ],
  [
    [0x80, 'Domestic cashback allowed'],
    [0x40, 'International cashback allowed'],
  ],
];

export const TERMINAL_CAPABILITIES: BitField = [
  [
    [0x80, 'Manual key entry'],
    [0x40, 'Magnetic stripe'],
    [0x20, 'IC with contacts'],
  ],
  [
    [0x80, 'Plaintext PIN for ICC verification'],
    [0x40, 'Enciphered PIN for online verification'],
    [0x20, 'Signature'],
    [0x10, 'Enciphered PIN for offline verification'],
    [0x08, 'No CVM required'],
  ],
  [
    [0x80, 'SDA'],
    [0x40, 'DDA'],
    [0x20, 'Card capture'],
    [0x08, 'CDA'],
  ],
];

export const ADDITIONAL_CAPABILITIES: BitField = [
  [
    [0x80, 'Cash'],
    [0x40, 'Goods'],
    [0x20, 'Services'],
    [0x10, 'Cashback'],
    [0x08, 'Inquiry'],
    [0x04, 'Transfer'],
    [0x02, 'Payment'],
    [0x01, 'Administrative'],
  ],
  [[0x80, 'Cash deposit']],
  [
    [0x80, 'Numeric keys'],
    [0x40, 'Alphabetic and special character keys'],
    [0x20, 'Command keys'],
    [0x10, 'Function keys'],
  ],
  [
    [0x80, 'Print, attendant'],
    [0x40, 'Print, cardholder'],
    [0x20, 'Display, attendant'],
    [0x10, 'Display, cardholder'],
    [0x02, 'Code table 10'],
    [0x01, 'Code table 9'],
  ],
  [
    [0x80, 'Code table 8'],
    [0x40, 'Code table 7'],
    [0x20, 'Code table 6'],
    [0x10, 'Code table 5'],
    [0x08, 'Code table 4'],
    [0x04, 'Code table 3'],
    [0x02, 'Code table 2'],
    [0x01, 'Code table 1'],
  ],
];

export const TTQ: BitField = [
  [
    [0x80, 'Magnetic stripe mode supported'],
    [0x20, 'EMV mode supported'],
    [0x10, 'EMV contact chip supported'],
    [0x08, 'Offline-only reader'],
    [0x04, 'Online PIN supported'],
    [0x02, 'Signature supported'],
    [0x01, 'Offline data authentication for online authorisations supported'],
  ],
  [
    [0x80, 'Online cryptogram required'],
    [0x40, 'CVM required'],
    [0x20, 'Offline PIN supported by contact chip'],
    [0x08, 'Fast mode'],
    [0x04, 'Transit'],
  ],
  [
    [0x80, 'Issuer update processing supported'],
    [0x40, 'Consumer device CVM supported'],
    [0x20, 'Consumer device CVM for transit'],
    [0x08, 'Consumer device CVM required'],
  ],
  [[0x80, 'fDDA version 01 supported']],
];

export const CTQ: BitField = [
  [
    [0x80, 'Online PIN required'],
    [0x40, 'Signature required'],
    [0x20, 'Go online if offline data authentication fails and reader is online capable'],
    [0x10, 'Switch interface if offline data authentication fails and reader supports contact chip'],
    [0x08, 'Go online if application expired'],
    [0x04, 'Switch interface for cash transactions'],
    [0x02, 'Switch interface for cashback transactions'],
    [0x01, 'Not valid for contactless ATM transactions'],
  ],
  [
    [0x80, 'Consumer device CVM performed'],
    [0x40, 'Card supports issuer update processing at the POS'],
  ],
];
