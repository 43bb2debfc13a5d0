export type * from './card.ts';
export type * from './display.ts';
export type * from './key-store.ts';
export type * from './pin-pad.ts';
export type * from './printer.ts';
export type * from './reader.ts';
export type * from './stream.ts';
