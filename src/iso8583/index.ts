export { type Codec, compileCodec, macInput, macOf, packWithMac } from './codec.ts';
export { describeMessage, type FieldRow, traceFields } from './describe.ts';
export { type FrameError, FrameSplitter, frame, type SplitResult } from './framing.ts';
export { type FieldPart, joinParts, splitParts } from './layout.ts';
export {
  bytesField,
  type IsoError,
  type IsoErrorCode,
  type IsoMessage,
  isoMessage,
  textField,
  type Unpacked,
} from './message.ts';
export {
  type FramingSpec,
  type HostProfile,
  loadProfile,
  type ProfileTransaction,
  profileSchema,
  type ResponseCodeEntry,
} from './profile.ts';
export type { FieldLayout, FieldSpec, MessageSpec } from './spec.ts';
export {
  minimumBody,
  type Opened,
  openBody,
  type Routing,
  requestRouting,
  swapped,
  wrapMessage,
} from './tpdu.ts';
