/** Every command with its one line of help, in the order in which people meet them. */
export const CATALOGUE: readonly (readonly [name: string, summary: string])[] = [
  ['run', 'play scenario files and check what they expect'],
  ['emv', 'run one transaction through the kernel and show every decision'],
  ['sale', 'one sale with a card file, on the data folder'],
  ['refund', 'one refund with a card file, on the data folder'],
  ['void', 'take back a transaction of the open batch'],
  ['settle', 'settle the open batch with the host'],
  ['txn', 'list and show the transactions of a data folder'],
  ['batch', 'show the open batch and those that are settled'],
  ['receipt', 'print a receipt again'],
  ['host', 'serve the acquirer’s host on a TCP port'],
  ['card', 'list and show card files'],
  ['keys', 'load, list and destroy the keys of a data folder'],
  ['crypto', 'calculate DUKPT, PIN blocks, MACs, key blocks, cryptograms, card values …'],
  ['decode', 'explain TLV, DOL, APDU, status word, ATR, track, TVR, ISO 8583 …'],
];
