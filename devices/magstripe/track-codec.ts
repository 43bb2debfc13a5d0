/** The reading of tracks, which lives in the firmware; whoever makes a reader hands it over. */
export interface TrackCodec {
  /** The characters between the sentinels; a character behind the end sentinel must be the right check character. */
  unwrapTrack(
    track: 1 | 2 | 3,
    raw: string,
  ):
    | { readonly ok: true; readonly value: string }
    | { readonly ok: false; readonly error: { readonly code: string } };
  /** The check character over a track with its sentinels. */
  trackLrc(track: 1 | 2 | 3, withSentinels: string): string;
}
